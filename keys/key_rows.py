"""The statements on `key` rows. Each write is conditional, and its row count says who won."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from keys.errors import KeystoreError
from keys.key_states import State, check_transition
from keys.models import Key
from keys.purposes import RULES, Purpose


@dataclass(frozen=True)
class KeyRecord:
    """A `Key` row as read: all there is to know of a key without touching it."""

    kid: str
    purpose: Purpose
    algorithm: str
    state: State
    slot: str | None
    label: str
    public_key: bytes | None
    created_at: datetime
    activates_at: datetime | None
    deactivated_at: datetime | None
    published_until: datetime | None
    compromised_at: datetime | None = None
    destroyed_at: datetime | None = None


NEXT = ":next"
COLUMNS = [field.name for field in fields(KeyRecord)]


def active_slot(purpose: Purpose, algorithm: str | None) -> str:
    """The place of a purpose's one active key, or of its one active key of another algorithm than its own."""
    if algorithm is None or algorithm not in RULES[purpose].also:
        return str(purpose)
    return f"{purpose}:{algorithm}"


def successor_slot(slot: str) -> str:
    """The place of the one announced successor of whatever key is active in this slot."""
    return slot + NEXT


def predecessor_slot(slot: str) -> str:
    """The place that an announced successor waits for; an active key's own."""
    return slot.removesuffix(NEXT)


def insert_key(connection: Connection, record: KeyRecord) -> bool:
    """False when the slot was taken: another worker made the key first."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    values = {name: getattr(record, name) for name in COLUMNS}
    statement = dialect.insert(Key).values(**values).on_conflict_do_nothing()
    return connection.execute(statement).rowcount == 1


def change_state(connection: Connection, record: KeyRecord, after: State, **values: object) -> bool:
    """One step of the life of a key; False when it is no longer in the state it was read in."""
    check_transition(record.state, after)
    statement = update(Key).where(Key.kid == record.kid, Key.state == record.state).values(state=after, **values)
    return connection.execute(statement).rowcount == 1


def hold_active(connection: Connection, kid: str) -> bool:
    """Keeps the row as it is until this transaction ends; False when the key is no longer active."""
    statement = update(Key).where(Key.kid == kid, Key.state == State.ACTIVE).values(state=State.ACTIVE)
    return connection.execute(statement).rowcount == 1


def mark_destroyed(connection: Connection, kid: str, at: datetime) -> bool:
    """When custody has removed it; the first time stands."""
    gone = (Key.kid == kid, Key.state == State.DESTROYED, Key.destroyed_at.is_(None))
    return connection.execute(update(Key).where(*gone).values(destroyed_at=at)).rowcount == 1


def withdraw(connection: Connection, kid: str, at: datetime) -> None:
    """Takes a deactivated key out of the JWKS now."""
    statement = update(Key).where(Key.kid == kid, Key.state == State.DEACTIVATED).values(published_until=at)
    connection.execute(statement)


def load_key(connection: Connection, kid: str) -> KeyRecord:
    """The row of this key; KeystoreError when there is none."""
    found = read(connection, select(Key.__table__).where(Key.kid == kid))
    if not found:
        raise KeystoreError(f"no such key: {kid}")
    return found[0]


def load_slot(connection: Connection, slot: str) -> KeyRecord | None:
    """The active key of this place, or its announced successor."""
    found = read(connection, select(Key.__table__).where(Key.slot == slot))
    return found[0] if found else None


def load_purposes(connection: Connection, purposes: Sequence[Purpose]) -> list[KeyRecord]:
    """Every key of these purposes, oldest first."""
    query = select(Key.__table__).where(Key.purpose.in_(purposes)).order_by(Key.created_at, Key.kid)
    return read(connection, query)


def load_page(connection: Connection, purpose: Purpose, *, before: datetime | None, limit: int) -> list[KeyRecord]:
    """Of a purpose with a key for each holder: the newest first, a page at a time."""
    query = select(Key.__table__).where(Key.purpose == purpose).order_by(Key.created_at.desc(), Key.kid).limit(limit)
    return read(connection, query if before is None else query.where(Key.created_at < before))


def count_states(connection: Connection) -> list[tuple[Purpose, State, int]]:
    """How many keys of each purpose are in each state."""
    columns = (Key.purpose, Key.state)
    rows = connection.execute(select(*columns, func.count()).group_by(*columns).order_by(*columns))
    return [(Purpose(purpose), State(state), int(number)) for purpose, state, number in rows]


def load_destroyed(connection: Connection) -> list[str]:
    """What no worker may keep in its hands."""
    return list(connection.execute(select(Key.kid).where(Key.state == State.DESTROYED)).scalars())


def read(connection: Connection, query: Select[Any]) -> list[KeyRecord]:
    return [as_record(dict(row)) for row in connection.execute(query).mappings()]


def as_record(row: dict[str, Any]) -> KeyRecord:
    return KeyRecord(**{**row, "purpose": Purpose(row["purpose"]), "state": State(row["state"])})
