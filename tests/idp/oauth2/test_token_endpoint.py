"""RFC 6749 sections 3.2 and 5: the token endpoint as every grant meets it."""

from __future__ import annotations

import pytest

from tests.idp.provider import CHALLENGE, VERIFIER, b64
from tests.protocol.requirement import requirement


@requirement("RFC 6749", "3.2", "MUST")
def test_parameters_that_are_not_known_or_empty_are_ignored(agency, browser):
    answer = agency.redeem(agency.code(browser), unknown="x", username="", scope="")
    assert answer.status_code == 200


@requirement("RFC 6749", "5.1", "MUST")
@requirement("OIDC Core", "3.1.3.3", "MUST")
def test_tokens_are_not_kept_on_their_way(agency, browser):
    answer = agency.redeem(agency.code(browser))
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    assert answer.json["token_type"].lower() == "bearer"


@requirement("RFC 6749", "5.2", "MUST")
@requirement("OIDC Core", "3.1.3.4", "MUST")
@pytest.mark.parametrize(
    ("error", "form"),
    [
        ("invalid_request", {"grant_type": None}),
        ("invalid_request", {"code": None}),
        ("invalid_grant", {"code": "x"}),
        ("unsupported_grant_type", {"grant_type": "password"}),
        ("invalid_client", {"client_assertion": "x"}),
    ],
)
def test_a_refusal_is_json_with_a_registered_code(refusing, error, form):
    answer = refusing.redeem(**({"code": "x"} | form))
    assert answer.status_code == (401 if error == "invalid_client" else 400)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json["error"] == error
    assert set(answer.json) <= {"error", "error_description", "error_uri"}


@requirement("RFC 6749", "5.2", "MUST NOT")
@pytest.mark.parametrize("grant_type", ['"', "\\", "ก", "\u2028"])
def test_a_description_repeats_no_foreign_characters(refusing, grant_type):
    description = refusing.redeem("x", grant_type=grant_type).json.get("error_description", "")
    assert description.isascii()
    assert not set(description) & set('"\\')


@requirement("RFC 6749", "2.3.1", "MUST NOT")
@requirement("RFC 6749", "3.2", "MUST")
def test_a_secret_in_the_address_is_none(provider, browser):
    agency = provider.agency("posting", token_endpoint_auth_method="client_secret_post")
    query = f"client_id={agency.client_id}&client_secret={agency.registered['client_secret']}"
    answer = browser.post(f"/token?{query}", data={"grant_type": "authorization_code", "code": "x"})
    assert answer.json["error"] == "invalid_client"


@requirement("RFC 7636", "4.4", "MUST")
@requirement("RFC 7636", "4.6", "MUST")
@requirement("RFC 9700", "4.5.3.1", "MUST")
def test_a_code_opens_with_its_own_verifier_alone(agency, browser):
    """A code that was put into somebody else's session meets that session's verifier."""
    from hashlib import sha256

    other = "A" * 43
    stolen = agency.code(browser, code_challenge=b64(sha256(other.encode()).digest()))
    mine = agency.code(browser, code_challenge=CHALLENGE)
    assert agency.redeem(stolen, code_verifier=VERIFIER).json["error"] == "invalid_grant"
    assert agency.redeem(mine, code_verifier=VERIFIER).status_code == 200


@requirement("RFC 9700", "2.1.1", "MUST")
@requirement("RFC 9700", "4.8.2", "MUST")
def test_a_verifier_for_a_code_without_a_challenge_is_refused(provider, browser):
    agency = provider.agency("old", token_endpoint_auth_method="client_secret_basic")
    code = agency.code(browser, code_challenge=None, code_challenge_method=None)
    assert agency.redeem(code, code_verifier=VERIFIER).json["error"] == "invalid_grant"


@requirement("RFC 9700", "2.1.1", "MUST")
def test_a_challenge_that_was_sent_is_enforced_of_confidential_clients_too(provider, browser):
    agency = provider.agency("old", token_endpoint_auth_method="client_secret_basic")
    assert agency.redeem(agency.code(browser), code_verifier=None).json["error"] == "invalid_grant"
