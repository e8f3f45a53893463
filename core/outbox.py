"""What must be sent: mail, SMS, post, logout tokens. Written in the act's transaction, delivered afterwards.

A message survives a crash between the act and its delivery, is retried with growing waits, and gives up after a day.
Recipients and texts are sealed: the table says that something was sent, not what or to whom.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from sqlalchemy import Connection, Integer, LargeBinary, RowMapping, String, delete, insert, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime
from core.errors import PrajakError
from core.ground import Ground
from core.identifiers import new_id

LEASE = timedelta(seconds=30)  # how long one worker has to deliver what it took
GIVE_UP = timedelta(days=1)
KEPT = timedelta(days=7)  # delivered messages, for the sandbox's page and for support
FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(hours=1)
BATCH = 20

log = structlog.get_logger()


class OutboxMessage(Base):
    """`sealed` is {"recipient", "subject", "body"}; `delivered_at` and `given_up_at` are empty until then."""

    __tablename__ = "outbox_message"

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    channel: Mapped[str] = mapped_column(String(20))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    next_attempt_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    delivered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    given_up_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


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


Deliver = Callable[[Message], None]  # raises DeliveryFailed to be tried again


class DeliveryFailed(PrajakError):
    """The gateway, or the agency, did not take the message."""


class Outbox:
    """`channels` maps a channel's name to what delivers it; a channel without one waits."""

    def __init__(self, ground: Ground, seal: Seal, channels: Mapping[str, Deliver]) -> None:
        self.ground = ground
        self.seal = seal
        self.channels = channels

    def enqueue(self, connection: Connection, *, channel: str, recipient: str, subject: str, body: str) -> str:
        """Adds a message to the caller's transaction and returns its id."""
        message_id, now = new_id(), self.ground.clock.now()
        text = json.dumps({"recipient": recipient, "subject": subject, "body": body}, ensure_ascii=False)
        sealed = self.seal.seal(text.encode(), aad=f"outbox:{message_id}")
        row = {"id": message_id, "channel": channel, "sealed": sealed, "created_at": now, "next_attempt_at": now}
        connection.execute(insert(OutboxMessage), row | {"attempts": 0})
        return message_id

    def deliver_due(self) -> int:
        """Takes what is due, one lease each, and delivers it outside any transaction. Returns how many went out."""
        return sum(self._deliver(message) for message in self._take())

    def messages(self, limit: int = 200) -> list[Message]:
        """Newest first: for the sandbox's page."""
        query = select(OutboxMessage.__table__).order_by(OutboxMessage.created_at.desc(), OutboxMessage.id).limit(limit)
        with self.ground.database.read() as connection:
            return [self._open(row) for row in connection.execute(query).mappings()]

    def purge(self) -> int:
        done = or_(OutboxMessage.delivered_at.is_not(None), OutboxMessage.given_up_at.is_not(None))
        old = OutboxMessage.created_at < self.ground.clock.now() - KEPT
        with self.ground.database.write() as connection:
            return connection.execute(delete(OutboxMessage).where(done, old)).rowcount

    def _take(self) -> list[Message]:
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
                    taken.append(self._open(row))
        return taken

    def _deliver(self, message: Message) -> bool:
        try:
            self.channels[message.channel](message)
        except PrajakError as error:
            log.warning("outbox_delivery_failed", channel=message.channel, message=message.id, why=str(error))
            self._postpone(message)
            return False
        with self.ground.database.write() as connection:
            delivered = update(OutboxMessage).where(OutboxMessage.id == message.id)
            connection.execute(delivered.values(delivered_at=self.ground.clock.now()))
        return True

    def _postpone(self, message: Message) -> None:
        now = self.ground.clock.now()
        with self.ground.database.write() as connection:
            mine = OutboxMessage.id == message.id
            attempts = connection.execute(select(OutboxMessage.attempts).where(mine)).scalar_one()
            wait = min(FIRST_WAIT * 2 ** min(attempts - 1, 20), LONGEST_WAIT)
            given_up = now if now - message.created_at > GIVE_UP else None
            connection.execute(
                update(OutboxMessage).where(mine).values(next_attempt_at=now + wait, given_up_at=given_up)
            )

    def _open(self, row: RowMapping) -> Message:
        text = json.loads(self.seal.open(row["sealed"], aad=f"outbox:{row['id']}"))
        return Message(
            id=row["id"],
            channel=row["channel"],
            recipient=text["recipient"],
            subject=text["subject"],
            body=text["body"],
            created_at=row["created_at"],
            delivered_at=row["delivered_at"],
        )
