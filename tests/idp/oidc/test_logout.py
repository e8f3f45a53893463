"""RP-Initiated Logout 1.0 and Back-Channel Logout 1.0."""

from __future__ import annotations

import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest
from sqlalchemy import select

from idp.errors import InvalidRequest
from idp.interaction.session_row import Session
from idp.oidc.rp_initiated_logout import validate_logout_request
from keys.purposes import Purpose
from tests.idp.provider import ISSUER, claims_of, header_of
from tests.protocol.requirement import requirement

EVENT = "http://schemas.openid.net/event/backchannel-logout"
GOODBYE = "https://agency-a.example/goodbye"


@pytest.fixture
def leaving(provider):
    return provider.agency(post_logout_redirect_uris=[GOODBYE, "https://agency-a.example/bye?x=1"])


def validate(agency, **parameters):
    server = agency.provider.server
    keys = server.key_set.keys([Purpose.ID_TOKEN])
    return validate_logout_request(parameters, issuer=ISSUER, keys=keys, load_client=server.clients.load)


def session_id(provider):
    with provider.ground.database.read() as connection:
        return connection.execute(select(Session.sid)).scalars().one()


class TestRequest:
    @requirement("OIDC RP-Initiated Logout", "2", "MUST")
    @requirement("OIDC RP-Initiated Logout", "3", "MUST")
    def test_a_hint_names_client_session_and_the_way_back(self, leaving, browser):
        hint = leaving.sign_in(browser)["id_token"]
        found = validate(leaving, id_token_hint=hint, post_logout_redirect_uri=GOODBYE, state="a b")
        assert found.client.client_id == leaving.client_id
        assert found.names_session(session_id(leaving.provider))
        assert not found.names_session("another")
        assert found.return_url == f"{GOODBYE}?state=a+b"

    @requirement("OIDC RP-Initiated Logout", "2", "SHOULD")
    def test_an_expired_hint_still_names_its_session(self, leaving, browser, clock):
        hint = leaving.sign_in(browser)["id_token"]
        clock.advance(timedelta(hours=5))
        assert validate(leaving, id_token_hint=hint).names_session(session_id(leaving.provider))

    @requirement("OIDC RP-Initiated Logout", "3", "MUST")
    def test_state_is_added_to_a_query_that_is_there(self, leaving):
        found = validate(
            leaving, client_id=leaving.client_id, post_logout_redirect_uri="https://agency-a.example/bye?x=1", state="s"
        )
        assert found.return_url == "https://agency-a.example/bye?x=1&state=s"

    def test_nothing_at_all_is_a_request_too(self, leaving):
        assert validate(leaving).return_url == ""
        assert validate(leaving).client is None

    @requirement("OIDC RP-Initiated Logout", "2", "MUST")
    @requirement("OIDC RP-Initiated Logout", "4", "MUST NOT")
    @pytest.mark.parametrize(
        "changed",
        [
            {"post_logout_redirect_uri": GOODBYE},
            {"client_id": "unknown"},
            {"id_token_hint": "a.b.c"},
            {"id_token_hint": "x"},
            {"state": "a\nb"},
        ],
    )
    def test_what_cannot_be_verified_is_refused(self, refusing, changed):
        with pytest.raises(InvalidRequest):
            validate(refusing, **changed)

    @requirement("OIDC RP-Initiated Logout", "3", "MUST NOT")
    def test_only_registered_addresses_are_led_to(self, leaving):
        for uri in (f"{GOODBYE}/", "https://agency-a.example/Goodbye", "https://evil.example/", "javascript:alert(1)"):
            with pytest.raises(InvalidRequest, match="post_logout_redirect_uri"):
                validate(leaving, client_id=leaving.client_id, post_logout_redirect_uri=uri)

    @requirement("OIDC RP-Initiated Logout", "2", "MUST")
    def test_client_and_hint_must_agree(self, provider, leaving, browser):
        hint = leaving.sign_in(browser)["id_token"]
        other = provider.agency("agency-b")
        with pytest.raises(InvalidRequest, match="another|this client"):
            validate(leaving, id_token_hint=hint, client_id=other.client_id)

    @requirement("OIDC RP-Initiated Logout", "2", "MUST")
    def test_an_access_token_is_no_hint(self, leaving, browser):
        with pytest.raises(InvalidRequest):
            validate(leaving, id_token_hint=leaving.sign_in(browser)["access_token"])


class Channel:
    """An agency's back channel on loopback."""

    def __init__(self) -> None:
        self.received: list[str] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.received.append(parse_qs(body)["logout_token"][0])
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @property
    def uri(self) -> str:
        return f"http://localhost:{self.server.server_port}/backchannel"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def channel():
    made = Channel()
    yield made
    made.close()


@pytest.fixture
def told(provider, channel):
    return provider.agency("told", backchannel_logout_uri=channel.uri)


def end_session(provider):
    with provider.ground.database.write() as connection:
        assert provider.sessions.end(connection, session_id(provider), reason="test")


@pytest.mark.both_backends
@requirement("OIDC Back-Channel Logout", "2.4", "MUST")
@requirement("OIDC Back-Channel Logout", "2.4", "MUST NOT")
@requirement("OIDC Back-Channel Logout", "2.5", "MUST")
def test_every_client_of_the_session_is_told(provider, told, channel, browser, clock):
    """Section 2.4: the logout token."""
    agency = provider.agency()  # without a back channel
    agency.sign_in(browser)
    id_token = claims_of(told.sign_in(browser)["id_token"])
    end_session(provider)
    assert provider.outbox.deliver_due() == 1
    (token,) = channel.received
    assert header_of(token)["typ"] == "logout+jwt"
    claims = told.verified(token)
    assert claims["events"] == {EVENT: {}}
    assert claims["jti"]
    assert "nonce" not in claims
    assert (claims["iss"], claims["aud"]) == (ISSUER, told.client_id)
    assert (claims["sub"], claims["sid"]) == (id_token["sub"], id_token["sid"])
    assert claims["iat"] == told.now
    assert claims["exp"] == told.now + 120


@requirement("OIDC Back-Channel Logout", "2.4", "MUST")
def test_a_client_that_did_not_answer_is_told_again_with_the_same_jti(provider, told, channel, browser, clock):
    told.sign_in(browser)
    end_session(provider)
    channel.status = 500
    assert provider.outbox.deliver_due() == 0
    channel.status = 204
    clock.advance(timedelta(minutes=5))
    assert provider.outbox.deliver_due() == 1
    first, second = (claims_of(token) for token in channel.received)
    assert first["jti"] == second["jti"]
    assert second["exp"] > first["exp"]


def test_a_session_without_clients_tells_nobody(provider, told, channel, browser):
    told.authorize(browser)
    begun = told.authorize(browser)
    told.step(browser, begun.location, "somchai")
    end_session(provider)
    assert provider.outbox.deliver_due() == 0
    assert channel.received == []


def test_the_sessions_tokens_end_with_it(provider, agency, browser):
    token = agency.sign_in(browser)["access_token"]
    end_session(provider)
    assert agency.userinfo(token).status_code == 401


@requirement("OIDC Back-Channel Logout", "2.3", "MUST")
def test_a_session_that_runs_out_tells_its_clients_too(provider, told, channel, browser, clock):
    told.sign_in(browser)
    clock.advance(timedelta(hours=13))
    assert provider.sessions.end_expired() == 1
    provider.outbox.deliver_due()
    assert len(channel.received) == 1


@requirement("OIDC Back-Channel Logout", "2.6", "MUST")
@pytest.mark.parametrize("algorithm", ["PS256", "EdDSA", "RS256"])
def test_a_logout_token_is_signed_as_the_clients_id_tokens_are(provider, channel, browser, algorithm):
    agency = provider.agency("told", backchannel_logout_uri=channel.uri, id_token_signed_response_alg=algorithm)
    agency.sign_in(browser)
    end_session(provider)
    provider.outbox.deliver_due()
    header = header_of(channel.received[0])
    assert (header["alg"], header["typ"]) == (algorithm, "logout+jwt")
    assert header["kid"] in {each["kid"] for each in provider.browser().get("/jwks").json["keys"]}


@requirement("OIDC Back-Channel Logout", "2.4", "MUST")
def test_each_client_hears_its_own_names_of_person_and_session(provider, told, channel, browser):
    other = provider.agency("other", backchannel_logout_uri=channel.uri)
    ids = {agency.client_id: claims_of(agency.sign_in(browser)["id_token"]) for agency in (told, other)}
    end_session(provider)
    provider.outbox.deliver_due()
    heard = {claims["aud"]: claims for claims in map(claims_of, channel.received)}
    assert {name: (each["sub"], each["sid"]) for name, each in heard.items()} == {
        name: (each["sub"], each["sid"]) for name, each in ids.items()
    }
    assert len({each["sid"] for each in heard.values()}) == 2


def test_a_client_that_was_removed_stops_nobody_else(provider, told, channel, browser):
    other = provider.agency("other", backchannel_logout_uri=channel.uri)
    told.sign_in(browser)
    other.sign_in(browser)
    end_session(provider)
    provider.registration.remove(told.client_id, by="test")
    provider.outbox.deliver_due()
    assert [claims_of(token)["aud"] for token in channel.received] == [other.client_id]
