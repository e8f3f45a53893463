"""RFC 9396 type `prajak_payment`: a fee with amount, payee and reference, shown and signed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from core.signing_challenge import details_challenge
from core.webauthn import decode, encode
from idp.errors import InvalidAuthorizationDetails
from idp.oauth2.authorization_request import Asked
from idp.oauth2.rar import assign_authorization_details, audience_of
from idp.portal.activity import Happening, activity
from tests.idp.clients import registered
from tests.idp.provider import ISSUER, claims_of, query_of
from tests.protocol.requirement import requirement

NAMES = {"client_name": "Department of Example Vehicles", "client_name#th": "กรมทะเบียนยานพาหนะตัวอย่าง"}
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def detail(now: datetime = NOW, **changed: Any) -> dict[str, Any]:
    usual = {
        "type": "prajak_payment",
        "instructedAmount": {"currency": "THB", "amount": "1250.00"},
        "creditorName": "Department of Example Vehicles",
        "creditorName#th": "กรมทะเบียนยานพาหนะตัวอย่าง",
        "prajak_fee_reference": "TAX-2570-000123",
        "prajak_expires_at": int(now.timestamp()) + 600,
        "prajak_nonce": "n" * 22,
    }
    return {name: value for name, value in (usual | changed).items() if value is not None}


def assign(given: dict[str, Any]) -> Any:
    client = registered(authorization_details_types=["prajak_payment"], **NAMES)
    asked = Asked(client, {"authorization_details": json.dumps([given])}, NOW, hints=None)  # type: ignore[arg-type]
    return assign_authorization_details(asked)["authorization_details"]


def happenings(provider: Any, name: str, what: str) -> list[Happening]:
    """Entries of a person's own activity that say just this."""
    with provider.app.test_request_context():
        return [each for each in activity(provider.ground, provider.ids[name]).happenings if each.what == what]


def amount(value: Any, currency: Any = "THB") -> dict[str, Any]:
    return {"currency": currency, "amount": value}


@pytest.mark.parametrize("changed", [{}, {"creditorName#th": None}, {"instructedAmount": amount("0.01")}])
def test_a_payment_is_taken_as_it_is(changed):
    assert assign(detail(**changed)) == (detail(**changed),)


@requirement("RFC 9396", "5", "MUST")
@pytest.mark.parametrize(
    "changed",
    [
        {"instructedAmount": amount("0.00")},
        {"instructedAmount": amount("-1.00")},
        {"instructedAmount": amount("1")},
        {"instructedAmount": amount("1.5")},
        {"instructedAmount": amount("01.00")},
        {"instructedAmount": amount("1e9.00")},
        {"instructedAmount": amount("๑๐.๐๐")},
        {"instructedAmount": amount("10.00\n")},
        {"instructedAmount": amount(10.5)},
        {"instructedAmount": amount("1000000000.00")},
        {"instructedAmount": amount("1.00", "USD")},
        {"instructedAmount": {"amount": "1.00"}},
        {"instructedAmount": "1.00"},
        {"creditorName": "Another Department"},
        {"creditorName#th": "กรมอื่น"},
        {"creditorName": ""},
        {"creditorName": "a\nb"},
        {"creditorName": None},
        {"prajak_fee_reference": "tax 1"},
        {"prajak_fee_reference": "A" * 41},
        {"prajak_expires_at": int(NOW.timestamp())},
        {"prajak_nonce": "short"},
        {"extra": 1},
    ],
)
def test_a_payment_that_says_anything_else_is_refused(changed):
    with pytest.raises(InvalidAuthorizationDetails):
        assign(detail(**changed))


def test_its_token_is_for_payments_alone():
    assert audience_of([detail()], ISSUER) == f"{ISSUER}/payments"


def test_no_two_payments_have_one_challenge():
    changed = ({}, {"instructedAmount": amount("1250.01")}, {"creditorName": "x"}, {"prajak_nonce": "m" * 22})
    assert len({details_challenge(detail(**each)) for each in changed}) == len(changed)
    assert details_challenge(dict(reversed(detail().items()))) == details_challenge(detail())


def test_a_citizen_sees_the_payment_and_signs_just_that(provider, browser, clock):
    agency = provider.agency("vehicles", authorization_details_types=["prajak_payment"], **NAMES)
    wanted = detail(clock.now())
    asked = agency.authorize(browser, scope="openid", authorization_details=json.dumps([wanted]))
    login = browser.submit(str(asked.location), {"step": "sandbox", "user": "somchai"})
    page = browser.get(str(browser.get(str(login.location)).location)).text
    for shown in ("1,250.00", "TAX-2570-000123"):
        assert shown in page
    assert any(name in page for name in (wanted["creditorName"], wanted["creditorName#th"]))
    tokens = agency.redeem(query_of(agency.walk(browser, asked))["code"]).json
    (granted,) = tokens["authorization_details"]
    signed = json.loads(decode(granted.pop("prajak_assertion")["clientDataJSON"]))
    assert granted == wanted
    assert signed["challenge"] == encode(details_challenge(wanted))
    assert claims_of(tokens["access_token"])["aud"] == f"{ISSUER}/payments"
    (signed_for,) = happenings(provider, "somchai", "You signed a payment with your passkey: TAX-2570-000123")
    assert signed_for.where in NAMES.values()


def test_a_standing_consent_does_not_pay(provider, browser, clock):
    agency = provider.agency("vehicles", authorization_details_types=["prajak_payment"], **NAMES)
    agency.sign_in(browser, scope="openid")
    details = json.dumps([detail(clock.now())])
    answer = query_of(agency.authorize(browser, scope="openid", prompt="none", authorization_details=details))
    assert answer["error"] == "interaction_required"


def test_a_person_who_does_not_pay_goes_back(provider, browser, clock):
    agency = provider.agency("vehicles", authorization_details_types=["prajak_payment"], **NAMES)
    details = json.dumps([detail(clock.now())])
    agency.sign_in(browser, scope="openid")
    location = str(agency.authorize(browser, scope="openid", authorization_details=details).location)
    answer = query_of(agency.walk(browser, browser.submit(location, {"step": "leave"})))
    assert answer["error"] == "access_denied"
