"""Client-Initiated Backchannel Authentication, CIBA Core 1.0, and the FAPI-CIBA profile of it."""

from __future__ import annotations

import json
import re
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from joserfc.jwk import ECKey

from core.audit import AuditEntry
from core.identifiers import new_id
from idp.oidc import ciba, ciba_ping
from idp.registration.problems import InvalidMetadata
from tests.idp.decoupled import CIBA, come_to_the_decision, decide, device_client, poll
from tests.idp.provider import ISSUER
from tests.protocol.requirement import requirement

GRANTS = {"grant_types": [CIBA], "response_types": [], "scope": "openid profile"}
POLL = GRANTS | {"backchannel_token_delivery_mode": "poll"}
SIGNED = POLL | {"backchannel_authentication_request_signing_alg": "ES256"}


@pytest.fixture
def counter(provider):
    """A service at a counter: it polls, and need not sign."""
    return provider.agency("counter", **POLL)


@pytest.fixture
def signing(provider):
    """A service that registered an algorithm, and so must sign."""
    return provider.agency("signing", **SIGNED)


def ask(agency, **parameters):
    form = agency.authentication() | {"scope": "openid profile", "login_hint": "somchai"} | parameters
    form = {name: value for name, value in form.items() if value is not None}
    return agency.provider.browser().post("/bc-authorize", data=form)


def asked(agency, **parameters):
    answer = ask(agency, **parameters)
    assert answer.status_code == 200, answer.text
    return answer.json["auth_req_id"]


def request_object(agency, *, key=None, typ="oauth-authz-req+jwt", **claims):
    usual = {"iss": agency.client_id, "aud": ISSUER, "jti": new_id(), "scope": "openid", "login_hint": "somchai"}
    usual |= {"iat": agency.now, "nbf": agency.now, "exp": agency.now + 300}
    told = {name: value for name, value in (usual | claims).items() if value is not None}
    return agency.sign(told, key, kid=agency.key.kid, typ=typ)


def ask_signed(agency, request, **beside):
    return agency.provider.browser().post("/bc-authorize", data=agency.authentication() | {"request": request} | beside)


def poll_for(agency, auth_req_id, **more):
    return poll(agency, grant_type=CIBA, auth_req_id=auth_req_id, **more)


def refusal(answer):
    return answer.status_code, answer.json["error"]


def link(provider):
    """The address in the newest letter."""
    message = provider.outbox.messages()[0]
    return re.search(rf"{ISSUER}(/request/\S+)", message.body)[1]


def open_link(provider, browser):
    return str(browser.get(link(provider)).location)


def decided(agency, browser, decision="approve", name="somchai"):
    location = open_link(agency.provider, browser)
    shown = come_to_the_decision(agency, browser, location, name)
    decide(browser, location, decision)
    return shown


class TestRequest:
    @requirement("CIBA Core", "7.3", "MUST")
    def test_the_answer_has_the_id_its_lifetime_and_the_interval(self, counter):
        answer = ask(counter)
        assert set(answer.json) == {"auth_req_id", "expires_in", "interval"}
        assert (answer.json["expires_in"], answer.json["interval"]) == (300, 5)
        assert re.fullmatch(r"[A-Za-z0-9._-]{43}", answer.json["auth_req_id"])
        assert answer.headers["Cache-Control"] == "no-store"

    @requirement("CIBA Core", "7.1", "MUST")
    def test_the_client_authenticates(self, counter):
        answer = ask(counter, client_assertion=None, client_assertion_type=None)
        assert refusal(answer) == (401, "invalid_client")

    @requirement("CIBA Core", "7.1", "MUST")
    def test_openid_is_in_the_scope(self, counter):
        assert refusal(ask(counter, scope="profile")) == (400, "invalid_scope")

    @requirement("CIBA Core", "7.1", "MUST")
    @pytest.mark.parametrize("hints", [{"login_hint": None}, {"id_token_hint": "x"}, {"login_hint_token": "x"}])
    def test_there_is_exactly_one_hint(self, counter, hints):
        assert refusal(ask(counter, **hints)) == (400, "invalid_request")

    def test_a_kind_of_hint_that_is_not_served_is_said_so(self, counter):
        assert refusal(ask(counter, login_hint=None, login_hint_token="x")) == (400, "invalid_request")

    @requirement("CIBA Core", "13", "MUST")
    def test_a_hint_that_names_nobody_is_told(self, counter):
        assert refusal(ask(counter, login_hint="nobody")) == (400, "unknown_user_id")

    def test_people_cannot_be_looked_up_at_will(self, counter):
        answers = [ask(counter, login_hint=f"nobody{number}").status_code for number in range(101)]
        assert answers == [400] * 100 + [429]
        assert ask(counter).status_code == 429, "or who is known could still be told from who is not"

    def test_the_assertion_of_a_call_that_came_too_often_is_spent_too(self, counter, monkeypatch):
        monkeypatch.setattr(ciba, "UNKNOWN", 0)
        assertion = counter.authentication()
        assert ask(counter, login_hint="nobody", **assertion).status_code == 429
        monkeypatch.undo()
        assert refusal(ask(counter, **assertion)) == (401, "invalid_client")

    def test_a_person_on_hold_is_as_unknown_as_nobody(self, counter):
        counter.provider.suspend("somchai")
        assert refusal(ask(counter)) == (400, "unknown_user_id")

    def test_a_citizen_number_is_a_hint_for_those_registered_for_it_alone(self, provider, counter):
        number = "1990000000019"
        assert refusal(ask(counter, login_hint=number)) == (400, "unknown_user_id")
        claim = {"claim": "prajak_citizen_number", "purpose": "p", "legal_basis": "public_task"}
        assert ask(provider.agency("welfare", **POLL, prajak_claims=[claim]), login_hint=number).status_code == 200

    def test_what_a_client_was_told_of_a_person_names_them(self, provider, counter, browser):
        first = asked(counter)
        decided(counter, browser)
        id_token = poll_for(counter, first).json["id_token"]
        sub = counter.verified(id_token)["sub"]
        assert ask(counter, login_hint=sub).status_code == 200
        assert ask(counter, login_hint=None, id_token_hint=id_token).status_code == 200
        other = provider.agency("elsewhere", **POLL)
        assert refusal(ask(other, login_hint=sub)) == (400, "unknown_user_id")
        assert refusal(ask(other, login_hint=None, id_token_hint=id_token)) == (400, "invalid_request")

    @requirement("CIBA Core", "13", "MUST")
    @pytest.mark.parametrize(
        "message", ["x" * 121, "two\nlines", "hidden \u202e words", "https://a.example/", "www.a.th", "see evil.co"]
    )
    def test_a_binding_message_that_cannot_be_shown_is_refused(self, counter, message):
        assert refusal(ask(counter, binding_message=message)) == (400, "invalid_binding_message")

    @requirement("CIBA Core", "7.1", "MUST")
    @pytest.mark.parametrize(("wanted", "given"), [("30", 30), ("1", 10), ("99999", 600)])
    def test_a_requested_expiry_is_kept_within_bounds(self, counter, wanted, given):
        assert ask(counter, requested_expiry=wanted).json["expires_in"] == given

    @pytest.mark.parametrize("wanted", ["0", "-5", "soon", "1.5"])
    def test_a_requested_expiry_is_a_positive_integer(self, counter, wanted):
        assert refusal(ask(counter, requested_expiry=wanted)) == (400, "invalid_request")

    @requirement("CIBA Core", "4", "MUST")
    def test_only_clients_that_are_registered_for_it_may_ask(self, agency):
        assert refusal(ask(agency)) == (400, "unauthorized_client")

    def test_nobody_is_worn_down_by_questions(self, counter):
        answers = [ask(counter).status_code for _ in range(21)]
        assert answers == [200] * 20 + [403]

    @requirement("CIBA Core", "4", "MUST")
    def test_discovery_says_what_is_served(self, provider):
        metadata = provider.browser().get("/.well-known/openid-configuration").json
        assert metadata["backchannel_authentication_endpoint"] == f"{ISSUER}/bc-authorize"
        assert metadata["backchannel_token_delivery_modes_supported"] == ["poll", "ping"]
        assert "ES256" in metadata["backchannel_authentication_request_signing_alg_values_supported"]
        assert metadata["backchannel_user_code_parameter_supported"] is False
        assert CIBA in metadata["grant_types_supported"]


class TestSignedRequest:
    @requirement("CIBA Core", "7.1.1", "MUST")
    @pytest.mark.parametrize("typ", ["oauth-authz-req+jwt", "OautH-auThZ-REQ+jWt", "JWT"])
    def test_a_signed_request_is_taken(self, signing, typ):
        request = request_object(signing, typ=typ, requested_expiry=30, binding_message="1234")
        assert ask_signed(signing, request).json["expires_in"] == 30

    @requirement("CIBA Core", "7.1.1", "MUST NOT")
    @pytest.mark.parametrize("beside", [{"scope": "openid"}, {"binding_message": "other"}])
    def test_nothing_stands_beside_the_request(self, signing, beside):
        assert refusal(ask_signed(signing, request_object(signing), **beside)) == (400, "invalid_request")

    @requirement("CIBA Core", "7.1.1", "MUST")
    @pytest.mark.parametrize("missing", ["iss", "aud", "exp", "iat", "nbf", "jti"])
    def test_every_registered_claim_is_there(self, signing, missing):
        assert refusal(ask_signed(signing, request_object(signing, **{missing: None}))) == (400, "invalid_request")

    @requirement("CIBA Core", "7.1.1", "MUST")
    @pytest.mark.parametrize("claims", [{"iss": "another"}, {"aud": "https://other.example"}, {"client_id": "another"}])
    def test_it_is_of_this_client_and_for_us(self, signing, claims):
        assert refusal(ask_signed(signing, request_object(signing, **claims))) == (400, "invalid_request")

    @requirement("FAPI-CIBA", "5.2.2", "MUST")
    @pytest.mark.parametrize(("nbf", "exp"), [(0, 4200), (-4200, 60), (-100, -60), (120, 300)])
    def test_it_is_of_use_now_and_for_an_hour_at_most(self, signing, nbf, exp):
        request = request_object(signing, nbf=signing.now + nbf, exp=signing.now + exp)
        assert refusal(ask_signed(signing, request)) == (400, "invalid_request")

    @requirement("CIBA Core", "7.1.1", "MUST")
    def test_it_is_signed_by_a_registered_key(self, signing):
        stranger = ECKey.generate_key("P-256", {"kid": signing.key.kid}, private=True)
        assert refusal(ask_signed(signing, request_object(signing, key=stranger))) == (400, "invalid_request")

    @requirement("FAPI-CIBA", "5.2.2", "MUST")
    def test_a_request_without_a_signature_is_refused(self, signing):
        assert refusal(ask(signing)) == (400, "invalid_request")
        header, claims, _ = request_object(signing).split(".")
        for unsigned in (f"{header}.{claims}.", "eyJhbGciOiJub25lIn0." + claims + "."):
            assert refusal(ask_signed(signing, unsigned)) == (400, "invalid_request")

    def test_it_is_used_once(self, signing):
        request = request_object(signing)
        assert ask_signed(signing, request).status_code == 200
        assert refusal(ask_signed(signing, request)) == (400, "invalid_request")

    @requirement("CIBA Core", "7.1.1", "MUST")
    def test_the_same_checks_hold_inside(self, signing):
        assert refusal(ask_signed(signing, request_object(signing, login_hint="nobody"))) == (400, "unknown_user_id")
        assert refusal(ask_signed(signing, request_object(signing, id_token_hint="x"))) == (400, "invalid_request")


class TestPolling:
    @requirement("CIBA Core", "11", "MUST")
    def test_undecided_is_pending_and_too_often_is_slowed_down(self, counter, clock):
        auth_req_id = asked(counter)
        assert refusal(poll_for(counter, auth_req_id)) == (400, "authorization_pending")
        clock.advance(timedelta(seconds=1))
        assert refusal(poll_for(counter, auth_req_id)) == (400, "slow_down")

    @requirement("CIBA Core", "11", "MUST")
    def test_an_expired_request_says_so(self, counter, clock):
        auth_req_id = asked(counter, requested_expiry="10")
        clock.advance(timedelta(seconds=11))
        assert refusal(poll_for(counter, auth_req_id)) == (400, "expired_token")

    @pytest.mark.both_backends
    @requirement("CIBA Core", "10.1.1", "MUST")
    def test_an_approval_becomes_tokens_once(self, counter, browser):
        auth_req_id = asked(counter)
        decided(counter, browser)
        tokens = poll_for(counter, auth_req_id).json
        id_token = counter.verified(tokens["id_token"])
        assert (id_token["aud"], id_token["iss"]) == (counter.client_id, ISSUER)
        assert {"auth_time", "acr", "amr", "at_hash", "iat", "exp"} <= id_token.keys()
        assert counter.userinfo(tokens["access_token"]).json["sub"] == id_token["sub"]
        assert refusal(poll_for(counter, auth_req_id)) == (400, "invalid_grant")

    @requirement("CIBA Core", "11", "MUST")
    def test_a_refusal_is_told(self, counter, browser):
        auth_req_id = asked(counter)
        decided(counter, browser, "deny")
        assert refusal(poll_for(counter, auth_req_id)) == (400, "access_denied")

    @requirement("CIBA Core", "10.1", "MUST")
    def test_another_client_cannot_fetch_it(self, provider, counter, browser):
        auth_req_id = asked(counter)
        decided(counter, browser)
        assert refusal(poll_for(provider.agency("other", **POLL), auth_req_id)) == (400, "invalid_grant")

    def test_a_request_of_one_grant_is_no_device_code(self, provider, counter):
        device = device_client(provider)
        grant = "urn:ietf:params:oauth:grant-type:device_code"
        answer = poll(device, grant_type=grant, device_code=asked(counter))
        assert refusal(answer) == (400, "invalid_grant")


class TestProfile:
    """FAPI-CIBA: a client of `fapi2-security`."""

    @pytest.fixture
    def strict(self, provider):
        return provider.agency("strict", prajak_profile="fapi2-security", **SIGNED)

    @requirement("FAPI-CIBA", "5.2.2", "MUST")
    def test_its_requests_are_signed(self, strict):
        assert refusal(ask(strict)) == (400, "invalid_request")
        assert ask_signed(strict, request_object(strict)).status_code == 200

    @requirement("FAPI-CIBA", "5.2.2", "MUST")
    def test_its_tokens_are_bound_and_a_forgotten_proof_spends_nothing(self, strict, browser):
        auth_req_id = ask_signed(strict, request_object(strict)).json["auth_req_id"]
        decided(strict, browser)
        assert poll_for(strict, auth_req_id).status_code == 400
        answer = poll(
            strict, grant_type=CIBA, auth_req_id=auth_req_id, headers={"DPoP": strict.proof("POST", "/token")}
        )
        assert (answer.status_code, answer.json["token_type"]) == (200, "DPoP")

    @requirement("FAPI-CIBA", "5.2.2", "MUST")
    def test_a_client_that_cannot_authenticate_is_refused(self, provider):
        with pytest.raises(InvalidMetadata):
            provider.agency("app", application_type="native", token_endpoint_auth_method="none", **POLL)


class TestRefreshing:
    def test_staying_connected_is_asked_for_and_then_given(self, provider, browser):
        grants = POLL | {"grant_types": [CIBA, "refresh_token"], "scope": "openid profile offline_access"}
        agency = provider.agency("lasting", **grants)
        auth_req_id = asked(agency, scope="openid offline_access")
        assert "stay connected" in decided(agency, browser)
        tokens = poll_for(agency, auth_req_id).json
        again = poll(agency, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        assert again.status_code == 200, again.text

    def test_without_it_there_is_no_refresh_token(self, provider, browser):
        grants = POLL | {"grant_types": [CIBA, "refresh_token"], "scope": "openid profile offline_access"}
        agency = provider.agency("brief", **grants)
        auth_req_id = asked(agency)
        decided(agency, browser)
        assert "refresh_token" not in poll_for(agency, auth_req_id).json


class TestPerson:
    @requirement("CIBA Core", "8", "MUST")
    def test_a_letter_leads_to_the_request_and_the_page_names_who_asks_for_what(self, counter, browser, provider):
        asked(counter, binding_message="ช่อง 4 เวลา 10:20")
        letter = provider.outbox.messages()[0]
        assert letter.recipient == "somchai@example.test"
        assert "ช่อง 4 เวลา 10:20" in letter.body
        shown = decided(counter, browser)
        assert '<strong id="binding-message">ช่อง 4 เวลา 10:20</strong>' in shown
        assert "Service of counter" in shown
        assert 'data-claims="name' in shown

    def test_without_words_to_compare_the_page_warns_all_the_same(self, counter, browser):
        asked(counter)
        shown = decided(counter, browser)
        assert "Did you begin this yourself?" in shown
        assert "how surely your identity was proven" in shown, "the ID token's acr"

    def test_the_words_of_a_service_are_text_and_not_markup(self, counter, browser):
        asked(counter, binding_message="<b>bold</b>")
        assert "&lt;b&gt;bold&lt;/b&gt;" in decided(counter, browser)

    @requirement("CIBA Core", "8", "MUST")
    def test_nobody_else_can_decide(self, counter, browser):
        """Who is signed in as somebody else is asked to sign in as the one who is named."""
        auth_req_id = asked(counter)
        location = open_link(counter.provider, browser)
        counter.step(browser, location, "malee")
        assert 'id="request-approve"' not in browser.get(location).text
        decide(browser, location)
        assert refusal(poll_for(counter, auth_req_id)) == (400, "authorization_pending")

    def test_the_link_alone_decides_nothing(self, counter, browser):
        auth_req_id = asked(counter)
        location = open_link(counter.provider, browser)
        decide(browser, location, "deny")
        browser.submit(location, {"step": "leave"})
        assert refusal(poll_for(counter, auth_req_id)) == (400, "authorization_pending")

    def test_an_old_link_says_that_it_is_over(self, counter, browser, clock):
        asked(counter)
        clock.advance(timedelta(minutes=10))
        over = browser.get(link(counter.provider), follow_redirects=True)
        assert (over.status_code, "This request is over" in over.text) == (410, True)
        assert browser.get("/request/unknown").status_code == 404

    def test_who_refused_several_times_is_left_in_peace(self, counter, browser, clock, provider):
        """Nobody is worn down by a service that asks until they give in."""
        for _ in range(5):
            asked(counter)
            decided(counter, browser, "deny")
            clock.advance(timedelta(seconds=1))
        assert refusal(ask(counter)) == (403, "access_denied")
        assert ask(provider.agency("another", **POLL)).status_code == 200, "other services may ask"
        clock.advance(timedelta(minutes=31))
        assert ask(counter).status_code == 200

    def test_leaving_when_signed_in_refuses(self, counter, browser):
        auth_req_id = asked(counter)
        location = open_link(counter.provider, browser)
        come_to_the_decision(counter, browser, location)
        browser.submit(location, {"step": "leave"})
        assert refusal(poll_for(counter, auth_req_id)) == (400, "access_denied")

    def test_what_happened_is_in_the_trail(self, counter, browser, provider):
        auth_req_id = asked(counter)
        decided(counter, browser)
        assert poll_for(counter, auth_req_id).status_code == 200
        with provider.ground.database.read() as connection:
            events = connection.execute(AuditEntry.__table__.select()).mappings().all()
        mine = {each["event"] for each in events if each["subject"] == provider.ids["somchai"]}
        assert {"request.received", "request.approved", "token.issued"} <= mine


class Client(BaseHTTPRequestHandler):
    """A client's notification endpoint."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.headers["Authorization"], self.headers["Content-Type"], json.loads(body)))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_args):
        """Quiet."""


@pytest.fixture
def endpoint():
    with HTTPServer(("127.0.0.1", 0), Client) as server:
        server.got, server.status = [], 204
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def pinged(provider, endpoint):
    provider.outbox.channels = {ciba_ping.CHANNEL: ciba_ping.Ping(provider.ground).deliver}
    address = f"http://localhost:{endpoint.server_port}/ping"
    return provider.agency(
        "pinged", **GRANTS, backchannel_token_delivery_mode="ping", backchannel_client_notification_endpoint=address
    )


class TestPing:
    @requirement("CIBA Core", "10.2", "MUST")
    @pytest.mark.parametrize(("decision", "answer"), [("approve", 200), ("deny", 400)])
    def test_the_client_is_told_of_either_decision(self, pinged, endpoint, browser, provider, decision, answer):
        auth_req_id = asked(pinged, client_notification_token="8d67dc78-7faa-4d41-aabd-67707b374255")
        decided(pinged, browser, decision)
        provider.outbox.deliver_due()
        bearer = "Bearer 8d67dc78-7faa-4d41-aabd-67707b374255"
        assert endpoint.got == [(bearer, "application/json", {"auth_req_id": auth_req_id})]
        assert poll_for(pinged, auth_req_id).status_code == answer

    @requirement("CIBA Core", "7.1", "MUST")
    @pytest.mark.parametrize("token", [None, "with space", "x" * 1025])
    def test_its_token_is_required_and_bounded(self, pinged, token):
        assert refusal(ask(pinged, client_notification_token=token)) == (400, "invalid_request")

    def test_a_ping_that_was_not_taken_is_sent_again_until_it_is_of_no_use(
        self, pinged, endpoint, browser, provider, clock
    ):
        endpoint.status = 500
        asked(pinged, client_notification_token="token")
        decided(pinged, browser)
        provider.outbox.deliver_due()
        clock.advance(timedelta(seconds=3))
        provider.outbox.deliver_due()
        assert len(endpoint.got) == 2
        clock.advance(timedelta(minutes=10))
        provider.outbox.deliver_due()
        assert len(endpoint.got) == 2

    @requirement("CIBA Core", "10.2", "MUST NOT")
    def test_a_redirect_is_not_followed(self, pinged, endpoint, browser, provider):
        endpoint.status = 302
        asked(pinged, client_notification_token="token")
        decided(pinged, browser)
        provider.outbox.deliver_due()
        assert len(endpoint.got) == 1

    @requirement("CIBA Core", "10.2", "MUST")
    def test_a_pinged_client_may_poll_as_well(self, pinged):
        auth_req_id = asked(pinged, client_notification_token="token")
        assert refusal(poll_for(pinged, auth_req_id)) == (400, "authorization_pending")
