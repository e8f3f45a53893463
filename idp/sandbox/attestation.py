"""The certificate of the sandbox authenticator's maker: what lets a software key reach AAL3 in the sandbox, and
nowhere else, because no other deployment trusts it. Web Authentication Level 3 section 8.2.1.
"""

from __future__ import annotations

from datetime import UTC, datetime
from secrets import randbits

from asn1crypto import algos, pem
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from idp.sandbox.ceremony import Signs

NAME = {
    "country_name": "TH",
    "organization_name": "Prajak sandbox",
    "organizational_unit_name": "Authenticator Attestation",  # section 8.2.1: this very text
    "common_name": "Prajak sandbox authenticator, not for any other use",
}
BEGINS, ENDS = datetime(2020, 1, 1, tzinfo=UTC), datetime(2049, 12, 31, tzinfo=UTC)


def attestation_certificate(signer: Signs) -> bytes:
    """Self-signed, version 3, no authority: DER."""
    public_key = signer.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    algorithm = algos.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"})
    tbs = asn1.TbsCertificate(
        {
            "version": "v3",
            "serial_number": randbits(159) or 1,
            "signature": algorithm,
            "issuer": asn1.Name.build(NAME),
            "validity": {
                "not_before": asn1.Time(name="utc_time", value=BEGINS),
                "not_after": asn1.Time(name="utc_time", value=ENDS),
            },
            "subject": asn1.Name.build(NAME),
            "subject_public_key_info": asn1_keys.PublicKeyInfo.load(public_key),
            "extensions": [
                {"extn_id": "basic_constraints", "critical": True, "extn_value": asn1.BasicConstraints({"ca": False})}
            ],
        }
    )
    signature = signer.sign_x509(tbs.dump())
    parts = {"tbs_certificate": tbs, "signature_algorithm": algorithm, "signature_value": signature}
    return bytes(asn1.Certificate(parts).dump())


def as_pem(certificate: bytes) -> bytes:
    return bytes(pem.armor("CERTIFICATE", certificate))


def from_pem(text: bytes) -> bytes:
    """DER."""
    return bytes(pem.unarmor(text)[2])
