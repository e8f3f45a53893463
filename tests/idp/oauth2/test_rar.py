"""RFC 9396: the type `credential`, its strict schema, and a signing request from end to end."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest

from idp.errors import InvalidAuthorizationDetails
from idp.oauth2.authorization_request import Asked
from idp.oauth2.rar import assign_authorization_details, audience_of, enriched
from tests.idp.clients import registered
from tests.idp.provider import ISSUER, claims_of, query_of
from tests.protocol.requirement import requirement

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
HASH = b64encode(b"\x01" * 32).decode()


def detail(**changed: Any) -> dict[str, Any]:
    digest = {"hash": HASH, "label": "คำสั่ง.pdf", "prajak_document_hash": HASH, "prajak_document_name": "คำสั่ง.pdf"}
    usual = {
        "type": "credential",
        "credentialID": "cred-1",
        "documentDigests": [digest],
        "hashAlgorithmOID": "2.16.840.1.101.3.4.2.1",
        "prajak_expires_at": int(NOW.timestamp()) + 600,
        "prajak_nonce": "n" * 22,
    }
    return {name: value for name, value in (usual | changed).items() if value is not None}


def assign(details: Any, **metadata: Any) -> Any:
    client = registered(**({"authorization_details_types": ["credential"]} | metadata))
    text = details if isinstance(details, str) else json.dumps(details)
    asked = Asked(client, {"authorization_details": text}, NOW, hints=None)  # type: ignore[arg-type]
    return assign_authorization_details(asked)["authorization_details"]


def digest(**changed: Any) -> list[dict[str, Any]]:
    usual = detail()["documentDigests"][0] | changed
    return [{name: value for name, value in usual.items() if value is not None}]


@requirement("RFC 9396", "2", "MUST")
def test_a_signing_request_is_taken_as_it_is():
    assert assign([detail()]) == (detail(),)


@requirement("RFC 9396", "5", "MUST")
def test_an_unknown_type_is_refused():
    with pytest.raises(InvalidAuthorizationDetails, match="type must be one of"):
        assign([detail(type="payment_initiation")])


@requirement("RFC 9396", "5", "MUST")
def test_a_type_that_the_client_did_not_register_is_refused():
    with pytest.raises(InvalidAuthorizationDetails, match="not registered"):
        assign([detail()], authorization_details_types=[])


@pytest.mark.parametrize(
    "details",
    [
        "", "{", "null", "{}", "[]", "[1]", "[null]", '["credential"]', '[{"type":["credential"]}]', '[{"type":5}]', "[" * 3000,
        [detail(), detail()],
    ],
)  # fmt: skip
@requirement("RFC 9396", "5", "MUST")
@requirement("RFC 9396", "2", "MUST")
def test_what_is_no_list_of_one_detail_is_refused(details):
    with pytest.raises(InvalidAuthorizationDetails):
        assign(details)


@pytest.mark.parametrize(
    "changed",
    [
        {"credentialID": None},
        {"credentialID": ""},
        {"credentialID": 5},
        {"credentialID": "x" * 201},
        {"documentDigests": None},
        {"documentDigests": []},
        {"documentDigests": {}},
        {"documentDigests": [5]},
        {"documentDigests": digest(hash="AAAA")},
        {"documentDigests": digest(hash=HASH[:-1])},
        {"documentDigests": digest(hash=None)},
        {"documentDigests": digest(label="a\nb")},
        {"documentDigests": digest(prajak_document_name=None)},
        {"documentDigests": digest(extra=1)},
        {"documentDigests": digest() * 2},
        {"hashAlgorithmOID": "1.3.14.3.2.26"},
        {"prajak_expires_at": int(NOW.timestamp())},
        {"prajak_expires_at": int(NOW.timestamp()) + 3601},
        {"prajak_expires_at": True},
        {"prajak_expires_at": "1"},
        {"prajak_expires_at": 1e300},
        {"prajak_nonce": "short"},
        {"prajak_nonce": "n" * 22 + "\n"},
        {"numSignatures": 2},
        {"locations": ["https://x.example"]},
    ],
)
@requirement("RFC 9396", "5", "MUST")
def test_every_member_is_checked_and_no_other_is_taken(changed):
    with pytest.raises(InvalidAuthorizationDetails):
        assign([detail(**changed)])


def test_a_hash_is_not_read_leniently():
    with pytest.raises(InvalidAuthorizationDetails, match="hash"):
        assign([detail(documentDigests=digest(hash=HASH[:4] + "\n" + HASH[4:]))])


@requirement("RFC 9700", "2.3", "SHOULD")
def test_the_token_is_for_the_signing_module_alone():
    assert audience_of([detail()], ISSUER) == f"{ISSUER}/csc"
    assert audience_of([], ISSUER) == ISSUER


@requirement("RFC 9396", "7.1", "MAY")
def test_the_answer_is_enriched_by_the_assertion():
    """Section 7.1."""
    assertion = {"id": "x", "signature": "y"}
    assert enriched([detail()], assertion) == [detail(prajak_assertion=assertion)]
    assert enriched([detail()], None) == [detail()]


@requirement("RFC 9396", "7", "MUST")
@requirement("RFC 9396", "9.1", "SHOULD")
def test_an_officer_authorizes_a_signature(provider, browser):
    """The whole way: pushed, stepped up with the passkey over the digests, consented, redeemed."""
    agency = provider.agency(
        "signing",
        authorization_details_types=["credential"],
        require_pushed_authorization_requests=True,
    )
    wanted = [detail()]
    url = agency.pushed_url(scope="openid", authorization_details=json.dumps(wanted))
    answer = query_of(agency.walk(browser, browser.get(url), "officer-anan"))
    tokens = agency.redeem(answer["code"])
    assert tokens.status_code == 200, tokens.text
    (granted,) = tokens.json["authorization_details"]
    assert set(granted.pop("prajak_assertion")) >= {"id", "clientDataJSON", "authenticatorData", "signature"}
    assert granted == wanted[0]
    claims = claims_of(tokens.json["access_token"])
    assert claims["authorization_details"] == wanted
    assert claims["aud"] == f"{ISSUER}/csc"
    assert agency.userinfo(tokens.json["access_token"]).json["error"] == "invalid_token"


def test_a_standing_consent_does_not_sign(provider, browser):
    """Each signature is asked for anew."""
    agency = provider.agency("signing", authorization_details_types=["credential"])
    agency.sign_in(browser, "officer-anan", scope="openid")
    answer = agency.authorize(browser, scope="openid", prompt="none", authorization_details=json.dumps([detail()]))
    assert query_of(answer)["error"] == "interaction_required"
