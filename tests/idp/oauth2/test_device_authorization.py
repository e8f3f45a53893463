"""The device authorization grant, RFC 8628."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from sqlalchemy import select

from idp.interaction.session_row import Session
from idp.oauth2.device_authorization import ALPHABET, DeviceCodeGrant, shown_user_code, typed_user_code
from idp.registration import client_metadata
from tests.idp.decoupled import (
    DEVICE_CODE,
    approve_device,
    ask,
    come_to_the_decision,
    decide,
    device_client,
    poll,
    poll_device,
    type_code,
)
from tests.idp.provider import ISSUER
from tests.protocol.requirement import requirement


@pytest.fixture
def device(provider):
    return device_client(provider)


def asked(agency, **parameters):
    answer = ask(agency, **parameters)
    assert answer.status_code == 200, answer.text
    return answer.json


def refusal(answer):
    return answer.status_code, answer.json["error"]


class TestRequest:
    @requirement("RFC 8628", "3.2", "MUST")
    def test_the_answer_has_both_codes_the_address_and_the_lifetime(self, device):
        answer = ask(device)
        told = answer.json
        assert told["verification_uri"] == f"{ISSUER}/device"
        assert told["verification_uri_complete"] == f"{ISSUER}/device?user_code={quote(told['user_code'])}"
        assert (told["expires_in"], told["interval"]) == (600, 5)
        assert len(told["device_code"]) == 43
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.content_type == "application/json"

    @requirement("RFC 8628", "6.1", "SHOULD")
    def test_a_user_code_has_no_vowels_and_is_read_in_halves(self, device):
        assert re.fullmatch(f"[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}", asked(device)["user_code"])

    @requirement("RFC 8628", "5.2", "MUST")
    def test_two_requests_share_no_code(self, device):
        first, second = asked(device), asked(device)
        assert first["device_code"] != second["device_code"]
        assert first["user_code"] != second["user_code"]

    @requirement("RFC 8628", "3.1", "MUST")
    def test_a_client_with_a_secret_authenticates_here_too(self, provider):
        agency = provider.agency("kiosk", grant_types=[DEVICE_CODE], response_types=[], scope="openid")
        assert ask(agency, scope="openid").status_code == 200
        assert refusal(ask(agency, scope="openid", client_assertion="x.y.z")) == (401, "invalid_client")

    @requirement("RFC 8628", "3.1", "MUST")
    def test_parameters_are_sent_once(self, device):
        body = f"client_id={device.client_id}&scope=openid&scope=profile"
        answer = device.provider.browser().post(
            "/device_authorization", data=body, content_type="application/x-www-form-urlencoded"
        )
        assert refusal(answer) == (400, "invalid_request")

    @requirement("RFC 8628", "3.1", "MUST")
    def test_what_is_not_known_is_ignored(self, device):
        assert ask(device, colour="blue").status_code == 200

    @pytest.mark.parametrize("scope", ["openid email", "openid unknown", None])
    def test_a_scope_that_is_not_the_clients_is_refused(self, device, scope):
        assert refusal(ask(device, scope=scope)) == (400, "invalid_scope")

    def test_a_client_that_is_not_registered_for_it_is_refused(self, agency):
        assert refusal(ask(agency)) == (400, "unauthorized_client")

    def test_rich_requests_are_refused_and_not_ignored(self, device):
        details = '[{"type":"credential"}]'
        assert refusal(ask(device, authorization_details=details)) == (400, "invalid_authorization_details")

    @requirement("RFC 8628", "4", "MUST")
    def test_discovery_names_the_endpoint_and_the_grant(self, provider):
        metadata = provider.browser().get("/.well-known/oauth-authorization-server").json
        assert metadata["device_authorization_endpoint"] == f"{ISSUER}/device_authorization"
        assert DeviceCodeGrant.name in metadata["grant_types_supported"]


class TestPolling:
    @requirement("RFC 8628", "3.5", "MUST")
    def test_undecided_is_pending(self, device):
        assert refusal(poll_device(device, asked(device)["device_code"])) == (400, "authorization_pending")

    @requirement("RFC 8628", "3.5", "MUST")
    def test_polling_too_often_slows_this_and_all_later_polls_down(self, device, clock):
        code = asked(device)["device_code"]
        assert refusal(poll_device(device, code)) == (400, "authorization_pending")
        clock.advance(timedelta(seconds=4))
        assert refusal(poll_device(device, code)) == (400, "slow_down")
        clock.advance(timedelta(seconds=9))
        assert refusal(poll_device(device, code)) == (400, "slow_down")
        clock.advance(timedelta(seconds=15))
        assert refusal(poll_device(device, code)) == (400, "authorization_pending")

    @requirement("RFC 8628", "3.5", "MUST")
    def test_an_expired_code_says_so(self, device, clock):
        code = asked(device)["device_code"]
        clock.advance(timedelta(minutes=10))
        assert refusal(poll_device(device, code)) == (400, "expired_token")

    @pytest.mark.both_backends
    @requirement("RFC 8628", "3.5", "MUST")
    def test_an_approval_becomes_tokens_once(self, device, browser):
        told = asked(device)
        approve_device(device, browser, told["user_code"])
        answer = poll_device(device, told["device_code"])
        assert answer.status_code == 200, answer.text
        id_token = device.verified(answer.json["id_token"])
        assert (id_token["aud"], id_token["iss"]) == (device.client_id, ISSUER)
        assert id_token["acr"]
        assert "nonce" not in id_token
        assert device.userinfo(answer.json["access_token"]).json["sub"] == id_token["sub"]
        assert refusal(poll_device(device, told["device_code"])) == (400, "invalid_grant")

    @requirement("RFC 8628", "3.5", "MUST")
    def test_a_refusal_is_told(self, device, browser):
        told = asked(device)
        location = str(type_code(browser, told["user_code"]).location)
        come_to_the_decision(device, browser, location)
        decide(browser, location, "deny")
        assert refusal(poll_device(device, told["device_code"])) == (400, "access_denied")

    @requirement("RFC 8628", "3.4", "MUST")
    def test_a_device_code_is_worth_nothing_to_another_client(self, provider, device, browser):
        told = asked(device)
        approve_device(device, browser, told["user_code"])
        assert refusal(poll_device(device_client(provider, "other"), told["device_code"])) == (400, "invalid_grant")
        assert poll_device(device, told["device_code"]).status_code == 200

    @requirement("RFC 8628", "3.4", "MUST")
    def test_the_device_code_is_required(self, device):
        assert refusal(poll(device, grant_type=DEVICE_CODE)) == (400, "invalid_request")

    @pytest.mark.parametrize("code", ["unknown", "x" * 5000])
    def test_an_unknown_code_is_an_invalid_grant(self, device, code):
        assert refusal(poll_device(device, code)) == (400, "invalid_grant")

    def test_a_withdrawn_consent_ends_what_was_approved(self, device, browser):
        told = asked(device)
        approve_device(device, browser, told["user_code"])
        withdraw_all(device.provider)
        assert refusal(poll_device(device, told["device_code"])) == (400, "invalid_grant")

    def test_a_logout_in_the_approving_browser_does_not_take_the_device_along(self, device, browser):
        told = asked(device)
        approve_device(device, browser, told["user_code"])
        with device.provider.ground.database.write() as connection:
            mine = select(Session.sid).where(Session.account_id == device.provider.ids["somchai"])
            for sid in connection.execute(mine).scalars().all():
                assert device.provider.sessions.end(connection, sid, reason="test")
        tokens = poll_device(device, told["device_code"]).json
        assert device.userinfo(tokens["access_token"]).status_code == 200

    def test_signing_out_everywhere_takes_back_what_was_approved_and_what_came_of_it(self, device, browser):
        """After a recovery or a report: whoever approved it may have been somebody else."""
        redeemed, waiting = asked(device), asked(device)
        approve_device(device, browser, redeemed["user_code"])
        tokens = poll_device(device, redeemed["device_code"]).json
        approve_device(device, browser, waiting["user_code"])
        with device.provider.ground.database.write() as connection:
            device.provider.sessions.end_all(connection, device.provider.ids["somchai"], reason="test")
        assert refusal(poll_device(device, waiting["device_code"])) == (400, "access_denied")
        assert device.userinfo(tokens["access_token"]).status_code == 401

    def test_a_suspended_account_gives_a_device_nothing(self, device, browser):
        told = asked(device)
        approve_device(device, browser, told["user_code"])
        device.provider.suspend("somchai")
        assert refusal(poll_device(device, told["device_code"])) == (400, "invalid_grant")

    def test_a_scope_that_was_taken_away_meanwhile_is_not_given(self, device, browser):
        told, registration = asked(device), device.provider.registration
        approve_device(device, browser, told["user_code"])
        with device.provider.ground.database.write() as connection:
            narrower = registration.prepare(dict(device.registered) | {"scope": "openid"})
            assert registration.change(connection, device.client_id, narrower, by="test")
        assert poll_device(device, told["device_code"]).json["scope"] == "openid"

    @requirement("RFC 9101", "10.5", "MUST")
    def test_a_client_that_must_sign_its_requests_has_no_such_way(self, provider, monkeypatch):
        """What is sent to this endpoint is signed by nobody: no matter how it was registered."""
        monkeypatch.setattr(client_metadata, "TOGETHER", ())
        agency = provider.agency(
            "signing",
            grant_types=["authorization_code", DEVICE_CODE],
            require_signed_request_object=True,
            scope="openid profile",
        )
        assert refusal(ask(agency)) == (400, "unauthorized_client")

    def test_tokens_of_a_device_are_bound_to_the_key_that_it_proves(self, device, browser):
        told = asked(device)
        approve_device(device, browser, told["user_code"])
        tokens = poll_device(device, told["device_code"], headers={"DPoP": device.proof("POST", "/token")}).json
        assert tokens["token_type"] == "DPoP"


class TestPerson:
    @requirement("RFC 8628", "3.3", "MUST")
    def test_the_page_asks_for_the_code(self, browser):
        shown = browser.get("/device")
        assert shown.status_code == 200
        assert 'name="user_code"' in shown.text

    @requirement("RFC 8628", "3.3.1", "SHOULD")
    def test_the_complete_address_fills_the_box_and_the_person_still_decides(self, device, browser):
        told = asked(device)
        complete = told["verification_uri_complete"].removeprefix(ISSUER)
        assert f'value="{told["user_code"]}"' in browser.get(complete).text
        assert refusal(poll_device(device, told["device_code"])) == (400, "authorization_pending")

    @requirement("RFC 8628", "3.3.1", "SHOULD")
    def test_the_decision_shows_the_code_the_service_and_the_data(self, device, browser):
        told = asked(device)
        shown = come_to_the_decision(device, browser, str(type_code(browser, told["user_code"]).location))
        assert f'<code id="user-code">{told["user_code"]}</code>' in shown
        assert "Service of television" in shown
        assert 'data-claims="name' in shown
        assert 'id="request-deny"' in shown

    @requirement("RFC 8628", "6.1", "SHOULD")
    @pytest.mark.parametrize("change", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code} "])
    def test_case_spaces_and_dashes_do_not_count(self, device, browser, change):
        assert type_code(browser, change(asked(device)["user_code"])).status_code == 303

    @requirement("RFC 8628", "5.1", "MUST")
    def test_guessing_is_slowed_down(self, device, browser):
        for _ in range(100):
            assert type_code(browser, "BCDF-GHJK").status_code == 400
        refused = type_code(browser, asked(device)["user_code"])
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) > 0

    @requirement("RFC 8628", "5.1", "MUST")
    def test_a_code_of_ones_own_buys_no_more_guesses(self, device, browser):
        for _ in range(10):
            for _ in range(9):
                assert type_code(browser, "BCDF-GHJK").status_code == 400
            assert type_code(browser, asked(device)["user_code"]).status_code == 303
        assert type_code(browser, "BCDF-GHJK").status_code == 429

    def test_guessing_is_counted_anew_when_no_code_of_that_time_is_left(self, device, browser, clock):
        for _ in range(101):
            type_code(browser, "BCDF-GHJK")
        clock.advance(timedelta(minutes=10, seconds=1))
        assert type_code(browser, asked(device)["user_code"]).status_code == 303

    def test_an_expired_code_is_not_known_any_more(self, device, browser, clock):
        code = asked(device)["user_code"]
        clock.advance(timedelta(minutes=10))
        assert type_code(browser, code).status_code == 400

    def test_a_code_that_was_answered_is_not_known_any_more(self, device, browser):
        code = asked(device)["user_code"]
        approve_device(device, browser, code)
        assert type_code(browser, code).status_code == 400

    def test_a_second_tab_and_a_double_click_see_how_it_ended(self, device, browser):
        code = asked(device)["user_code"]
        tab = str(type_code(browser, code).location)
        approved = approve_device(device, browser, code)
        assert decide(browser, tab, "deny").status_code == 200
        for location in (tab, approved, approved.replace("/interaction/", "/authorize/")):
            shown = browser.get(location, follow_redirects=True)
            assert (shown.status_code, 'id="go-on"' in shown.text) == (200, True)

    def test_somebody_else_with_the_address_learns_nothing(self, device, browser, provider):
        approved = approve_device(device, browser, asked(device)["user_code"])
        assert provider.browser().get(approved).status_code == 410

    def test_a_request_that_ran_out_on_the_page_is_told_and_decides_nothing(self, device, browser, clock):
        told = asked(device)
        location = str(type_code(browser, told["user_code"]).location)
        come_to_the_decision(device, browser, location)
        clock.advance(timedelta(minutes=10))
        decide(browser, location)
        assert browser.get(location).status_code == 410
        assert refusal(poll_device(device, told["device_code"])) == (400, "expired_token")

    def test_leaving_before_signing_in_decides_nothing(self, device, browser):
        told = asked(device)
        location = str(type_code(browser, told["user_code"]).location)
        assert browser.submit(location, {"step": "leave"}).location == "/"
        assert refusal(poll_device(device, told["device_code"])) == (400, "authorization_pending")

    def test_another_site_cannot_approve(self, device, browser):
        told = asked(device)
        location = str(type_code(browser, told["user_code"]).location)
        come_to_the_decision(device, browser, location)
        assert browser.post(location, data={"step": "approve", "decision": "approve"}).status_code == 403
        assert refusal(poll_device(device, told["device_code"])) == (400, "authorization_pending")

    @requirement("RFC 8628", "5.4", "SHOULD")
    def test_the_page_of_a_code_that_came_in_a_link_warns_before_the_button(self, device, browser):
        told = asked(device)
        shown = browser.get(told["verification_uri_complete"].removeprefix(ISSUER)).text
        assert shown.index("Never go on with a code") < shown.index('id="user-code-continue"')
        assert "Compare this code" in shown

    def test_who_decides_is_named_and_nobody_else_decides_by_that_page(self, device, browser, provider):
        """A browser that two people use: the page was made for one of them."""
        told = asked(device)
        location = str(type_code(browser, told["user_code"]).location)
        shown = come_to_the_decision(device, browser, location)
        assert "You are signed in as" in shown
        by_somchai = re.search(r'name="seen_by" value="([^"]*)"', shown)[1]
        malee = provider.browser()
        come_to_the_decision(device, malee, str(type_code(malee, asked(device)["user_code"]).location), "malee")
        browser.set_cookie("prajak-session", malee.get_cookie("prajak-session").value, domain="localhost")
        answer = browser.submit(location, {"step": "approve", "decision": "approve", "seen_by": by_somchai})
        assert answer.status_code == 409
        assert refusal(poll_device(device, told["device_code"])) == (400, "authorization_pending")

    def test_a_default_max_age_holds_for_devices_too(self, provider, browser, clock):
        """OpenID Connect Registration section 2: it is of the client, whatever way it asks."""
        agency = device_client(provider, default_max_age=60)
        agency.provider.agency("site").sign_in(browser)
        clock.advance(timedelta(minutes=2))
        location = str(type_code(browser, asked(agency)["user_code"]).location)
        assert 'id="request-approve"' not in browser.get(location).text
        agency.step(browser, location, "somchai")
        assert 'id="request-approve"' in come_to_the_decision(agency, browser, location)

    def test_a_wanted_level_takes_a_step_up_first(self, device, browser):
        strong = "urn:prajak:sandbox:ial1.1:aal3"
        told = asked(device, acr_values=strong)
        location = str(type_code(browser, told["user_code"]).location)
        device.step(browser, location, "somchai")
        assert 'id="request-approve"' not in browser.get(location).text


def withdraw_all(provider):
    from idp.portal import consents

    account_id = provider.ids["somchai"]
    with provider.app.test_request_context():
        for service in consents.services_of(provider.ground, account_id):
            consents.withdraw(provider.ground, account_id, service.grant_id)


@pytest.mark.parametrize("typed", ["", "BCDF", "ABCD-EFGH", "BCDF-GHJKL", "๑๒๓๔๕๖๗๘"])
def test_what_cannot_be_a_user_code_is_none(typed):
    assert typed_user_code(typed) == ""


def test_a_user_code_is_read_back_as_it_was_shown():
    assert typed_user_code(shown_user_code("BCDFGHJK")) == "BCDFGHJK"
