"""The officer's key signs the signed attributes over the authorized digest, and nothing else. RFC 5652 section 5.4."""

from __future__ import annotations

from hashlib import sha256

import pytest
from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from signing.errors import DocumentChanged
from signing.remote_signer import RemoteSigner, SignatureValue
from tests.conftest import NOW
from tests.signing.pki import MemorySigner

DIGEST = sha256(b"the authorized byte range").digest()
KEY = ec.generate_private_key(ec.SECP256R1())


def certificate_of(key, name="Officer"):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(NOW).not_valid_after(NOW)
    return builder.sign(key, hashes.SHA256())


CERTIFICATE = certificate_of(KEY)


def attributes(digest=DIGEST, content_type="data", certificate=CERTIFICATE, more=()):
    named = {"cert_hash": sha256(certificate.public_bytes(Encoding.DER)).digest()}
    made = [
        {"type": "content_type", "values": [content_type]},
        {"type": "message_digest", "values": [digest]},
        {"type": "signing_certificate_v2", "values": [{"certs": [named]}]},
        *more,
    ]
    return cms.CMSAttributes(made).dump()


def without(name):
    kept = [each for each in cms.CMSAttributes.load(attributes()) if each["type"].native != name]
    return cms.CMSAttributes(kept).dump()


class Key(MemorySigner):
    """Counts how often the key is used."""

    used = 0

    def sign_x509(self, data):
        Key.used += 1
        return super().sign_x509(data)


@pytest.fixture
def kept():
    return []


@pytest.fixture
def signer(kept):
    Key.used = 0

    def keep(value):
        kept.append(value)
        return value

    return RemoteSigner(Key(KEY), CERTIFICATE, authorized_digest=DIGEST, made=None, keep=keep)


def test_the_attributes_over_the_authorized_digest_are_signed(signer, kept):
    data = attributes()
    value = signer.sign_x509(data)
    KEY.public_key().verify(value, data, ec.ECDSA(hashes.SHA256()))
    assert kept == [SignatureValue(sha256(data).digest(), value)]


def test_a_second_call_gives_the_same_value_without_the_key(signer):
    assert signer.sign_x509(attributes()) == signer.sign_x509(attributes())
    assert Key.used == 1


def test_a_value_that_was_kept_before_a_crash_is_given_again():
    Key.used = 0
    made = SignatureValue(sha256(attributes()).digest(), b"made before")
    signer = RemoteSigner(Key(KEY), CERTIFICATE, authorized_digest=DIGEST, made=made, keep=lambda value: value)
    assert signer.sign_x509(attributes()) == b"made before"
    assert Key.used == 0


def test_once_used_the_authorization_signs_no_other_attributes(signer):
    signer.sign_x509(attributes())
    other = attributes(more=[{"type": "signing_time", "values": [cms.Time({"utc_time": NOW})]}])
    with pytest.raises(DocumentChanged):
        signer.sign_x509(other)
    assert Key.used == 1


@pytest.mark.parametrize(
    "data",
    [
        attributes(digest=sha256(b"another document").digest()),
        attributes(content_type="signed_data"),
        attributes(certificate=certificate_of(ec.generate_private_key(ec.SECP256R1()), "Somebody else")),
        without("message_digest"),
        without("content_type"),
        without("signing_certificate_v2"),
        attributes(more=[{"type": "message_digest", "values": [sha256(b"second").digest()]}]),
        attributes() + b"\x00",
        b"",
        b"%PDF-1.7 a whole document",
        DIGEST,
        b"eyJhbGciOiJFUzI1NiJ9.e30",
        b"\x31\x84\xff\xff\xff\xff",
    ],
    ids=[
        "another digest",
        "another content type",
        "another certificate",
        "no digest",
        "no content type",
        "no certificate",
        "two digests",
        "a byte behind",
        "nothing",
        "a document",
        "a bare digest",
        "a token",
        "a broken length",
    ],
)
def test_whatever_else_is_asked_for_is_not_signed(signer, data):
    with pytest.raises(DocumentChanged):
        signer.sign_x509(data)
    assert Key.used == 0


def test_tokens_are_not_signed_with_an_officers_key(signer):
    with pytest.raises(DocumentChanged):
        signer.sign(b"e30.e30")
