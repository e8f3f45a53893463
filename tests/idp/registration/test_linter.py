"""The linter: every client against FAPI 2.0, and what to mend."""

from __future__ import annotations

from typing import Any

import pytest

from idp.registration.client_metadata import check_metadata
from idp.registration.linter import Grade, Report, lint
from tests.idp.clients import registered
from tests.idp.registration.test_client_metadata import metadata

GOOD: dict[str, Any] = {
    "prajak_profile": "fapi2-security",
    "jwks": None,
    "jwks_uri": "https://agency.example/jwks",
    "backchannel_logout_uri": "https://agency.example/logout",
    "policy_uri": "https://agency.example/privacy",
    "contacts": ["identity@agency.example"],
}


def report(**changed: Any) -> Report:
    return lint(registered(**check_metadata(metadata(**(GOOD | changed)), sandbox=True)))


def fields(found: Report, level: str) -> set[str]:
    return {finding.field for finding in found.findings if finding.level == level}


def test_a_strict_client_that_does_all_has_nothing_to_mend():
    found = report()
    assert found.findings == []
    assert found.grade is Grade.A
    assert found.conforms


def test_advice_does_not_break_the_profile():
    found = report(policy_uri=None, subject_type="public")
    assert fields(found, "SHOULD") == {"policy_uri", "subject_type"}
    assert found.grade is Grade.B
    assert found.conforms


def test_a_basic_client_hears_all_that_is_wrong():
    found = report(
        prajak_profile="oidc-basic", token_endpoint_auth_method="client_secret_basic", jwks_uri=None
    )  # fmt: skip
    assert fields(found, "MUST") == {
        "prajak_profile", "token_endpoint_auth_method", "require_pushed_authorization_requests",
        "dpop_bound_access_tokens", "id_token_signed_response_alg",
    }  # fmt: skip
    assert found.grade is Grade.D
    assert not found.conforms


def test_a_basic_client_that_does_all_by_itself_lacks_the_profile_alone():
    found = report(
        prajak_profile="oidc-basic",
        require_pushed_authorization_requests=True,
        dpop_bound_access_tokens=True,
        id_token_signed_response_alg="ES256",
    )
    assert fields(found, "MUST") == {"prajak_profile"}
    assert found.grade is Grade.C


@pytest.mark.parametrize("field", ["id_token_signed_response_alg", "userinfo_signed_response_alg"])
def test_rs256_is_not_strong_enough(field):
    found = report(prajak_profile="oidc-basic", **{field: "RS256"})
    assert field in fields(found, "MUST")


def test_an_address_on_the_developer_s_machine_is_for_the_sandbox():
    plain = {"redirect_uris": ["http://a.localhost:1/cb"], "jwks_uri": "https://a.example/j"}
    assert fields(report(**plain), "SHOULD") == {"redirect_uris"}
    native = report(application_type="native", redirect_uris=["http://127.0.0.1/cb"])
    assert "redirect_uris" not in fields(native, "SHOULD")


def test_what_is_mended_comes_before_what_is_advised():
    levels = [finding.level for finding in report(prajak_profile="oidc-basic", contacts=None).findings]
    assert levels == sorted(levels)
    assert set(levels) == {"MUST", "SHOULD"}


def test_every_finding_says_why_and_where_it_is_written():
    found = report(prajak_profile="oidc-basic", contacts=None, policy_uri=None, backchannel_logout_uri=None)
    assert all(finding.text.endswith(".") and finding.section for finding in found.findings)
