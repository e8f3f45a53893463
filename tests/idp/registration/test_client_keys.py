"""A client's public keys: which are taken, and why others are not."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from math import prod
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc.jwk import ECKey, OKPKey, RSAKey

from idp.registration.client_keys import BadKeys, check_key_set, usable_key_set
from idp.registration.weak_keys import ROCA_PRIMES, has_close_primes, is_roca, why_weak
from tests.idp.provider import b64
from tests.protocol.requirement import requirement

KEY = ECKey.generate_key("P-256", {"kid": "a"}, private=True)
PUBLIC = KEY.as_dict(private=False)
RSA = RSAKey.generate_key(2048, {"kid": "r"}, private=True).as_dict(private=False)


def refused(*keys: dict[str, Any]) -> str:
    with pytest.raises(BadKeys) as error:
        check_key_set({"keys": list(keys)})
    return str(error.value)


def modulus(value: int) -> dict[str, Any]:
    return {"kty": "RSA", "e": "AQAB", "n": b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))}


@requirement("FAPI 2.0 SP", "5.4.1", "MUST")
def test_a_short_rsa_key_is_refused_for_either_use():
    for use in ("sig", "enc"):
        assert "2048" in refused(modulus((1 << 1024) + 1) | {"use": use})


def test_keys_for_encryption_are_looked_at_too():
    check_key_set({"keys": [RSA | {"use": "enc", "alg": "RSA-OAEP-256"}]})
    check_key_set({"keys": [PUBLIC | {"use": "enc", "alg": "ECDH-ES"}]})
    ed25519 = OKPKey.generate_key("Ed25519", {"kid": "o"}, private=True).as_dict(private=False)
    assert "encryption" in refused(ed25519 | {"use": "enc"})
    p384 = ECKey.generate_key("P-384", {"kid": "p"}, private=True).as_dict(private=False)
    assert "P-256" in refused(p384 | {"use": "enc"})
    assert "use" in refused(PUBLIC | {"use": "tls"})


@pytest.mark.parametrize("use", ["sig", "enc"])
def test_a_private_key_is_never_taken(use):
    assert "private" in refused(KEY.as_dict(private=True) | {"use": use})
    with pytest.raises(BadKeys, match="private"):
        usable_key_set({"keys": [PUBLIC, KEY.as_dict(private=True) | {"kid": "b"}]})


@requirement("FAPI 2.0 SP", "5.4.3", "SHOULD NOT")
def test_two_keys_do_not_share_a_name():
    other = ECKey.generate_key("P-256", {"kid": "a"}, private=True).as_dict(private=False)
    assert "kid" in refused(PUBLIC, other)
    nameless = {name: value for name, value in other.items() if name != "kid"}
    assert "kid" in refused(PUBLIC, nameless)


def test_the_same_key_twice_is_one_too_few():
    assert "more than once" in refused(PUBLIC, PUBLIC | {"kid": "b"})
    assert "more than once" in refused(PUBLIC | {"use": "sig"}, PUBLIC | {"kid": "b", "use": "enc"})


@pytest.mark.parametrize(
    "printed",
    [
        {"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
         "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
    ],
)  # fmt: skip
def test_a_key_whose_private_half_is_printed_in_an_rfc_is_refused(printed):
    """RFC 7515 A.3 and RFC 8037 A.1."""
    assert "printed" in refused(printed)


class TestWeakModuli:
    """Long enough, and still worth nothing."""

    def test_a_good_one_is_not_called_weak(self):
        for _ in range(3):
            key = RSAKey.generate_key(2048, None, private=True).as_dict(private=False)
            check_key_set({"keys": [key]})

    def test_close_primes_are_found(self):
        """CVE-2022-26320: p and q a few steps apart."""
        p = (1 << 1024) + 643  # need not be prime: only their distance counts
        assert has_close_primes(p * (p + 2 * 10**6))
        assert "factored" in refused(modulus(p * (p + 2 * 10**6)))

    def test_small_factors_are_found(self):
        assert "factored" in refused(modulus(3 * (1 << 2047) + 3))

    def test_the_fingerprint_of_roca_is_found(self):
        """CVE-2017-15361: every small prime sees a power of 65537."""
        product = prod(ROCA_PRIMES)
        fingerprinted = pow(65537, 12345, product) + (1 << 2047) // product * product
        assert is_roca(fingerprinted)
        assert why_weak("", fingerprinted)
        assert not is_roca(int.from_bytes(b"\xc5" * 256, "big"))


class TestCertificates:
    """RFC 7517 section 4.7."""

    def certificate(self, key: ECKey) -> str:
        name, now = x509.Name.from_rfc4514_string("CN=client"), datetime(2026, 1, 1, tzinfo=UTC)
        builder = x509.CertificateBuilder(name, name, key.public_key, 1, now, now + timedelta(days=9))
        return b64encode(builder.sign(key.private_key, SHA256()).public_bytes(Encoding.DER)).decode()

    @requirement("RFC 8705", "2.2.2", "MUST")
    def test_the_certificate_of_the_key_is_taken(self):
        check_key_set({"keys": [PUBLIC | {"x5c": [self.certificate(KEY)]}]})

    @requirement("RFC 8705", "2.2.2", "MUST")
    def test_the_certificate_of_another_key_is_not(self):
        other = ECKey.generate_key("P-256", None, private=True)
        assert "not this key" in refused(PUBLIC | {"x5c": [self.certificate(other)]})

    @pytest.mark.parametrize("chain", [[], "MII", ["MII"], [5], [""], ["!"], [None], {}, ["TUlJ"] * 11])
    def test_what_is_no_certificate_is_refused(self, chain):
        assert refused(PUBLIC | {"x5c": chain}).startswith("key 1: ")


class TestAtAnAddress:
    """RFC 7517 section 5: keys that are for others are left out."""

    def test_keys_that_are_not_understood_are_left_out(self):
        p384 = ECKey.generate_key("P-384", {"kid": "p"}, private=True).as_dict(private=False)
        odd = [p384, {"kty": "new"}, RSA | {"n": b64(b"\xff" * 128), "kid": "w"}]
        assert usable_key_set({"keys": [*odd, PUBLIC]}) == {"keys": [PUBLIC]}

    def test_none_that_can_be_used_is_told_with_the_last_reason(self):
        with pytest.raises(BadKeys, match="2048"):
            usable_key_set({"keys": [RSA | {"n": b64(b"\xff" * 128)}]})
