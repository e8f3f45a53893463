"""Clients' certificates, good and bad: issued by an authority, or signed by themselves."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from joserfc.jwk import ECKey

YEARS = timedelta(days=3650)
CLIENT_AUTH = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
NOT_CA = x509.BasicConstraints(ca=False, path_length=None)
CERTIFIES = x509.KeyUsage(
    digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
    key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
)  # fmt: skip


@dataclass(frozen=True)
class Holder:
    """A key and its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def header(self) -> str:
        """RFC 9440 section 2.1."""
        return f":{b64encode(self.der).decode()}:"

    @property
    def jwk(self) -> dict[str, Any]:
        """RFC 7517 section 4.7."""
        pem = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return ECKey.import_key(pem).as_dict(private=False) | {"x5c": [b64encode(self.der).decode()], "use": "sig"}

    def write(self, folder: Path, name: str) -> Path:
        """One PEM file with the key in it, as proxies and clients want it."""
        path = folder / f"{name}.pem"
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(self.certificate.public_bytes(Encoding.PEM) + key)
        return path


def issue(
    subject: str,
    *extensions: x509.ExtensionType,
    issuer: Holder | None = None,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
) -> Holder:
    """`subject` as RFC 4514 writes it; by itself where no issuer is named. Good for ten years before and after now."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name.from_rfc4514_string(subject)
    by = issuer or Holder(key, None)  # type: ignore[arg-type]
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before or now - YEARS)
        .not_valid_after(not_after or now + YEARS)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key()), critical=False)
    )
    for each in extensions:
        builder = builder.add_extension(each, critical=isinstance(each, x509.BasicConstraints | x509.KeyUsage))
    return Holder(key, builder.sign(by.key, hashes.SHA256()))


def authority(name: str = "CN=Authority of the tests,O=Agency,C=TH") -> Holder:
    return issue(name, x509.BasicConstraints(ca=True, path_length=0), CERTIFIES)


def self_signed(name: str = "CN=client.agency.example") -> Holder:
    return issue(name, NOT_CA)


def names(*found: x509.GeneralName) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName(found)
