"""RFC 2986: a certificate for whoever has the key, and for nobody who has not. Requests made by openssl."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from keys.certificate_request import MAX_BYTES, pem_of, signed_request, verified_request
from keys.certificate_rows import RevocationReason
from keys.errors import CertificateError, KeystoreError
from keys.purposes import Purpose
from keys.requested_issuance import issue_from_request
from keys.subject import names_of, subject_names
from keys.trust_services import TrustServices
from keys.weak_keys import check_rsa, has_close_primes, is_roca
from tests.keys.conftest import AGENCY, ANAN

MALEE = replace(ANAN, name_th="นางสาวมาลี รักดี", name_en="Miss Malee Rakdee", serial="CITIZEN-2")


def request_by(openssl, *options: str, name: str = "key") -> bytes:
    openssl.run(
        "req", "-new", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", "/CN=I am the root", *options
    )
    return (openssl.folder / f"{name}.csr").read_bytes()


P256 = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


def issue(trust, request, subject=ANAN, profile="citizen"):
    return issue_from_request(trust.ca, profile, request, subject, actor="command")


@pytest.mark.parametrize(
    "options",
    [
        P256,
        ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"),
        ("-newkey", "ed25519"),
        ("-newkey", "rsa:3072"),
        ("-newkey", "rsa:3072", "-sigopt", "rsa_padding_mode:pss"),
    ],
)
def test_openssl_s_request_is_certified_for_whom_we_say_and_never_for_whom_it_says(trust, openssl, options):
    made = issue(trust, request_by(openssl, *options))
    assert subject_names(made)[0]["common_name"] == ANAN.name_th
    assert b"I am the root" not in made.public_bytes(Encoding.DER)
    leaf, key = openssl.pem("leaf.pem", made), openssl.folder / "key.key"
    assert openssl.run("x509", "-in", leaf, "-noout", "-pubkey") == openssl.run("pkey", "-in", key, "-pubout")
    root, chain = openssl.pem("root.pem", trust.ca.root), openssl.pem("chain.pem", trust.ca.issuing)
    openssl.run("verify", "-x509_strict", *openssl.at, "-CAfile", root, "-untrusted", chain, leaf)


def test_a_request_signed_with_another_key_is_refused(trust, openssl):
    first, second = (x509.load_pem_x509_csr(request_by(openssl, *P256, name=name)) for name in ("one", "two"))
    forged = bytearray(first.public_bytes(Encoding.DER))
    keys = [each.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint) for each in (first, second)]
    at = bytes(forged).index(keys[0])
    forged[at : at + len(keys[0])] = keys[1]
    with pytest.raises(CertificateError, match="does not have it"):
        issue(trust, bytes(forged))


def test_a_request_signed_with_sha_1_is_refused(trust, openssl):
    with pytest.raises(CertificateError, match="sha1, which proves nothing"):
        issue(trust, request_by(openssl, *P256, "-sha1"))


@pytest.mark.parametrize("bits", [1024, 2048])
def test_a_short_rsa_key_is_refused(trust, openssl, bits):
    with pytest.raises(CertificateError, match="too weak"):
        issue(trust, request_by(openssl, "-newkey", f"rsa:{bits}"))


def test_a_key_on_another_curve_is_refused(trust, openssl):
    with pytest.raises(CertificateError, match="another curve"):
        issue(trust, request_by(openssl, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"))


def test_a_key_that_is_printed_in_a_standard_is_refused(trust):
    printed = ec.derive_private_key(0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721, ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "RFC 6979 A.2.5")])
    encoded = x509.CertificateSigningRequestBuilder().subject_name(name).sign(printed, SHA256())
    with pytest.raises(CertificateError, match="printed in a standard"):
        issue(trust, encoded.public_bytes(Encoding.DER))


def test_a_key_of_ours_is_not_certified_on_request(trust):
    signer = trust.keystore.active(Purpose.ID_TOKEN)
    with pytest.raises(CertificateError, match="a key of ours"):
        issue(trust, signed_request(signer, names_of(ANAN)))


def test_a_key_belongs_to_the_first_who_was_certified_for_it(trust, openssl):
    request = request_by(openssl, *P256)
    first = issue(trust, request)
    assert issue(trust, request).serial_number != first.serial_number  # the same holder, again
    with pytest.raises(CertificateError, match="somebody else"):
        issue(trust, request, MALEE)


def test_what_is_refused_by_a_rule_claims_no_key(trust, openssl):
    request = request_by(openssl, *P256)
    with pytest.raises(CertificateError, match="EN 319 412-2"):
        issue(trust, request, replace(ANAN, serial=""))
    assert issue(trust, request, MALEE)


@pytest.mark.both_backends
def test_of_two_holders_at_once_one_is_certified(ground, tmp_path):
    trust = TrustServices(ground)
    trust.prepare()
    signer = Stranger()
    request = signed_request(signer, names_of(ANAN))

    def attempt(subject):
        try:
            return issue(trust, request, subject)
        except CertificateError:
            return None

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(attempt, [ANAN, MALEE, ANAN, MALEE]))
    names = {subject_names(each)[0]["common_name"] for each in made if each}
    assert len(names) == 1


class Stranger:
    """A key that is not ours, as a signer."""

    algorithm, kid = "ES256", "stranger"

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.public_key = self.key.public_key()

    def sign_x509(self, data: bytes) -> bytes:
        return self.key.sign(data, ec.ECDSA(SHA256()))

    def sign(self, data: bytes) -> bytes:
        return self.sign_x509(data)


def test_a_key_that_was_reported_as_compromised_is_never_certified_again(trust, openssl):
    request = request_by(openssl, *P256)
    trust.ca.revoke(issue(trust, request).serial_number, RevocationReason.KEY_COMPROMISE)
    with pytest.raises(CertificateError, match="compromised"):
        issue(trust, request)


@pytest.mark.parametrize("profile", ["root", "issuing", "tsa", "ocsp"])
def test_authorities_and_services_are_not_issued_on_request(trust, openssl, profile):
    with pytest.raises(CertificateError, match="not issued on request"):
        issue(trust, request_by(openssl, *P256), profile=profile)


@pytest.mark.parametrize(("profile", "subject"), [("seal", AGENCY), ("agency-tls", AGENCY), ("short-lived", ANAN)])
def test_every_other_profile_is_issued_on_request(trust, openssl, profile, subject):
    assert issue(trust, request_by(openssl, *P256), subject, profile)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 100,
        b"-----BEGIN CERTIFICATE REQUEST-----\n!!!\n-----END CERTIFICATE REQUEST-----\n",
        b"\x30" * (MAX_BYTES + 1),
    ],
)
def test_what_is_no_request_is_refused_plainly(content):
    with pytest.raises(CertificateError):
        verified_request(content)


def test_a_certificate_is_no_request(trust):
    with pytest.raises(CertificateError, match="no certificate request"):
        verified_request(trust.ca.root.public_bytes(Encoding.PEM))


def test_our_request_is_read_by_openssl(trust, openssl):
    request = openssl.file("ours.csr", pem_of(signed_request(trust.keystore.create(Purpose.OFFICER), names_of(ANAN))))
    assert "OK" in openssl.run("req", "-in", request, "-verify", "-noout")
    assert verified_request(request.read_bytes()).proposed.other is not None


def test_a_modulus_of_the_broken_generator_is_found():
    primorial = 1
    for prime in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
                  107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167):  # fmt: skip
        primorial *= prime
    modulus = (12345 * primorial + pow(65537, 77, primorial)) * (54321 * primorial + pow(65537, 991, primorial))
    assert is_roca(modulus)
    assert not is_roca(rsa.generate_private_key(65537, 2048).public_key().public_numbers().n)


def test_primes_that_lie_close_together_are_found():
    close = (2**127 - 1) * (2**127 + 29)  # odd numbers do: what is found is how close they lie
    assert has_close_primes(close)
    assert not has_close_primes(rsa.generate_private_key(65537, 2048).public_key().public_numbers().n)


@pytest.mark.parametrize(
    ("n", "e", "why"),
    [
        (3 * 2**3100 + 1, 65536, "exponent"),
        (2**3071 + 1, 3, "exponent"),
        (7 * (2**3100 + 1), 65537, "factor"),
        (2**8193, 65537, "at most"),
    ],
)
def test_rsa_numbers_that_no_key_has_are_refused(n, e, why):
    with pytest.raises((CertificateError, KeystoreError), match=why):
        check_rsa(n, e)
