"""RFC 7591 section 2.3: what a trusted issuer signed of a client stands over what the client says."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey

from core.clock import timestamp
from core.settings import SettingsError
from idp.registration.software_statement import TrustedIssuers
from tests.idp.provider import sign_jws
from tests.idp.registration.test_dynamic_registration import METADATA, post
from tests.protocol.requirement import requirement

TRUST = "https://registrar.example"
KEY = ECKey.generate_key("P-256", {"kid": "r1"}, private=True)


@pytest.fixture
def trusting(provider, tmp_path):
    file = tmp_path / "issuers.json"
    file.write_text(json.dumps({TRUST: {"keys": [KEY.as_dict(private=False)]}}), "utf-8")
    object.__setattr__(provider.ground.settings, "software_statement_issuers", file)
    yield provider
    object.__setattr__(provider.ground.settings, "software_statement_issuers", None)


def statement(key: ECKey = KEY, header: dict[str, Any] | None = None, **claims: Any) -> str:
    said = {"iss": TRUST, "software_id": "allowance", "client_name": "As approved", **claims}
    return sign_jws({n: v for n, v in said.items() if v is not None}, key, **{"kid": "r1", **(header or {})})


@requirement("RFC 7591", "2.3", "MUST")
@requirement("RFC 7591", "3.1.1", "MUST")
def test_what_it_says_stands_over_what_the_client_says(trusting):
    signed = statement()
    body = post(trusting, METADATA | {"client_name": "As I like", "software_statement": signed}).json
    assert body["client_name"] == "As approved"
    assert body["software_id"] == "allowance"


@requirement("RFC 7591", "3.2.1", "MUST")
def test_it_is_given_back_unmodified(trusting):
    signed = statement()
    assert post(trusting, METADATA | {"software_statement": signed}).json["software_statement"] == signed


@requirement("RFC 7591", "3.1.1", "MUST")
def test_what_it_says_is_checked_like_all_the_rest(trusting):
    answer = post(trusting, METADATA | {"software_statement": statement(redirect_uris=["http://x.example/"])})
    assert answer.status_code == 400
    assert answer.json["error"] == "invalid_redirect_uri"


def test_its_own_claims_are_no_metadata(trusting):
    body = post(trusting, METADATA | {"software_statement": statement(sub="x", jti="y")}).json
    assert not {"iss", "sub", "jti"} & body.keys()


@requirement("RFC 7591", "3.2.2", "MUST")
@pytest.mark.parametrize("issuer", ["https://other.example", None, 5, []])
def test_one_of_somebody_else_is_unapproved(trusting, issuer):
    answer = post(trusting, METADATA | {"software_statement": statement(iss=issuer)})
    assert answer.status_code == 400
    assert answer.json["error"] == "unapproved_software_statement"


def test_nobody_is_trusted_without_the_setting(provider):
    answer = post(provider, METADATA | {"software_statement": statement()})
    assert answer.json["error"] == "unapproved_software_statement"


@requirement("RFC 7591", "2.3", "MUST")
@pytest.mark.parametrize("case", ["another key", "alg none", "hmac", "another kid", "another typ", "tampered", "5"])
def test_one_that_does_not_verify_is_refused(trusting, case):
    head, body, signature = statement().split(".")
    other = ECKey.generate_key("P-256", None, private=True)
    sent: Any = {
        "another key": statement(other),
        "alg none": "eyJhbGciOiJub25lIn0." + body + ".",
        "hmac": "eyJhbGciOiJIUzI1NiJ9." + body + "." + signature,
        "another kid": statement(header={"kid": "r2"}),
        "another typ": statement(header={"typ": "at+jwt"}),
        "tampered": ".".join((head, statement(client_name="x").split(".")[1], signature)),
        "5": 5,
    }[case]
    answer = post(trusting, METADATA | {"software_statement": sent})
    assert answer.status_code == 400
    assert answer.json["error"] == "invalid_software_statement"
    assert "software_statement" in answer.json["error_description"]


@pytest.mark.parametrize(
    ("claim", "value", "taken"),
    [("exp", 3600, True), ("exp", -3600, False), ("nbf", 3600, False), ("iat", -(10**8), True), ("iat", 3600, False)],
)
def test_its_times_are_believed(trusting, claim, value, taken):
    moment = timestamp(trusting.ground.clock.now() + timedelta(seconds=value))
    answer = post(trusting, METADATA | {"software_statement": statement(**{claim: moment})})
    assert (answer.status_code == 201) is taken


@pytest.mark.parametrize(
    ("audience", "taken"),
    [("http://localhost:8080", True), (["x", "http://localhost:8080"], True), ("https://other.example", False)],
)
def test_one_made_for_somebody_else_is_refused(trusting, audience, taken):
    answer = post(trusting, METADATA | {"software_statement": statement(aud=audience)})
    assert (answer.status_code == 201) is taken


@pytest.mark.parametrize("content", ["", "[]", "{", '{"x": {}}', '{"x": {"keys": [{"kty": "oct", "k": "AA"}]}}'])
def test_a_file_that_cannot_be_used_stops_the_start(trusting, content):
    trusting.ground.settings.software_statement_issuers.write_text(content, "utf-8")
    with pytest.raises(SettingsError, match="PRAJAK_SOFTWARE_STATEMENT_ISSUERS"):
        TrustedIssuers(trusting.ground)
