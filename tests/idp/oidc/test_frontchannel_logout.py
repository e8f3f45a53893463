"""OpenID Connect Front-Channel Logout 1.0."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from idp.interaction import logout
from idp.oidc.frontchannel_logout import frontchannel_logout_url
from idp.oidc.rp_initiated_logout import validate_logout_request
from keys.purposes import Purpose
from tests.idp.provider import ISSUER, Provider, claims_of
from tests.protocol.requirement import requirement

GOODBYE = "https://agency-a.example/goodbye"


class LeavingProvider(Provider):
    """The provider with its pages of logout."""

    def make_app(self):
        app = super().make_app()
        app.register_blueprint(logout.blueprint(self.services, self.validate_logout))
        return app

    def validate_logout(self, parameters):
        keys = self.server.key_set.keys([Purpose.ID_TOKEN])
        return validate_logout_request(parameters, issuer=ISSUER, keys=keys, load_client=self.server.clients.load)


@pytest.fixture
def provider(ground):
    from keys.keystore import Keystore

    return LeavingProvider(ground, Keystore(ground))


@pytest.fixture
def framed(provider):
    return provider.agency(
        frontchannel_logout_uri="https://agency-a.example/frame?x=1",
        frontchannel_logout_session_required=True,
        post_logout_redirect_uris=[GOODBYE],
    )


def frames(shown):
    return [unescape(each) for each in re.findall(r'<iframe src="([^"]+)"', shown.text)]


def sign_out(agency, browser, **form):
    answer = browser.submit("/logout/confirm", {"client_id": agency.client_id} | form)
    assert answer.status_code == 303
    return str(answer.location)


@requirement("OIDC Front-Channel Logout", "3", "MUST")
def test_discovery_says_that_it_is_served(provider):
    metadata = provider.browser().get("/.well-known/openid-configuration").json
    assert metadata["frontchannel_logout_supported"] is True
    assert metadata["frontchannel_logout_session_supported"] is True


@requirement("OIDC Front-Channel Logout", "2", "MUST")
def test_the_page_of_a_client_stands_in_a_frame_with_iss_and_its_sid(framed, browser):
    sid = claims_of(framed.sign_in(browser)["id_token"])["sid"]
    shown = browser.get(sign_out(framed, browser))
    (address,) = frames(shown)
    assert parse_qs(urlsplit(address).query) == {"x": ["1"], "iss": [ISSUER], "sid": [sid]}
    assert "frame-src https://agency-a.example" in shown.headers["Content-Security-Policy"]


@requirement("OIDC RP-Initiated Logout", "3", "MUST")
def test_the_way_back_follows_the_frames_and_keeps_the_state(framed, browser):
    framed.sign_in(browser)
    shown = browser.get(sign_out(framed, browser, post_logout_redirect_uri=GOODBYE, state="s 1"))
    onward = re.search(r'id="logout-continue" href="([^"]+)"', shown.text)[1]
    assert unescape(onward) == f"{GOODBYE}?state=s+1"
    assert 'http-equiv="refresh"' in shown.text
    assert "logout.js" in shown.text


def test_a_reload_shows_the_same_page_and_ends_nothing_twice(framed, browser, provider):
    framed.sign_in(browser)
    location = sign_out(framed, browser)
    assert frames(browser.get(location)) == frames(browser.get(location)) != []


def test_a_second_click_leads_on_without_frames(framed, browser):
    framed.sign_in(browser)
    form = {"post_logout_redirect_uri": GOODBYE}
    assert sign_out(framed, browser, **form).startswith("/logout/done/")
    assert sign_out(framed, browser, **form) == GOODBYE


def test_every_client_of_the_session_and_no_other_has_its_frame(framed, browser, provider):
    other = provider.agency("agency-b", frontchannel_logout_uri="https://agency-b.example/frame")
    stranger = provider.agency("agency-c", frontchannel_logout_uri="https://agency-c.example/frame")
    framed.sign_in(browser)
    other.sign_in(browser)
    stranger.sign_in(provider.browser(), "malee")
    hosts = {urlsplit(each).netloc for each in frames(browser.get(sign_out(framed, browser)))}
    assert hosts == {"agency-a.example", "agency-b.example"}


def test_a_client_without_such_a_page_sends_the_person_straight_back(provider, browser):
    plain = provider.agency(post_logout_redirect_uris=[GOODBYE])
    plain.sign_in(browser)
    assert sign_out(plain, browser, post_logout_redirect_uri=GOODBYE) == GOODBYE


def test_pages_without_frames_allow_none(browser):
    assert "frame-src" not in browser.get("/logout/done/unknown").headers["Content-Security-Policy"]


def test_a_page_without_a_query_gets_one(provider):
    plain = provider.agency(frontchannel_logout_uri="https://agency-a.example/frame")
    client = provider.server.clients.load(plain.client_id)
    address = frontchannel_logout_url(client, issuer=ISSUER, sid="s1")
    assert address == "https://agency-a.example/frame?iss=http%3A%2F%2Flocalhost%3A8080&sid=s1"
