"""Certificate revocation lists, RFC 5280 section 5: complete lists, one for the root and one for the issuing authority.

A list is made anew each hour, and when there are revocations that the last one lacks. Entries stay after their
certificate has ended: signatures are validated years later.

Its number is the moment of its making, in microseconds, and greater than the last one's. Counting from the last row
would give numbers away a second time after a restored backup, and whoever holds the lost list would refuse the new one
(section 5.2.3: numbers only grow).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from sqlalchemy import Connection, Select, delete, func, insert, select

from core.ground import Ground
from keys import der
from keys.algorithms import x509_identifier
from keys.certificate import CertificateAuthority
from keys.certificate_rows import (
    RevocationReason,
    RevokedStatus,
    as_revoked,
    as_text,
    hold_certificate,
    revocations_by,
)
from keys.errors import CertificateError
from keys.issuance import issuer_key_identifier, subject_of
from keys.models import Revocation, RevocationList
from keys.signer import Signer

RENEWED_AFTER = timedelta(hours=1)
LIFETIME = timedelta(hours=24)  # nextUpdate; a list that is late must not stop every validator at once
LOOKED_AT = timedelta(seconds=30)  # how long this process trusts that nothing was revoked
AUTHORITY_KEY_IDENTIFIER = der.object_identifier("2.5.29.35")
CRL_NUMBER = der.object_identifier("2.5.29.20")
EXPIRED_CERTIFICATES = der.object_identifier("2.5.29.60")
REASON_CODE = der.object_identifier("2.5.29.21")
HISTORY = timedelta(days=30)  # how long past lists are kept
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ATTEMPTS = 5  # to be the one who issues


@dataclass(frozen=True)
class Looked:
    encoded: bytes
    look_again_at: datetime
    revocations: int

    def is_fresh(self, now: datetime) -> bool:
        """Not for as long as a clock was set back, either."""
        return self.look_again_at - LOOKED_AT <= now < self.look_again_at


@dataclass(frozen=True)
class LastList:
    """The last list that was issued; `lacks` counts the revocations that it does not have."""

    number: int
    encoded: bytes
    this_update: datetime
    lacks: int

    def is_fresh(self, now: datetime) -> bool:
        """One of the future is none: the clock that made it was wrong, and nobody would believe the list."""
        return self.lacks == 0 and self.this_update - LOOKED_AT <= now < self.this_update + RENEWED_AFTER


class RevocationLists:
    """One per process."""

    def __init__(self, ground: Ground, authority: CertificateAuthority) -> None:
        self.ground = ground
        self.authority = authority
        self._looked: dict[str, Looked] = {}

    def current(self, slot: str) -> bytes:
        """The DER of an authority's CRL, never older than an hour. May write: never call it within a transaction."""
        now, revocations = self.ground.clock.now(), self.authority.revocations
        looked = self._looked.get(slot)
        if looked is None or not looked.is_fresh(now) or looked.revocations != revocations:
            looked = Looked(self._load_or_issue(slot, now), now + LOOKED_AT, revocations)
            self._looked[slot] = looked
        return looked.encoded

    def _load_or_issue(self, slot: str, now: datetime) -> bytes:
        issuer = self.authority.authority(slot)
        issuer_serial = as_text(issuer.serial_number)
        if not self.authority.authorities.named(slot).online:
            return self._brought_in(slot, issuer_serial)
        for _ in range(ATTEMPTS):
            with self.ground.database.read() as connection:
                last = load_last(connection, issuer_serial)
                if last is not None and last.is_fresh(now):
                    return last.encoded
                revoked = load_revoked(connection, issuer_serial)
            number = next_number(last, now)
            encoded = signed_list(issuer, self.authority.signer_of(slot), number=number, now=now, revoked=revoked)
            row = {"issuer_serial": issuer_serial, "number": number, "this_update": now, "next_update": now + LIFETIME}
            with self.ground.database.write() as connection:
                if insert_list(connection, {**row, "revoked": len(revoked), "der": encoded}, after=last):
                    return encoded
        raise CertificateError(f"other workers were always first with a revocation list of {slot}")

    def _brought_in(self, slot: str, issuer_serial: str) -> bytes:
        """Of an authority that is kept offline: the newest list that its ceremony made."""
        with self.ground.database.read() as connection:
            last = load_last(connection, issuer_serial)
        if last is None:
            raise CertificateError(f"no revocation list of {slot} was brought in: prajak ca import-crl")
        return last.encoded


def next_number(last: LastList | None, now: datetime) -> int:
    """RFC 5280 section 5.2.3: greater than any before, those of a database that was lost too."""
    moment = (now - EPOCH) // timedelta(microseconds=1)
    return moment if last is None else max(moment, last.number + 1)


def insert_list(connection: Connection, row: dict[str, object], *, after: LastList | None) -> bool:
    """False when another worker's list came between: what this one lacks, a list of a higher number may have."""
    issuer_serial = str(row["issuer_serial"])
    hold_certificate(connection, issuer_serial)
    newest = connection.execute(newest_number(issuer_serial)).scalar_one()
    if newest != (None if after is None else after.number):
        return False
    connection.execute(insert(RevocationList).values(**row))
    past = RevocationList.next_update < row["this_update"] - HISTORY  # type: ignore[operator]
    connection.execute(delete(RevocationList).where(RevocationList.issuer_serial == issuer_serial, past))
    return True


def newest_number(issuer_serial: str) -> Select[int | None]:
    return select(func.max(RevocationList.number)).where(RevocationList.issuer_serial == issuer_serial)


def load_revoked(connection: Connection, issuer_serial: str) -> list[RevokedStatus]:
    return [as_revoked(row) for row in connection.execute(revocations_by(issuer_serial)).mappings()]


def load_last(connection: Connection, issuer_serial: str) -> LastList | None:
    """The list with the highest number, and how many revocations there are by now."""
    columns = select(RevocationList.number, RevocationList.der, RevocationList.this_update, RevocationList.revoked)
    mine = columns.where(RevocationList.issuer_serial == issuer_serial).order_by(RevocationList.number.desc())
    row = connection.execute(mine.limit(1)).first()
    if row is None:
        return None
    count = select(func.count()).select_from(Revocation).where(Revocation.issuer_serial == issuer_serial)
    there_are = connection.execute(count).scalar_one()
    return LastList(row.number, bytes(row.der), row.this_update, lacks=there_are - row.revoked)


def signed_list(
    issuer: x509.Certificate,
    signer: Signer,
    *,
    number: int,
    now: datetime,
    revoked: list[RevokedStatus],
    lifetime: timedelta = LIFETIME,
) -> bytes:
    """RFC 5280 section 5.1: version 2, with the authority key identifier and the CRL number.

    And since when entries have stayed after their certificate's end (X.509's expiredCertsOnCRL): always.
    Otherwise a validator must take a certificate that has ended since for one whose entry was taken off.
    """
    identifier = der.implicit_primitive(0, issuer_key_identifier(issuer, signer.public_key))
    extensions = der.sequence(
        der.sequence(AUTHORITY_KEY_IDENTIFIER, der.octet_string(der.sequence(identifier))),
        der.sequence(CRL_NUMBER, der.octet_string(der.integer(number))),
        der.sequence(EXPIRED_CERTIFICATES, der.octet_string(der.generalized_time(issuer.not_valid_before_utc))),
    )
    to_be_signed = der.sequence(
        der.integer(1),
        x509_identifier(signer.algorithm),
        subject_of(issuer).dump(),
        der.time(now),
        der.time(now + lifetime),
        der.sequence(*map(entry, revoked)) if revoked else b"",  # section 5.1.2.6: absent where there is none
        der.explicit(0, extensions),
    )
    signature = der.bit_string(signer.sign_x509(to_be_signed))
    return der.sequence(to_be_signed, x509_identifier(signer.algorithm), signature)


def entry(status: RevokedStatus) -> bytes:
    """Section 5.3.1: a reason that says nothing is left out."""
    serial, at = der.integer(status.serial), der.time(status.at)
    if status.reason is RevocationReason.UNSPECIFIED:
        return der.sequence(serial, at)
    reason = der.octet_string(der.enumerated(status.reason.code))
    return der.sequence(serial, at, der.sequence(der.sequence(REASON_CODE, reason)))
