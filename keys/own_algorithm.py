"""Which algorithm a purpose signs with where nobody has chosen: its rule's, until an operator moves it to another.

Of a purpose that has a key of each algorithm (`Rules.also`) the move is a row, and begins when the key of the new one
has stood in the JWKS for the publication time. A client that registered an algorithm keeps it: what it verifies with is
its own decision, and it changes that itself (RFC 7592), with all keys published all the while.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, String, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime
from keys.purposes import RULES, Purpose


class OwnAlgorithm(Base):
    """No row: the rule's own. `before` holds until `begins_at`."""

    __tablename__ = "own_algorithm"

    purpose: Mapped[str] = mapped_column(String(24), primary_key=True)
    algorithm: Mapped[str] = mapped_column(String(16))
    before: Mapped[str] = mapped_column(String(16))
    begins_at: Mapped[datetime] = mapped_column(UTCDateTime)


def choose(connection: Connection, purpose: Purpose, algorithm: str, *, before: str, begins_at: datetime) -> None:
    """Of two operators at once the later decides."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    values = {"algorithm": algorithm, "before": before, "begins_at": begins_at}
    statement = dialect.insert(OwnAlgorithm).values(purpose=purpose, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["purpose"], set_=values))


def load_own_algorithms(connection: Connection, now: datetime) -> Mapping[Purpose, str]:
    """Of every purpose that has several."""
    moved = {row.purpose: row for row in connection.execute(select(OwnAlgorithm.__table__))}
    found: dict[Purpose, str] = {}
    for purpose, rules in RULES.items():
        row = moved.get(purpose) if rules.also else None
        found[purpose] = str(rules.algorithm) if row is None else row.algorithm if row.begins_at <= now else row.before
    return found
