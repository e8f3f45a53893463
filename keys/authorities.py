"""Which authorities there are: roots and the issuing authorities below them, each a generation with a name.

A name (`root-g1`, `issuing-g2`) is the `slot` of the authority's certificate and its place below /ca/. The newest
issuing generation that may sign issues; the older ones still answer for what they issued (RFC 5280 section 6.3: their
lists, their responders), until nothing of theirs is left to be asked about. A root whose key is not in custody here is
kept offline: it signs at a ceremony (keys/ceremony.py), and its list is brought in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from cryptography import x509
from sqlalchemy import Connection, and_, func, select

from core.ground import Ground
from keys.certificate_rows import as_text
from keys.errors import CertificateError, NoAuthority
from keys.issuance import is_issued_by
from keys.key_states import State
from keys.models import Certificate, Key, Revocation, RevocationList
from keys.purposes import Purpose

Kind = Literal["root", "issuing"]
KINDS: dict[str, Kind] = {"root": "root", "issuing": "issuing"}
PURPOSES = {"root": Purpose.ROOT_CA, "issuing": Purpose.CA}
NAME = re.compile(r"(root|issuing)-g([1-9][0-9]{0,3})")
LONG_AGO, NEVER = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
LOOK_AGAIN = timedelta(seconds=5)  # what another worker imported or revoked is known here within this


@dataclass(frozen=True)
class Authority:
    """`kid` is the thumbprint of its public key; `online` where custody has the private one and it may sign.
    `issuer` is the name of the authority above, empty for a root.
    """

    name: str
    kind: Kind
    generation: int
    certificate: x509.Certificate
    kid: str
    issuer: str
    online: bool
    revoked: bool

    def is_valid(self, now: datetime) -> bool:
        begins, ends = self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc
        return begins <= now < ends and not self.revoked


class Authorities:
    """One per process; a look-up costs no query between two looks."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self._known: dict[str, Authority] = {}
        self._look_again_at: datetime | None = None

    def all(self) -> tuple[Authority, ...]:
        """Roots first, each kind from its first generation to its newest."""
        now = self.ground.clock.now()
        if self._look_again_at is None or now >= self._look_again_at or now < self._look_again_at - LOOK_AGAIN:
            with self.ground.database.read() as connection:
                found = load_authorities(connection)
            self._known = {each.name: each for each in found}
            self._look_again_at = now + LOOK_AGAIN if found else None  # the first one is waited for, and known at once
        return tuple(self._known.values())

    def forget(self) -> None:
        """This process has changed one: look at once."""
        self._look_again_at = None

    def generations(self, kind: Kind) -> tuple[Authority, ...]:
        """The oldest first."""
        return tuple(each for each in self.all() if each.kind == kind)

    def find(self, name: str) -> Authority | None:
        """None where there is none of this name; asked of strangers' names too, and no query for those."""
        return next((each for each in self.all() if each.name == name), None)

    def named(self, name: str) -> Authority:
        """CertificateError where there is none of this name."""
        found = self.find(name)
        if found is None:
            raise CertificateError(f"there is no certificate authority {name}")
        return found

    def current(self) -> Authority:
        """The issuing authority that certifies now: the newest that may sign. NoAuthority where there is none."""
        now = self.ground.clock.now()
        able = [each for each in self.generations("issuing") if each.online and each.is_valid(now)]
        if not able:
            raise NoAuthority("there is no issuing authority yet: prajak ca request, the ceremony, prajak ca import")
        return able[-1]

    def check(self) -> None:
        """For `/readyz`. Raises NoAuthority, or CertificateError for a root whose list has ended."""
        self.current()
        now = self.ground.clock.now()
        ended = [name for name, ends_at in self.list_ends().items() if ends_at <= now]
        if ended:
            raise CertificateError(
                f"the revocation list of {', '.join(ended)} has ended: prajak ca root-crl, import-crl"
            )

    def list_ends(self) -> dict[str, datetime]:
        """When the newest list of each root ends, by its name; a root that has ended itself signs no more of them."""
        now = self.ground.clock.now()
        lasting = [each for each in self.generations("root") if each.is_valid(now)]
        with self.ground.database.read() as connection:
            return {each.name: list_ends_at(connection, each) for each in lasting}

    def roots(self) -> tuple[x509.Certificate, ...]:
        """The trust anchors; none before the first authority."""
        return tuple(each.certificate for each in self.generations("root"))

    def issuer_of(self, certificate: x509.Certificate) -> Authority:
        """Which of them issued it, by name and signature; CertificateError when none did."""
        for authority in self.all():
            if is_issued_by(certificate, authority.certificate):
                return authority
        raise CertificateError("this certificate was not issued here")

    def chain(self, certificate: x509.Certificate) -> list[x509.Certificate]:
        """The certificate first, its issuers after it, the root last; CertificateError when it is not ours."""
        chain = [certificate]
        while True:
            above = self.issuer_of(chain[-1]).certificate
            if above == chain[-1]:
                return chain
            chain.append(above)


def load_authorities(connection: Connection) -> list[Authority]:
    rows = connection.execute(AUTHORITIES).mappings().all()
    names = {row["serial"]: row["slot"] for row in rows}
    found = []
    for row in rows:
        matched = NAME.fullmatch(row["slot"])
        if matched is None:
            continue
        found.append(
            Authority(
                name=row["slot"],
                kind=KINDS[matched[1]],
                generation=int(matched[2]),
                certificate=x509.load_der_x509_certificate(row["der"]),
                kid=row["kid"],
                issuer=names.get(row["issuer_serial"], ""),
                online=row["state"] == State.ACTIVE,
                revoked=row["revoked_at"] is not None,
            )
        )
    return sorted(found, key=lambda each: (each.kind != "root", each.generation))


AUTHORITIES = (
    select(
        Certificate.serial,
        Certificate.issuer_serial,
        Certificate.slot,
        Certificate.kid,
        Certificate.der,
        Key.state,
        Revocation.revoked_at,
    )
    .outerjoin(Key, and_(Key.kid == Certificate.kid, Key.purpose.in_(list(PURPOSES.values()))))
    .outerjoin(Revocation, Revocation.serial == Certificate.serial)
    .where(Certificate.profile.in_(list(KINDS)), Certificate.slot.is_not(None))
)


def next_name(connection: Connection, kind: Kind) -> str:
    """The generation after all there are, those without a certificate yet included."""
    slots = connection.execute(select(Certificate.slot).where(Certificate.profile == kind)).scalars().all()
    keys = connection.execute(select(Key.slot).where(Key.purpose == PURPOSES[kind])).scalars().all()
    taken = [NAME.fullmatch((slot or "").rpartition(":")[2]) for slot in (*slots, *keys)]
    return f"{kind}-g{max((int(each[2]) for each in taken if each and each[1] == kind), default=0) + 1}"


def list_ends_at(connection: Connection, authority: Authority) -> datetime:
    """When the newest list of a root that is kept offline ends; a list that is signed here never does."""
    if authority.online:
        return NEVER
    mine = RevocationList.issuer_serial == serial_of(authority)
    found = connection.execute(select(func.max(RevocationList.next_update)).where(mine)).scalar_one()
    return found or LONG_AGO


def serial_of(authority: Authority) -> str:
    return as_text(authority.certificate.serial_number)
