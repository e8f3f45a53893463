"""Accounts: who is behind an identifier, sealed, and what was proven about them.

Staff have accounts too, made by invitation; which roles they hold is the provider's business, not enrolment's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime

from sqlalchemy import Connection, RowMapping, and_, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from core import audit
from core.assurance import IAL
from core.errors import NotFound, PersonError
from core.ground import Ground
from core.identifiers import new_id
from enrollment.models import Account, CivilIdentifier, Identity, Passkey
from enrollment.models.account import AccountStatus
from enrollment.models.civil_identifier import CITIZEN_NUMBER
from enrollment.policy import CheckMade, EvidenceHeld, read_inputs
from enrollment.sealed import ATTRIBUTES, CITIZEN_NUMBER_SEALED
from keys.data_key import ACCOUNT, Owner, WrappedKey
from keys.envelope import DataKey, Envelope


class AlreadyEnrolled(PersonError):
    """The citizen number has an account. Said only to somebody who has proven to be that citizen."""


@dataclass(frozen=True)
class PersonAttributes:
    """What is known of a person. Empty where it is not known: Latin names and the title come with IAL2.1.

    `birthdate` is OpenID Connect Core section 5.1 (`YYYY-MM-DD`, or `YYYY` where day or month are unknown);
    `birthdate_registered` is the register's own form, `YYYYMMDD` in the Buddhist era with 00 for unknown parts.
    `address` is that of the house registration, in Thai, by the members of OpenID Connect Core section 5.1.1.
    """

    citizen_number: str = ""
    title_th: str = ""
    given_name_th: str = ""
    family_name_th: str = ""
    title: str = ""
    given_name: str = ""
    family_name: str = ""
    birthdate: str = ""
    birthdate_registered: str = ""
    email: str = ""
    phone: str = ""
    address: Mapping[str, str] = field(default_factory=dict)

    @property
    def name_th(self) -> str:
        return f"{self.title_th}{self.given_name_th} {self.family_name_th}".strip()

    @property
    def name_en(self) -> str:
        return " ".join(part for part in (self.title, self.given_name, self.family_name) if part)


@dataclass(frozen=True)
class VerifiedIdentity:
    """What `verified_claims` rests on. `unverified_mapping`: the policy's row awaits comparison with the standard."""

    ial: IAL
    policy: str
    rule: str
    unverified_mapping: bool
    awarded_at: datetime
    case_id: str
    evidence: tuple[EvidenceHeld, ...]
    checks: tuple[CheckMade, ...]


# Built once: it runs wherever somebody's name is shown.
WITH_KEY = (
    select(Account.status, Account.attributes, WrappedKey.wrapped)
    .outerjoin(WrappedKey, and_(WrappedKey.owner_kind == ACCOUNT, WrappedKey.owner_id == Account.id))
    .where(Account.id == bindparam("account_id"))
)


@dataclass(frozen=True)
class SealedAccount:
    """A new account's rows, sealed before the transaction that writes them; `identifier` is empty without a number."""

    key: DataKey
    account: Mapping[str, object]
    identifier: Mapping[str, object]


class AccountStore:
    def __init__(self, ground: Ground, envelope: Envelope) -> None:
        self.ground = ground
        self.envelope = envelope

    def create(self, attributes: PersonAttributes, *, name: str = "") -> str:
        """A new account in a transaction of its own; returns its id."""
        sealed = self.seal(attributes, name=name)
        with self.ground.database.write() as connection:
            return self.add(connection, sealed)

    def create_staff(self, attributes: PersonAttributes, *, invited_by: str, name: str = "") -> str:
        """An account for an officer or developer: made by invitation, no identity proven by it."""
        sealed = self.seal(attributes, name=name)
        with self.ground.database.write() as connection:
            account_id = self.add(connection, sealed)
            audit.record(
                connection, self.ground.clock, event="account.staff_created", actor=invited_by, subject=account_id
            )
        return account_id

    def new_key(self, account_id: str = "") -> DataKey:
        """The data key of somebody who is to have an account; its owner's id is the account's."""
        return self.envelope.new_key(Owner(ACCOUNT, account_id or new_id()))

    def key(self, account_id: str) -> DataKey:
        """The person's data key, ready for a transaction; an erased one for an erased person and for nobody."""
        return self.envelope.load_key(Owner(ACCOUNT, account_id))

    def seal(self, attributes: PersonAttributes, *, key: DataKey | None = None, name: str = "") -> SealedAccount:
        """What `add` will write; without `key`, for somebody new. Not within a transaction."""
        key = key or self.new_key()
        row: dict[str, object] = {"id": key.owner.id, "status": AccountStatus.ACTIVE, "name": name}
        row["attributes"] = key.seal(write_attributes(attributes), aad=ATTRIBUTES.aad(id=key.owner.id))
        return SealedAccount(key, row, self._sealed_number(key, attributes.citizen_number))

    def _sealed_number(self, key: DataKey, number: str) -> Mapping[str, object]:
        if not number:
            return {}
        sealed = key.seal(number.encode(), aad=CITIZEN_NUMBER_SEALED.aad(account_id=key.owner.id))
        row = {"kind": CITIZEN_NUMBER, "blind_index": self.citizen_index(number)}
        return row | {"account_id": key.owner.id, "ciphertext": sealed}

    def add(self, connection: Connection, sealed: SealedAccount) -> str:
        """In the caller's transaction; its id. Raises AlreadyEnrolled when the citizen number has an account."""
        self.envelope.keep(connection, sealed.key)
        connection.execute(insert(Account), dict(sealed.account) | {"created_at": self.ground.clock.now()})
        if sealed.identifier:
            self._add_citizen_number(connection, sealed.identifier)
        return sealed.key.owner.id

    def _add_citizen_number(self, connection: Connection, row: Mapping[str, object]) -> None:
        try:
            connection.execute(insert(CivilIdentifier), dict(row))
        except IntegrityError as error:
            raise AlreadyEnrolled("This citizen number already has an account. Please sign in.") from error

    def update(self, connection: Connection, key: DataKey, attributes: PersonAttributes) -> None:
        """New values for what is known, in the caller's transaction. The citizen number itself never changes."""
        sealed = key.seal(write_attributes(attributes), aad=ATTRIBUTES.aad(id=key.owner.id))
        mine = (Account.id == key.owner.id, Account.status != AccountStatus.ERASED)
        connection.execute(update(Account).where(*mine).values(attributes=sealed))

    def load(self, account_id: str) -> RowMapping:
        """The account's row, opened columns only; raises NotFound."""
        with self.ground.database.read() as connection:
            row = connection.execute(select(Account.__table__).where(Account.id == account_id)).mappings().first()
        if row is None:
            raise NotFound("There is no such account.")
        return row

    def is_active(self, account_id: str) -> bool:
        with self.ground.database.read() as connection:
            status = connection.execute(select(Account.status).where(Account.id == account_id)).scalar()
        return status == AccountStatus.ACTIVE

    def attributes(self, account_id: str) -> PersonAttributes:
        """What is known of the person: nothing of one who was erased. Raises NotFound for nobody."""
        with self.ground.database.read() as connection:
            row = connection.execute(WITH_KEY, {"account_id": account_id}).first()
        if row is None:
            raise NotFound("There is no such account.")
        return self._opened(DataKey(self.envelope, Owner(ACCOUNT, account_id), row[2]), row[0], row[1])

    def read(self, connection: Connection, key: DataKey) -> PersonAttributes:
        """The same within the caller's transaction, with the key loaded before."""
        query = select(Account.status, Account.attributes).where(Account.id == key.owner.id)
        row = connection.execute(query).first()
        if row is None:
            raise NotFound("There is no such account.")
        return self._opened(key, row[0], row[1])

    def _opened(self, key: DataKey, status: str, sealed: bytes) -> PersonAttributes:
        if status == AccountStatus.ERASED:
            return PersonAttributes()
        return read_attributes(key.open(sealed, aad=ATTRIBUTES.aad(id=key.owner.id)))

    def identity(self, account_id: str) -> VerifiedIdentity | None:
        """The identity that counts, or None for somebody of whom nothing was proven."""
        query = select(Identity.__table__).where(Identity.account_id == account_id, Identity.superseded_at.is_(None))
        with self.ground.database.read() as connection:
            row = connection.execute(query.order_by(Identity.version.desc()).limit(1)).mappings().first()
        if row is None:
            return None
        evidence, checks = read_inputs(row["inputs"])
        return VerifiedIdentity(
            ial=IAL(row["ial"]),
            policy=row["policy"],
            rule=row["rule"],
            unverified_mapping=row["unverified_mapping"],
            awarded_at=row["awarded_at"],
            case_id=row["case_id"],
            evidence=evidence,
            checks=checks,
        )

    def find_by_citizen_number(self, citizen_number: str) -> str | None:
        where = (
            CivilIdentifier.kind == CITIZEN_NUMBER,
            CivilIdentifier.blind_index == self.citizen_index(citizen_number),
        )
        with self.ground.database.read() as connection:
            return connection.execute(select(CivilIdentifier.account_id).where(*where)).scalar_one_or_none()

    def find_by_name(self, name: str) -> str | None:
        """By the sandbox's stable name, such as `somchai`."""
        if not name:
            return None
        with self.ground.database.read() as connection:
            return connection.execute(select(Account.id).where(Account.name == name)).scalar_one_or_none()

    def names(self) -> Sequence[tuple[str, str]]:
        """The sandbox's stable names with their accounts."""
        with self.ground.database.read() as connection:
            query = (
                select(Account.name, Account.id).where(Account.name != "").order_by(Account.created_at, Account.name)
            )
            return [(row[0], row[1]) for row in connection.execute(query)]

    def passkeys(self, account_id: str) -> Sequence[RowMapping]:
        """The account's living passkeys, oldest first."""
        query = select(Passkey.__table__).where(Passkey.account_id == account_id, Passkey.revoked_at.is_(None))
        with self.ground.database.read() as connection:
            return connection.execute(query.order_by(Passkey.created_at)).mappings().all()

    def citizen_index(self, citizen_number: str) -> bytes:
        """The keyed hash by which a citizen number is found."""
        return self.envelope.blind_index(CITIZEN_NUMBER, citizen_number)


def write_attributes(attributes: PersonAttributes) -> bytes:
    """Only what is known, as JSON."""
    return json.dumps({name: value for name, value in asdict(attributes).items() if value}, ensure_ascii=False).encode()


def read_attributes(stored: bytes) -> PersonAttributes:
    known = {each.name for each in fields(PersonAttributes)}
    return PersonAttributes(**{name: value for name, value in json.loads(stored).items() if name in known})
