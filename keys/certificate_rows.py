"""The statements on certificates and their revocation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cryptography import x509
from sqlalchemy import ColumnElement, Connection, RowMapping, Select, bindparam, exists, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from keys.models import Certificate, CertifiedKey, ExternalCertificate, Revocation


class RevocationReason(StrEnum):
    """RFC 5280 section 5.3.1, without certificateHold and its end: what is revoked stays so."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "key_compromise"
    CA_COMPROMISE = "ca_compromise"
    AFFILIATION_CHANGED = "affiliation_changed"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessation_of_operation"
    PRIVILEGE_WITHDRAWN = "privilege_withdrawn"

    @property
    def code(self) -> int:
        return REASON_CODES[self]


REASON_CODES = {
    RevocationReason.UNSPECIFIED: 0,
    RevocationReason.KEY_COMPROMISE: 1,
    RevocationReason.CA_COMPROMISE: 2,
    RevocationReason.AFFILIATION_CHANGED: 3,
    RevocationReason.SUPERSEDED: 4,
    RevocationReason.CESSATION_OF_OPERATION: 5,
    RevocationReason.PRIVILEGE_WITHDRAWN: 9,
}


COMPROMISES = (RevocationReason.KEY_COMPROMISE, RevocationReason.CA_COMPROMISE)


@dataclass(frozen=True)
class RevokedStatus:
    serial: int
    at: datetime
    reason: RevocationReason


def as_text(serial: int) -> str:
    """40 hexadecimal digits: RFC 5280 section 4.1.2.2 allows 20 octets."""
    return f"{serial:040x}"


def insert_certificate(connection: Connection, row: dict[str, object]) -> bool:
    """False when the serial or the slot exists: it is not issued, and nobody has seen it."""
    return insert_new(connection, Certificate, row)


def insert_revocation(connection: Connection, row: dict[str, object]) -> bool:
    """False when it was revoked before; the first time and reason stand."""
    return insert_new(connection, Revocation, row)


def claim_key(connection: Connection, row: dict[str, object]) -> bool:
    """False when this public key is another holder's: the first who was certified for it keeps it."""
    if insert_new(connection, CertifiedKey, row):
        return True
    holder = select(CertifiedKey.holder).where(CertifiedKey.kid == row["kid"])
    return connection.execute(holder).scalar_one() == row["holder"]


def was_compromised(connection: Connection, kid: str) -> bool:
    """A certificate for this key was revoked because others may have the key."""
    reported = (Certificate.kid == kid, Revocation.reason.in_(COMPROMISES))
    query = select(Revocation.serial).join(Certificate, Certificate.serial == Revocation.serial).where(*reported)
    return connection.execute(query.limit(1)).first() is not None


def insert_new(
    connection: Connection,
    table: type[Certificate | CertifiedKey | ExternalCertificate | Revocation],
    row: dict[str, object],
) -> bool:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return connection.execute(dialect.insert(table).values(**row).on_conflict_do_nothing()).rowcount == 1


def hold_certificate(connection: Connection, serial: str) -> None:
    """Keeps others from holding the row until this transaction ends: what depends on it is done by one at a time."""
    connection.execute(update(Certificate).where(Certificate.serial == serial).values(profile=Certificate.profile))


def by_serial(serial: int) -> Select[bytes]:
    return select(Certificate.der).where(Certificate.serial == as_text(serial))


def by_slot(slot: str) -> Select[bytes]:
    return select(Certificate.der).where(Certificate.slot == slot)


def load_serials(connection: Connection, kid: str) -> list[int]:
    """Every certificate that was ever issued for this key."""
    found = connection.execute(select(Certificate.serial).where(Certificate.kid == kid)).scalars()
    return [int(serial, 16) for serial in found]


def newest_of_key(profile: str, kid: str, issuer_serial: str) -> Select[bytes]:
    """Of those that are not revoked."""
    newest_first = Certificate.not_after.desc()
    good = ~exists(select(Revocation.serial).where(Revocation.serial == Certificate.serial))
    return select(Certificate.der).where(*of_key(profile, kid, issuer_serial), good).order_by(newest_first).limit(1)


def number_of_key(profile: str, kid: str, issuer_serial: str) -> Select[int]:
    return select(func.count()).select_from(Certificate).where(*of_key(profile, kid, issuer_serial))


def of_key(profile: str, kid: str, issuer_serial: str) -> tuple[ColumnElement[bool], ...]:
    return Certificate.profile == profile, Certificate.kid == kid, Certificate.issuer_serial == issuer_serial


def load_one(connection: Connection, query: Select[bytes]) -> x509.Certificate | None:
    der = connection.execute(query).scalar_one_or_none()
    return x509.load_der_x509_certificate(der) if der else None  # none is kept of one that a restore has lost


STATUS = (  # built once: every OCSP answer asks it
    select(Certificate.serial, Revocation.revoked_at, Revocation.reason)
    .outerjoin(Revocation, Revocation.serial == Certificate.serial)
    .where(Certificate.serial == bindparam("serial"), Certificate.issuer_serial == bindparam("issuer_serial"))
)


def load_status(connection: Connection, issuer: x509.Certificate, serial: int) -> tuple[bool, RevokedStatus | None]:
    """Whether this issuer has issued this serial, and whether it was revoked."""
    names = {"serial": as_text(serial), "issuer_serial": as_text(issuer.serial_number)}
    row = connection.execute(STATUS, names).mappings().first()
    if row is None:
        return False, None
    return True, as_revoked(row) if row["revoked_at"] else None


def revocations_by(issuer_serial: str) -> Select[str, datetime, str]:
    columns = select(Revocation.serial, Revocation.revoked_at, Revocation.reason)
    return columns.where(Revocation.issuer_serial == issuer_serial).order_by(Revocation.revoked_at, Revocation.serial)


def as_revoked(row: RowMapping) -> RevokedStatus:
    return RevokedStatus(int(row["serial"], 16), row["revoked_at"], RevocationReason(row["reason"]))
