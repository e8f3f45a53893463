"""Whatever somebody sends as client metadata is registered or refused by name; nothing else ever happens."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.registration.client_metadata import FIELDS, check_metadata
from idp.registration.problems import InvalidMetadata
from idp.registration.rules import GRANT_TYPES
from tests.idp.registration.test_client_metadata import metadata
from tests.idp.registration.test_dynamic_registration import post

TEXTS = st.text(max_size=30) | st.sampled_from([
    "https://agency.example/cb", "http://localhost:1/", "com.example.app:/cb", "https://[::1", "\ud800", "\0", "none",
    "ES256", "RS256", "ECDH-ES", "A256GCM", "CN=a", "openid", "openid offline_access", "code", "jwt", "native", "pairwise",
    "fapi2-security", "fapi2-message-signing", "tls_client_auth", "private_key_jwt", "self_signed_tls_client_auth", "poll",
    "ping", *GRANT_TYPES,
])  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS | st.sampled_from(["keys", "kty", "x5c"]), inner),
    max_leaves=8,
)
NAMES = st.sampled_from([*FIELDS, "client_name#th", "client_name#", "jwks#th"]) | st.text(max_size=10)
CALMLY = settings(max_examples=400, deadline=None, database=None, derandomize=True)


@CALMLY
@given(st.dictionaries(NAMES, VALUES, max_size=6), st.booleans(), st.booleans())
def test_it_is_registered_or_refused(changed: dict[str, Any], sandbox: bool, alone: bool):
    checked, refused = attempt(changed if alone else metadata() | changed, sandbox=sandbox)
    if refused is None:
        assert check_metadata(checked, sandbox=sandbox) == checked, "what is registered can be registered again"
    else:
        assert all(problem.field and problem.text for problem in refused.problems)
        assert refused.as_oauth().error in ("invalid_client_metadata", "invalid_redirect_uri")


def attempt(document: Any, *, sandbox: bool) -> tuple[dict[str, Any], InvalidMetadata | None]:
    try:
        return check_metadata(document, sandbox=sandbox), None
    except InvalidMetadata as refused:
        return {}, refused


@CALMLY
@given(VALUES)
def test_what_is_no_object_is_refused(document: Any):
    if not isinstance(document, dict):
        with pytest.raises(InvalidMetadata):
            check_metadata(document, sandbox=True)


@pytest.mark.parametrize(
    "document",
    [
        {"redirect_uris": ["https://a.example/\ud800"]}, {"client_name": "\0"}, {"jwks": {"keys": [{"kty": "RSA", "n": "", "e": ""}]}},
        {"jwks": {"keys": [{"kty": "RSA", "n": "AA", "e": "AQAB"}]}}, {"jwks_uri": "https://127.0.0.1/"}, {"jwks_uri": "https://[::ffff:10.0.0.1]/"},
        {"sector_identifier_uri": "https://169.254.169.254/latest"}, {"x" * 5000: 1}, dict.fromkeys(map(str, range(300)), 1),
    ],
    ids=str,
)  # fmt: skip
def test_over_http_too_the_answer_is_400(provider, document):
    usual = {"redirect_uris": ["https://agency.example/cb"], "token_endpoint_auth_method": "private_key_jwt"}
    answer = post(provider, usual | document)
    assert answer.status_code == 400
    assert answer.json["error"] in ("invalid_client_metadata", "invalid_redirect_uri")
