"""What must be sent: mail, SMS, post, logout tokens. Written in the act's transaction, delivered afterwards.

A message survives a crash between the act and its delivery, is retried with growing waits, and gives up after a day.
Recipients and texts are sealed, a person's under the person's own data key: the table says that something was sent, not
what or where, and nothing of somebody who was erased.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, cast

import structlog
from sqlalchemy import (
    Connection,
    Index,
    Integer,
    LargeBinary,
    RowMapping,
    String,
    Table,
    delete,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime
from core.errors import PrajakError
from core.ground import Ground
from core.identifiers import new_id
from core.sealed_column import Erased, SealedColumn

LEASE = timedelta(seconds=30)  # how long one worker has to deliver what it took
GIVE_UP = timedelta(days=1)
KEPT = timedelta(days=7)  # delivered messages, for the sandbox's page and for support
FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(hours=1)
BATCH = 20

log = structlog.get_logger()


WAITING = text("delivered_at IS NULL AND given_up_at IS NULL")


class OutboxMessage(Base):
    """`sealed` is {"recipient", "subject", "body"}; `account_id` says whom it is about, and is empty where it is about
    nobody (a ping to an agency). `delivered_at` and `given_up_at` are empty until then.
    """

    __tablename__ = "outbox_message"

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    channel: Mapped[str] = mapped_column(String(20))
    account_id: Mapped[str] = mapped_column(String(22), index=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    next_attempt_at: Mapped[datetime] = mapped_column(UTCDateTime)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    delivered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    given_up_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    # what is due is asked four times a second: of those that wait alone, not of a week's
    __table_args__ = (
        Index("ix_outbox_message_waiting", "next_attempt_at", sqlite_where=WAITING, postgresql_where=WAITING),
    )


TABLE = cast("Table", OutboxMessage.__table__)
SEALED = SealedColumn(
    TABLE, "sealed", "outbox:{id}", "the person it is about, or the installation",
    once_direct=True, owner_kind="account", owner_column="account_id",
)  # fmt: skip


@dataclass(frozen=True)
class Message:
    id: str
    channel: str
    recipient: str
    subject: str
    body: str
    created_at: datetime
    delivered_at: datetime | None = None


class Seal(Protocol):
    """What the outbox needs of `keys.envelope.Envelope`."""

    def seal(self, plaintext: bytes, *, aad: str) -> bytes: ...

    def open(self, sealed: bytes, *, aad: str) -> bytes: ...

    def open_of(self, account_id: str, sealed: bytes, *, aad: str) -> bytes: ...


class Owner(Protocol):
    @property
    def id(self) -> str: ...


class PersonKey(Protocol):
    """A person's own key, loaded before the transaction; its owner's id is the account's."""

    @property
    def owner(self) -> Owner: ...

    def seal(self, plaintext: bytes, *, aad: str) -> bytes: ...


Deliver = Callable[[Message], None]  # raises DeliveryFailed to be tried again


class DeliveryFailed(PrajakError):
    """The gateway, or the agency, did not take the message."""


class Outbox:
    """`channels` maps a channel's name to what delivers it; a channel without one waits."""

    def __init__(self, ground: Ground, seal: Seal, channels: Mapping[str, Deliver]) -> None:
        self.ground = ground
        self.seal = seal
        self.channels = channels

    def enqueue(
        self,
        connection: Connection,
        *,
        channel: str,
        recipient: str,
        subject: str,
        body: str,
        key: PersonKey | None = None,
    ) -> str:
        """Adds a message to the caller's transaction and returns its id; `key` is that of the person it is about."""
        message_id, now = new_id(), self.ground.clock.now()
        text = json.dumps({"recipient": recipient, "subject": subject, "body": body}, ensure_ascii=False)
        sealed = (key or self.seal).seal(text.encode(), aad=SEALED.aad(id=message_id))
        row = {"id": message_id, "channel": channel, "account_id": key.owner.id if key else "", "sealed": sealed}
        connection.execute(insert(OutboxMessage), row | {"created_at": now, "next_attempt_at": now, "attempts": 0})
        return message_id

    def deliver_due(self) -> int:
        """Takes what is due, one lease each, and delivers it outside any transaction. Returns how many went out."""
        return sum(self._deliver(row) for row in self._take())

    def messages(self, limit: int = 200) -> list[Message]:
        """Newest first: for the sandbox's page. Without those whose person's key is gone."""
        query = select(OutboxMessage.__table__).order_by(OutboxMessage.created_at.desc(), OutboxMessage.id).limit(limit)
        with self.ground.database.read() as connection:
            rows = connection.execute(query).mappings().all()
        return list(self._readable(rows))

    def _readable(self, rows: Iterable[RowMapping]) -> Iterator[Message]:
        for row in rows:
            with suppress(Erased):
                yield self._open(row)

    def purge(self) -> int:
        done = or_(OutboxMessage.delivered_at.is_not(None), OutboxMessage.given_up_at.is_not(None))
        old = OutboxMessage.created_at < self.ground.clock.now() - KEPT
        with self.ground.database.write() as connection:
            return connection.execute(delete(OutboxMessage).where(done, old)).rowcount

    def erase(self, connection: Connection, account_id: str) -> int:
        """In the transaction that erases the person: what was sent, and what was to be."""
        return connection.execute(delete(OutboxMessage).where(OutboxMessage.account_id == account_id)).rowcount

    def _take(self) -> list[RowMapping]:
        now = self.ground.clock.now()
        waiting = (OutboxMessage.delivered_at.is_(None), OutboxMessage.given_up_at.is_(None))
        due = (*waiting, OutboxMessage.next_attempt_at <= now, OutboxMessage.channel.in_(list(self.channels)))
        with self.ground.database.read() as connection:
            if connection.execute(select(OutboxMessage.id).where(*due).limit(1)).first() is None:
                return []
        taken = []
        with self.ground.database.write() as connection:
            for row in connection.execute(select(OutboxMessage.__table__).where(*due).limit(BATCH)).mappings().all():
                mine = (OutboxMessage.id == row["id"], OutboxMessage.attempts == row["attempts"], *waiting)
                values = {"attempts": row["attempts"] + 1, "next_attempt_at": now + LEASE}
                if connection.execute(update(OutboxMessage).where(*mine).values(**values)).rowcount == 1:
                    taken.append(row)
        return taken

    def _deliver(self, row: RowMapping) -> bool:
        try:
            message = self._open(row)
            self.channels[message.channel](message)
        except Erased:  # its person withdrew, or was erased: nobody will ever read it
            self._give_up(row["id"])
            return False
        except PrajakError as error:
            log.warning("outbox_delivery_failed", channel=row["channel"], message=row["id"], why=str(error))
            self._postpone(row["id"], row["created_at"])
            return False
        with self.ground.database.write() as connection:
            delivered = update(OutboxMessage).where(OutboxMessage.id == row["id"])
            connection.execute(delivered.values(delivered_at=self.ground.clock.now()))
        return True

    def _give_up(self, message_id: str) -> None:
        with self.ground.database.write() as connection:
            mine = update(OutboxMessage).where(OutboxMessage.id == message_id)
            connection.execute(mine.values(given_up_at=self.ground.clock.now()))

    def _postpone(self, message_id: str, created_at: datetime) -> None:
        now = self.ground.clock.now()
        with self.ground.database.write() as connection:
            mine = OutboxMessage.id == message_id
            attempts = connection.execute(select(OutboxMessage.attempts).where(mine)).scalar_one_or_none()
            if attempts is None:  # erased meanwhile
                return
            wait = min(FIRST_WAIT * 2 ** min(attempts - 1, 20), LONGEST_WAIT)
            given_up = now if now - created_at > GIVE_UP else None
            connection.execute(
                update(OutboxMessage).where(mine).values(next_attempt_at=now + wait, given_up_at=given_up)
            )

    def _open(self, row: RowMapping) -> Message:
        aad, account_id = SEALED.aad(id=row["id"]), row["account_id"]
        if account_id:
            opened = self.seal.open_of(account_id, row["sealed"], aad=aad)
        else:
            opened = self.seal.open(row["sealed"], aad=aad)
        text = json.loads(opened)
        return Message(
            id=row["id"],
            channel=row["channel"],
            recipient=text["recipient"],
            subject=text["subject"],
            body=text["body"],
            created_at=row["created_at"],
            delivered_at=row["delivered_at"],
        )
