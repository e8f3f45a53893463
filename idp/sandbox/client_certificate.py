"""The certificate by which the sandbox's client of mutual TLS is known: self-signed, registered by value in `x5c`
(RFC 8705 section 2.2).
"""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from joserfc.jwk import ECKey

LIFETIME = timedelta(days=3650)


def certified_key(folder: Path, name: str, now: datetime) -> dict[str, Any]:
    """The public JWK with its certificate. `NAME.key.pem` and `NAME.cert.pem` are made where they are missing."""
    key_file, certificate_file = folder / f"{name}.key.pem", folder / f"{name}.cert.pem"
    if not key_file.is_file() or not certificate_file.is_file():
        key = ECKey.generate_key("P-256", None, private=True)
        key_file.touch(mode=0o600)
        key_file.write_bytes(key.as_pem(private=True))
        certificate_file.write_bytes(self_signed(key, name, now).public_bytes(Encoding.PEM))
    key = ECKey.import_key(key_file.read_bytes())
    certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    chain = [b64encode(certificate.public_bytes(Encoding.DER)).decode()]
    return dict(key.as_dict(private=False)) | {"use": "sig", "kid": key.thumbprint(), "x5c": chain}


def self_signed(key: ECKey, name: str, now: datetime) -> x509.Certificate:
    subject = x509.Name([
        x509.NameAttribute(NameOID.COUNTRY_NAME, "TH"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Prajak sandbox"),
        x509.NameAttribute(NameOID.COMMON_NAME, name),
    ])  # fmt: skip
    builder = x509.CertificateBuilder(subject, subject, key.public_key, x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + LIFETIME)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    return builder.sign(cast("EllipticCurvePrivateKey", key.private_key), SHA256())
