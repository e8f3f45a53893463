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

A key that came into other hands is believed for what an authority that is believed here had stamped by then, and the
next checkpoint goes on from there. What it signed without a time-stamp proves nothing: the next one is made over the
whole trail.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
from keys.jwks import public_jwk
from keys.jwt import sign_jwt
from keys.key_use import public_key
from keys.keystore import LOOK_AGAIN, Keystore
from keys.own_jws import NotSigned, PublicJwks, signing_kid, verified_claims
from keys.purposes import Purpose

TYPE = "prajak-audit-checkpoint+jwt"
CLAIMS = {"iss", "iat", "sequence", "head", "count"}
AT_ONCE = 50_000  # entries walked for one checkpoint: some seconds; a long trail gets several, one after the other
PAGE = 500
LAST_USE = 2 * LOOK_AGAIN  # another worker signs with a key for so long after it was declared compromised
HASH = 32
KEPT = "that the witness kept"


@dataclass(frozen=True)
class Believed:
    """Whose signatures are believed. `anchors`: to whom every time-stamp must lead; None leaves open whose they are.

    `ended` are keys that others may have, and since when: a time-stamp from before must lead to one of `roots`.
    """

    keys: PublicJwks
    anchors: Sequence[x509.Certificate] | None = None
    ended: Mapping[str, tuple[Mapping[str, str], datetime]] = field(default_factory=dict)
    roots: Sequence[x509.Certificate] = ()


class ProvesNothing(NotSigned):
    """By a key that others may have, and nobody says from when."""


Roots = Callable[[], Sequence[x509.Certificate]]
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

    def __init__(self, ground: Ground, keystore: Keystore, stamp: Stamp, roots: Roots = tuple) -> None:
        self.ground = ground
        self.keystore = keystore
        self.stamp = stamp
        self.roots = roots  # of the authorities whose time-stamps are asked for

    def make(self) -> Checkpoint | None:
        """A job: a checkpoint of what was chained since the last one; None when nothing was. Raises TrailBroken."""
        with self.ground.database.read() as connection:
            last = newest(connection)
            end, _ = head(connection)
        try:
            before = self.believed(last) if last is not None else None
        except ProvesNothing:
            before = None
        if end <= (last["sequence"] if last is not None else 0):
            self._check_not_cut_off(before, end)
            return None
        walked = self._walk(before, end, beyond=last["sequence"] if last is not None else 0)
        made = self._signed(walked, (before.count if before else 0) + walked.entries)
        values = {"sequence": made.sequence, "jws": made.jws, "time_stamp": made.time_stamp}
        try:
            with self.ground.database.write() as connection:
                connection.execute(insert(AuditCheckpoint), values)
        except IntegrityError:  # another worker made it meanwhile
            return None
        return made

    def believes(self) -> Believed:
        """Every key of the purpose that is not known to be in wrong hands; what those had signed before."""
        good = {jwk["kid"]: jwk for jwk in self.keystore.published([Purpose.AUDIT])}
        ended = {
            each.kid: (public_jwk(public_key(each), algorithm=each.algorithm), each.compromised_at)
            for each in self.keystore.records([Purpose.AUDIT])
            if each.compromised_at is not None
        }
        return Believed(good, ended=ended, roots=self.roots() if ended else ())

    def believed(self, row: RowMapping) -> Checkpoint:
        """A stored one, verified. Raises TrailBroken for one that we never signed."""
        try:
            return stored_checkpoint(row, self.believes(), origin=self.ground.settings.issuer)
        except ProvesNothing:
            raise
        except NotSigned as error:
            raise TrailBroken(BrokenChain(row["sequence"], "", f"the stored checkpoint is forged: {error}")) from error

    def _walk(self, before: Checkpoint | None, end: int, *, beyond: int) -> Walked:
        after, known = (before.sequence, before.head) if before else (0, GENESIS)
        with self.ground.database.read() as connection:
            found = stored_entries(connection, after=after, until=min(end, max(after + AT_ONCE, beyond + 1)))
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
            check_time_stamp(token, made.imprint, at=now)  # what would not be believed must not be kept
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
    kid = signing_kid(jws)
    ended = believed.ended.get(kid)
    claims = verified_claims(jws, {kid: ended[0]} if ended else believed.keys, typ=TYPE)
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
    check_stamp(found, believed, until=ended[1] if ended else None)
    return found


def check_stamp(checkpoint: Checkpoint, believed: Believed, *, until: datetime | None = None) -> None:
    """Raises NotSigned. One without a time-stamp is as good as its signature, unless an authority is asked for, or its
    key was good only `until` then.
    """
    if not checkpoint.time_stamp and until is not None:
        raise ProvesNothing("its key came into other hands, and no time-stamp says that it is from before")
    if not checkpoint.time_stamp and believed.anchors is None:
        return
    anchors = believed.roots if until is not None and believed.anchors is None else believed.anchors
    try:
        stamped_at = check_time_stamp(checkpoint.time_stamp, checkpoint.imprint, at=checkpoint.at, anchors=anchors)
    except NotStamped as error:
        raise NotSigned(str(error)) from error
    if until is not None and stamped_at > until + LAST_USE:
        raise NotSigned("its key was in other hands by then")


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
