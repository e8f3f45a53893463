"""Checkpoints of the audit trail: what its head was at a time, signed and time-stamped, for others to keep.

A chain proves that its entries fit each other; who can write the whole table can compute the whole chain anew. A
checkpoint is a JWS (typ `prajak-audit-checkpoint+jwt`) whose claims are

    iss       the issuer whose trail it is
    iat       when it was made (RFC 7519 section 2)
    sequence  the place of the last entry it covers
    head      that entry's hash, hexadecimal; it covers every entry before
    count     how many entries there were

and over whose SHA-256 an RFC 3161 time-stamp is taken: the signing key alone cannot make an old one today. One stands
on a line as `{"checkpoint": JWS, "time_stamp": base64 of DER}`, which is what witnesses get and keep.

The signer signs nothing that it has not walked: between two checkpoints every entry is verified, so that a chain that
was computed anew is never vouched for. Never made within a transaction.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

import structlog
from cryptography import x509
from sqlalchemy import BigInteger, Connection, LargeBinary, RowMapping, Text, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from core.audit_chain import BEFORE_ALL, GENESIS, head
from core.audit_verify import BrokenChain, Mark, Walk, Walked, stored_entries
from core.clock import timestamp
from core.database import Base, Database
from core.errors import PrajakError
from core.ground import Ground
from keys.audit_time_stamp import NotStamped, check_time_stamp
from keys.jwt import sign_jwt
from keys.keystore import Keystore
from keys.own_jws import NotSigned, PublicJwks, verified_claims
from keys.purposes import Purpose

TYPE = "prajak-audit-checkpoint+jwt"
CLAIMS = {"iss", "iat", "sequence", "head", "count"}
AT_ONCE = 50_000  # entries walked for one checkpoint: some seconds; a long trail gets several, one after the other
PAGE = 500
HASH = 32
KEPT = "that the witness kept"


@dataclass(frozen=True)
class Believed:
    """Whose signatures are believed. `anchors`: to whom every time-stamp must lead; None leaves open whose they are."""

    keys: PublicJwks
    anchors: Sequence[x509.Certificate] | None = None


Stamp = Callable[[bytes], bytes]  # over a SHA-256; the token in DER, or PrajakError

log = structlog.get_logger()


class AuditCheckpoint(Base):
    """Append-only. `time_stamp` is empty where no authority could be asked; the claims stand in `jws` alone."""

    __tablename__ = "audit_checkpoint"

    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    jws: Mapped[str] = mapped_column(Text)
    time_stamp: Mapped[bytes] = mapped_column(LargeBinary)


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint whose signature was verified."""

    origin: str
    at: datetime
    sequence: int
    head: bytes
    count: int
    jws: str
    time_stamp: bytes

    @property
    def imprint(self) -> bytes:
        return sha256(self.jws.encode()).digest()

    @property
    def line(self) -> str:
        return checkpoint_line(self.jws, self.time_stamp)


class TrailBroken(PrajakError):
    """The trail does not fit what was signed before: nothing more is signed until somebody has looked."""

    def __init__(self, broken: BrokenChain) -> None:
        super().__init__(f"the audit trail is broken at entry {broken.sequence}: {broken.why}")
        self.broken = broken


class AuditCheckpoints:
    """Makes and keeps them; one per process."""

    def __init__(self, ground: Ground, keystore: Keystore, stamp: Stamp) -> None:
        self.ground = ground
        self.keystore = keystore
        self.stamp = stamp

    def make(self) -> Checkpoint | None:
        """A job: a checkpoint of what was chained since the last one; None when nothing was. Raises TrailBroken."""
        with self.ground.database.read() as connection:
            last = newest(connection)
            end, _ = head(connection)
        before = self.believed(last) if last is not None else None
        if end <= (before.sequence if before else 0):
            self._check_not_cut_off(before, end)
            return None
        walked = self._walk(before, end)
        made = self._signed(walked, (before.count if before else 0) + walked.entries)
        values = {"sequence": made.sequence, "jws": made.jws, "time_stamp": made.time_stamp}
        try:
            with self.ground.database.write() as connection:
                connection.execute(insert(AuditCheckpoint), values)
        except IntegrityError:  # another worker made it meanwhile
            return None
        return made

    def believes(self) -> Believed:
        """Every key of the purpose that is not known to be in wrong hands."""
        return Believed({jwk["kid"]: jwk for jwk in self.keystore.published([Purpose.AUDIT])})

    def believed(self, row: RowMapping) -> Checkpoint:
        """A stored one, verified. Raises TrailBroken for one that we never signed."""
        try:
            return stored_checkpoint(row, self.believes(), origin=self.ground.settings.issuer)
        except NotSigned as error:
            raise TrailBroken(BrokenChain(row["sequence"], "", f"the stored checkpoint is forged: {error}")) from error

    def _walk(self, before: Checkpoint | None, end: int) -> Walked:
        after, known = (before.sequence, before.head) if before else (0, GENESIS)
        with self.ground.database.read() as connection:
            found = stored_entries(connection, after=after, until=min(end, after + AT_ONCE))
            walked = Walk(after=after, head=known).over(found)
        if walked.broken:
            raise TrailBroken(walked.broken)
        return walked

    def _check_not_cut_off(self, before: Checkpoint | None, end: int) -> None:
        if before is not None and end < before.sequence:
            why = f"the trail ends there; the checkpoint of {before.at:%Y-%m-%dT%H:%M:%SZ} saw entry {before.sequence}"
            raise TrailBroken(BrokenChain(end + 1, "", why))

    def _signed(self, walked: Walked, count: int) -> Checkpoint:
        now, origin = self.ground.clock.now().replace(microsecond=0), self.ground.settings.issuer
        claims = {"iss": origin, "iat": timestamp(now), "sequence": walked.sequence, "head": walked.head.hex()}
        jws = sign_jwt(self.keystore.active(Purpose.AUDIT), claims | {"count": count}, typ=TYPE)
        made = Checkpoint(origin, now, walked.sequence, walked.head, count, jws, b"")
        try:
            token = self.stamp(made.imprint)
        except PrajakError as error:
            log.warning("audit_checkpoint_not_time_stamped", why=str(error))
            token = b""
        return Checkpoint(origin, now, walked.sequence, walked.head, count, jws, token)


def newest(connection: Connection, *, until: int | None = None) -> RowMapping | None:
    rows = select(AuditCheckpoint.__table__).order_by(AuditCheckpoint.sequence.desc()).limit(1)
    rows = rows if until is None else rows.where(AuditCheckpoint.sequence <= until)
    return connection.execute(rows).mappings().first()


def stored_rows(database: Database, *, after: int = BEFORE_ALL) -> Iterator[RowMapping]:
    """In the trail's order, in bounded pages."""
    while True:
        rows = select(AuditCheckpoint.__table__).where(AuditCheckpoint.sequence > after)
        with database.read() as connection:
            found = connection.execute(rows.order_by(AuditCheckpoint.sequence).limit(PAGE)).mappings().all()
        yield from found
        if len(found) < PAGE:
            return
        after = found[-1]["sequence"]


def stored_checkpoint(row: RowMapping, believed: Believed, *, origin: str) -> Checkpoint:
    """Raises NotSigned, also for a row that names another place than its signature does."""
    found = verified_checkpoint(row["jws"], row["time_stamp"], believed, origin=origin)
    if found.sequence != row["sequence"]:
        raise NotSigned(f"it was signed for entry {found.sequence}")
    return found


def verified_checkpoint(jws: str, time_stamp: bytes, believed: Believed, *, origin: str = "") -> Checkpoint:
    """Raises NotSigned: not signed by these keys, of another trail than `origin`'s, or not what a checkpoint says."""
    claims = verified_claims(jws, believed.keys, typ=TYPE)
    if set(claims) != CLAIMS or (origin and claims["iss"] != origin):
        raise NotSigned("it is a checkpoint of another trail")
    try:
        known, at = bytes.fromhex(claims["head"]), datetime.fromtimestamp(claims["iat"], UTC)
        sequence, count = int(claims["sequence"]), int(claims["count"])
    except (ValueError, TypeError, OverflowError) as error:
        raise NotSigned("its claims are not a checkpoint's") from error
    if len(known) != HASH or sequence < 1:
        raise NotSigned("its claims are not a checkpoint's")
    found = Checkpoint(str(claims["iss"]), at, sequence, known, count, jws, time_stamp)
    check_stamp(found, believed)
    return found


def check_stamp(checkpoint: Checkpoint, believed: Believed) -> None:
    """Raises NotSigned. One without a time-stamp is as good as its signature, unless an authority is asked for."""
    if not checkpoint.time_stamp and believed.anchors is None:
        return
    try:
        check_time_stamp(checkpoint.time_stamp, checkpoint.imprint, at=checkpoint.at, anchors=believed.anchors)
    except NotStamped as error:
        raise NotSigned(str(error)) from error


def checkpoint_line(jws: str, time_stamp: bytes) -> str:
    """As witnesses keep it, without the line's end."""
    line = {"checkpoint": jws, "time_stamp": b64encode(time_stamp).decode()}
    return json.dumps(line, separators=(",", ":"))


def read_line(line: str, believed: Believed, *, origin: str = "") -> Checkpoint:
    """Raises NotSigned; the line must be byte for byte as it was written."""
    try:
        found = json.loads(line)
        jws, time_stamp = found["checkpoint"], b64decode(found["time_stamp"], validate=True)
    except (ValueError, TypeError, KeyError, NotBase64, RecursionError) as error:
        raise NotSigned("it is no checkpoint's line") from error
    if not isinstance(jws, str) or checkpoint_line(jws, time_stamp) != line:
        raise NotSigned("it is no checkpoint's line")
    return verified_checkpoint(jws, time_stamp, believed, origin=origin)


def mark_of(checkpoint: Checkpoint, *, by: str) -> Mark:
    """What a walk compares a trail with."""
    return Mark(checkpoint.sequence, checkpoint.head, f"the checkpoint of {checkpoint.at:%Y-%m-%dT%H:%M:%SZ} {by}")
