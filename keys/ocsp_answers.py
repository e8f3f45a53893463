"""The pre-signed OCSP answers, RFC 6960 section 2.5: signed once, given by every worker to whoever asks without nonce.

The first who asks about a certificate has its answer signed and kept; from then on a job signs it anew before it ages.
What is kept is never believed on its own: the one query that finds it reads today's status beside it, and an answer
that says good of a certificate that is revoked by now, or that another key signed, is not given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Connection, Table, and_, bindparam, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from keys.certificate_rows import RevokedStatus, as_revoked, as_text
from keys.models import Certificate, OcspAnswer, Revocation
from keys.ocsp_request import CertId
from keys.ocsp_response import ANSWER_LIFETIME

FORMS = ("sha1", "sha1:null", "sha256", "sha256:null")  # how clients name an issuer; others are signed for who asks
REFRESHED_AFTER = timedelta(minutes=30)
GIVEN_FOR = ANSWER_LIFETIME - timedelta(minutes=5)  # a cache on the way keeps it for a moment more
REFRESHED_AT_ONCE = 200  # in one round of the job, each five seconds: 72,000 certificates stay fresh with one worker


@dataclass(frozen=True)
class StoredAnswer:
    kid: str
    is_revoked: bool
    this_update: datetime
    encoded: bytes

    def is_given(self, kid: str, now: datetime) -> bool:
        """Signed by the key of today, and not so old that its nextUpdate is near; a clock that was set back counts."""
        return self.kid == kid and self.this_update <= now < self.this_update + GIVEN_FOR


@dataclass(frozen=True)
class Standing:
    """What one query tells of a serial: whether its issuer issued it, whether it is revoked, and the kept answer."""

    is_issued: bool
    revoked: RevokedStatus | None = None
    stored: StoredAnswer | None = None


@dataclass(frozen=True)
class Due:
    """A kept answer that has to be signed anew; `issuer_serial` says whose certificate it is about."""

    serial: int
    form: str
    issuer_serial: str
    revoked: RevokedStatus | None


STANDING = (  # built once: every answer asks it, by two primary keys
    select(
        Certificate.serial, Revocation.revoked_at, Revocation.reason,
        OcspAnswer.kid, OcspAnswer.is_revoked, OcspAnswer.this_update, OcspAnswer.der,
    )
    .outerjoin(Revocation, Revocation.serial == Certificate.serial)
    .outerjoin(OcspAnswer, and_(OcspAnswer.serial == Certificate.serial, OcspAnswer.form == bindparam("form")))
    .where(Certificate.serial == bindparam("serial"), Certificate.issuer_serial == bindparam("issuer_serial"))
)  # fmt: skip

DUE = (
    select(
        OcspAnswer.serial, OcspAnswer.form, Certificate.issuer_serial, Revocation.revoked_at, Revocation.reason,
    )
    .join(Certificate, Certificate.serial == OcspAnswer.serial)
    .outerjoin(Revocation, Revocation.serial == OcspAnswer.serial)
)  # fmt: skip


def form_of(question: CertId) -> str:
    """How the question names its hash, which the answer repeats to the byte; empty where no answer of it is kept."""
    form = question.hash_name + (":null" if question.algorithm.endswith(b"\x05\x00") else "")
    return form if form in FORMS else ""


def load_standing(connection: Connection, issuer_serial: str, serial: int, form: str) -> Standing:
    names = {"issuer_serial": issuer_serial, "serial": as_text(serial), "form": form}
    row = connection.execute(STANDING, names).mappings().first()
    if row is None:
        return Standing(is_issued=False)
    revoked = as_revoked(row) if row["revoked_at"] else None
    if row["kid"] is None or row["is_revoked"] != (revoked is not None):
        return Standing(is_issued=True, revoked=revoked)
    stored = StoredAnswer(row["kid"], row["is_revoked"], row["this_update"], bytes(row["der"]))
    return Standing(is_issued=True, revoked=revoked, stored=stored)


def keep_answers(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """The last one stands; whoever reads it compares it with the status of today."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    made = dialect.insert(cast("Table", OcspAnswer.__table__))
    changed = {name: made.excluded[name] for name in ("kid", "is_revoked", "this_update", "der")}
    statement = made.on_conflict_do_update(index_elements=["serial", "form"], set_=changed)
    connection.execute(statement, list(rows))


def load_due(connection: Connection, now: datetime) -> list[Due]:
    """What a revocation has overtaken, then the oldest; of at most so many as one round carries."""
    overtaken = and_(Revocation.serial.is_not(None), OcspAnswer.is_revoked.is_(False))
    aged = OcspAnswer.this_update <= now - REFRESHED_AFTER
    query = DUE.where(or_(overtaken, aged)).order_by(overtaken.desc(), OcspAnswer.this_update).limit(REFRESHED_AT_ONCE)
    return [
        Due(int(row["serial"], 16), row["form"], row["issuer_serial"], as_revoked(row) if row["revoked_at"] else None)
        for row in connection.execute(query).mappings()
    ]


def forget_answers(connection: Connection, past: Sequence[Due]) -> None:
    for each in past:
        where = (OcspAnswer.serial == as_text(each.serial), OcspAnswer.form == each.form)
        connection.execute(delete(OcspAnswer).where(*where))


def forget_ended(connection: Connection, now: datetime) -> None:
    """Certificates past their end are asked about seldom, and signed for when they are."""
    ended = select(Certificate.serial).where(Certificate.not_after <= now)
    connection.execute(delete(OcspAnswer).where(OcspAnswer.serial.in_(ended)))
