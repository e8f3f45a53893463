"""One row for each request that a person is walking through: many tabs, many rows, none in a cookie.

The row keeps the validated request and what the person has done for it. It outlives its end by a day, so that a
stale tab can still say which agency it came from and lead back there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, Connection, String, Text, delete, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime
from core.errors import NotFound
from core.ground import Ground
from core.identifiers import new_id
from idp.interaction.policy import Done

KEPT = timedelta(days=1)  # after its end, to lead a stale tab on


class Interaction(Base):
    """`request` is the validated authorization request as JSON; for our own pages it is empty and `return_to` set.

    `account_id` is empty until somebody did something; the times are empty until their step is done. `assertion` is the
    passkey's answer over the documents (JSON), empty for what is no signing request. `refused` is the error code
    to answer with, empty unless the person or a rule said no.
    """

    __tablename__ = "interaction"

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    client_id: Mapped[str] = mapped_column(String(80))
    request: Mapped[str] = mapped_column(Text)
    return_to: Mapped[str] = mapped_column(String(2000))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    account_id: Mapped[str] = mapped_column(String(22))
    account_chosen: Mapped[bool] = mapped_column(Boolean)
    level_accepted: Mapped[bool] = mapped_column(Boolean)
    consented_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    assertion: Mapped[str] = mapped_column(Text)
    refused: Mapped[str] = mapped_column(String(60))
    answered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


@dataclass(frozen=True)
class Progress:
    """An interaction as read: `request` is the dictionary that was given to `begin`."""

    id: str
    client_id: str
    request: dict[str, Any]
    return_to: str
    created_at: datetime
    expires_at: datetime
    account_id: str
    account_chosen: bool
    level_accepted: bool
    consented_at: datetime | None
    assertion: dict[str, str] | None
    refused: str
    answered_at: datetime | None

    def done_by(self, account_id: str) -> Done:
        """What counts for this person: another who used the same tab before has consented to nothing here."""
        if account_id != self.account_id:
            return Done(began_at=self.created_at)
        return Done(
            began_at=self.created_at,
            account_chosen=self.account_chosen,
            level_accepted=self.level_accepted,
            consented=self.consented_at is not None,
            signed=self.assertion is not None,
        )


class InteractionStore:
    def __init__(self, ground: Ground) -> None:
        self.ground = ground

    def begin(self, connection: Connection, *, request: dict[str, Any], client_id: str) -> str:
        """Keeps a validated authorization request; returns the id for `/interaction/<id>`."""
        return self._insert(connection, client_id=client_id, request=json.dumps(request), return_to="")

    def begin_local(self, connection: Connection, *, return_to: str, demand: dict[str, Any]) -> str:
        """The same for one of our own pages; `return_to` is a path of ours."""
        return self._insert(connection, client_id="", request=json.dumps(demand), return_to=return_to)

    def load(self, interaction_id: str) -> Progress:
        """Raises NotFound. An ended one is returned too: see `is_expired` and `answered_at`."""
        query = select(Interaction.__table__).where(Interaction.id == interaction_id)
        with self.ground.database.read() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            raise NotFound("This page has expired. Please go back to the service you came from and start again.")
        values = dict(row) | {"request": json.loads(row["request"])}
        values["assertion"] = json.loads(row["assertion"]) if row["assertion"] else None
        return Progress(**values)

    def is_expired(self, progress: Progress) -> bool:
        return self.ground.clock.now() >= progress.expires_at

    def note(self, connection: Connection, progress: Progress, *, account_id: str, **values: Any) -> None:
        """Writes what `account_id` did. Another person's earlier deeds in the same tab are wiped first."""
        if progress.account_id != account_id:
            values = UNDONE | {"account_id": account_id} | values
        connection.execute(update(Interaction).where(Interaction.id == progress.id).values(**values))

    def refuse(self, connection: Connection, interaction_id: str, error: str) -> None:
        """The person said no, or a rule did: `/authorize/<id>` then answers with this error."""
        open_one = (Interaction.id == interaction_id, Interaction.answered_at.is_(None))
        connection.execute(update(Interaction).where(*open_one).values(refused=error))

    def answer(self, connection: Connection, interaction_id: str) -> bool:
        """Called by the authorization endpoint in the transaction that issues the code or the error: True once."""
        open_one = (Interaction.id == interaction_id, Interaction.answered_at.is_(None))
        done = update(Interaction).where(*open_one).values(answered_at=self.ground.clock.now())
        return connection.execute(done).rowcount == 1

    def purge(self) -> int:
        with self.ground.database.write() as connection:
            old = Interaction.expires_at < self.ground.clock.now() - KEPT
            return connection.execute(delete(Interaction).where(old)).rowcount

    def _insert(self, connection: Connection, *, client_id: str, request: str, return_to: str) -> str:
        now = self.ground.clock.now()
        row = {"id": new_id(), "client_id": client_id, "request": request, "return_to": return_to, "created_at": now}
        row |= UNDONE | {"expires_at": now + self.ground.settings.interaction_lifetime, "account_id": ""}
        connection.execute(insert(Interaction), row | {"refused": "", "answered_at": None})
        return str(row["id"])


UNDONE: dict[str, Any] = {
    "account_chosen": False,
    "level_accepted": False,
    "consented_at": None,
    "assertion": "",
}
