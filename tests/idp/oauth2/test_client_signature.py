"""RFC 7515 section 4.1.4 and RFC 7517: which of a client's keys verifies what it signed, and when new ones are fetched."""

from __future__ import annotations

import pytest
from joserfc.jwk import ECKey, RSAKey

from idp.oauth2.client_signature import verify_by_client
from idp.oauth2.compact_jws import BadToken, parse_unverified
from tests.idp.clients import registered
from tests.idp.provider import sign_jws
from tests.protocol.requirement import requirement

OLD = ECKey.generate_key("P-256", {"kid": "old"}, private=True)
NEW = ECKey.generate_key("P-256", {"kid": "new"}, private=True)
RSA = RSAKey.generate_key(2048, {"kid": "rsa", "alg": "PS256"}, private=True)
ALGORITHMS = ("ES256", "PS256", "RS256")
CLAIMS = {"client_id": "c1"}


def client_with(*keys, **metadata):
    return registered(jwks={"keys": [key.as_dict(private=False) for key in keys]}, **metadata)


def verified(token, client, *, fetched=None):
    asked = []

    def refresh(before):
        asked.append(before)
        return fetched or before

    claims = verify_by_client(parse_unverified(token), client, algorithms=ALGORITHMS, refresh_keys=refresh)
    assert claims == CLAIMS
    return len(asked)


def test_the_named_key_verifies():
    assert verified(sign_jws(CLAIMS, NEW, kid="new"), client_with(OLD, NEW)) == 0


def test_without_a_name_every_key_of_the_kind_is_tried():
    assert verified(sign_jws(CLAIMS, NEW), client_with(OLD, RSA, NEW)) == 0


@requirement("OIDC Core", "10.1.1", "SHOULD")
def test_a_key_that_is_not_known_may_be_a_new_one_at_the_jwks_uri():
    client = client_with(OLD, jwks_uri="https://agency.example/jwks")
    assert verified(sign_jws(CLAIMS, NEW, kid="new"), client, fetched=client_with(OLD, NEW)) == 1


def test_keys_by_value_are_not_looked_for_elsewhere():
    with pytest.raises(BadToken, match="no registered key is for ES256"):
        verified(sign_jws(CLAIMS, NEW, kid="new"), client_with(OLD), fetched=client_with(NEW))


@requirement("RFC 9101", "6.2", "MUST")
def test_another_key_under_a_known_name_verifies_nothing():
    with pytest.raises(BadToken, match="no registered key verifies"):
        verified(sign_jws(CLAIMS, NEW, kid="old"), client_with(OLD))


def test_a_key_for_one_algorithm_verifies_no_other():
    """RFC 8725 section 3.1."""
    assert verified(sign_jws(CLAIMS, RSA, alg="PS256"), client_with(RSA)) == 0
    with pytest.raises(BadToken, match="no registered key is for RS256"):
        verified(sign_jws(CLAIMS, RSA, alg="RS256"), client_with(RSA))


def test_a_key_for_encryption_verifies_nothing():
    key = ECKey.generate_key("P-256", {"kid": "enc", "use": "enc"}, private=True)
    with pytest.raises(BadToken, match="no registered key"):
        verified(
            sign_jws(CLAIMS, ECKey.import_key(key.as_dict(private=True) | {"use": "sig"}), kid="enc"), client_with(key)
        )
