"""Revocations that a restored backup does not know, taken from the last list that was published before the loss.

Only a list that one of our issuing authorities signed is believed. An entry about a certificate that the backup does
not know proves that it was issued: it gets a row without its DER, so that OCSP and lists go on to say it is revoked.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from sqlalchemy import Connection

from core import audit
from core.ground import Ground
from keys.authorities import Authority, serial_of
from keys.certificate import CertificateAuthority
from keys.certificate_rows import RevocationReason, as_text, insert_certificate, insert_revocation
from keys.errors import CertificateError

LOST = "lost"  # the profile of a certificate of which nothing is known but its revocation
AT_ONCE = 200  # entries in one transaction


@dataclass(frozen=True)
class Restored:
    """How many revocations came back; of how many of these certificates nothing else is known."""

    revoked: int
    lost: int


def restore_revocations(ground: Ground, authority: CertificateAuthority, encoded: bytes, *, actor: str) -> Restored:
    """Each entry that is missing here, with its own time and reason; CertificateError for a list that is not ours.

    It may be done again: what is there stays as it is. Has transactions of its own: never call it within another.
    """
    crl = load_list(encoded)
    issuer = issuer_of_list(crl, authority)
    revoked, lost = 0, 0
    entries = list(crl)
    for begin in range(0, len(entries), AT_ONCE):
        with ground.database.write() as connection:
            for entry in entries[begin : begin + AT_ONCE]:
                lost += remember_lost(connection, issuer, entry)
                revoked += bring_back(connection, ground, issuer, entry, actor)
    authority.revocations += revoked
    return Restored(revoked, lost)


def load_list(encoded: bytes) -> x509.CertificateRevocationList:
    is_pem = encoded.lstrip().startswith(b"-----BEGIN")
    try:
        return x509.load_pem_x509_crl(encoded) if is_pem else x509.load_der_x509_crl(encoded)
    except ValueError as error:
        raise CertificateError("this is no revocation list") from error


def issuer_of_list(crl: x509.CertificateRevocationList, authority: CertificateAuthority) -> Authority:
    """By name and signature."""
    for each in authority.generations():
        public_key = each.certificate.public_key()
        if crl.issuer == each.certificate.subject and crl.is_signature_valid(public_key):  # type: ignore[arg-type]
            return each
    raise CertificateError("none of our issuing authorities signed this list")


def remember_lost(connection: Connection, issuer: Authority, entry: x509.RevokedCertificate) -> bool:
    """False where the certificate is known."""
    row: dict[str, object] = {
        "serial": as_text(entry.serial_number),
        "issuer_serial": serial_of(issuer),
        "profile": LOST,
        "slot": None,
        "kid": "",
        "not_before": entry.revocation_date_utc,
        "not_after": issuer.certificate.not_valid_after_utc,
        "der": b"",
    }
    return insert_certificate(connection, row)


def bring_back(
    connection: Connection, ground: Ground, issuer: Authority, entry: x509.RevokedCertificate, actor: str
) -> bool:
    serial, reason = as_text(entry.serial_number), reason_of(entry)
    names = {"serial": serial, "issuer_serial": serial_of(issuer), "reason": reason}
    if not insert_revocation(connection, {**names, "revoked_at": entry.revocation_date_utc}):
        return False
    event, detail = "certificate.revoked", {"restored": True}
    audit.record(connection, ground.clock, event=event, actor=actor, subject=serial, reason=reason, detail=detail)
    return True


def reason_of(entry: x509.RevokedCertificate) -> RevocationReason:
    """RFC 5280 section 5.3.1: unspecified where none is said."""
    try:
        said = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        return RevocationReason.UNSPECIFIED
    return RevocationReason(said.name)
