"""Two people for what cannot be undone: what one asks for is done only when another agrees, about exactly that, once.

How a room uses it. It asks in a transaction of its own, and spends the agreement in the transaction of the act, so that
both happen or neither:

    two_person.ask(connection, clock, Act.ERASE_PERSON, account_id, by=by, reason=reason)
    ...
    two_person.spend(connection, clock, Act.ERASE_PERSON, account_id)  # first in the act's transaction

`spend` raises NotAgreed unless two accounts have agreed, within LIFETIME, and it was not spent before. `detail` says
what exactly is agreed to where the subject does not (the digest of a file, say): whoever spends must give the same.

Who asks in the console is the first of the two. A shell is nobody's name: what `prajak` asks for (`by=COMMAND`) needs
two accounts, because whoever has the shell may have one of them. What two have agreed to is done by the console itself
where it can (`idp/admin/irrevocable.py`), else by the command that asked, called again. Each step is one conditional
write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Index, String, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from core import audit
from core.clock import Clock
from core.database import Base, UTCDateTime
from core.errors import NotAllowed, PersonError
from core.identifiers import new_id
from keys.errors import NotAgreed

COMMAND = "command"  # whoever has the shell
LIFETIME = timedelta(days=3)  # over a weekend; then it must be asked for again
MAX_REASON = 400


class Act(StrEnum):
    """What cannot be undone."""

    DESTROY_KEY = "destroy-key"
    COMPROMISE_KEY = "compromise-key"  # of a key that nothing can replace: an authority's, or one that never rotates
    RETIRE_KEY = "retire-key"  # of the same
    ERASE_PERSON = "erase-person"
    IMPORT_AUTHORITY = "import-authority"


class Outcome(StrEnum):
    DONE = "done"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"  # by who asked
    EXPIRED = "expired"  # and asked for again


class TwoPersonApproval(Base):
    """`first_by` is who asked in the console, or the first of the two where the command asked; `second_by` is another.
    Both are empty until then. `closed_by`, `closed_at` and `outcome` are empty while it is open; `closed_by` of what
    was done is the second.
    """

    __tablename__ = "two_person_approval"
    __table_args__ = (
        Index(
            "uq_two_person_approval_open",
            "act",
            "subject",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    act: Mapped[str] = mapped_column(String(24))
    subject: Mapped[str] = mapped_column(String(80))
    detail: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(String(MAX_REASON))
    asked_by: Mapped[str] = mapped_column(String(22))
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    first_by: Mapped[str | None] = mapped_column(String(22))
    second_by: Mapped[str | None] = mapped_column(String(22))
    closed_by: Mapped[str | None] = mapped_column(String(22))
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    outcome: Mapped[str | None] = mapped_column(String(10))


@dataclass(frozen=True)
class Asked:
    """A row as read."""

    id: str
    act: Act
    subject: str
    detail: str
    reason: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    first_by: str | None
    second_by: str | None
    closed_by: str | None
    closed_at: datetime | None
    outcome: Outcome | None

    def is_open(self, now: datetime) -> bool:
        return self.closed_at is None and now < self.expires_at

    def is_agreed(self, now: datetime) -> bool:
        return self.is_open(now) and self.second_by is not None

    def may_agree(self, account_id: str, now: datetime) -> bool:
        return self.is_open(now) and self.second_by is None and account_id not in (self.asked_by, self.first_by)


def ask(connection: Connection, clock: Clock, act: Act, subject: str, *, by: str, reason: str, detail: str = "") -> str:
    """Opens an approval and returns its id. Raises PersonError without a reason, or where one is open already."""
    if not reason.strip():
        raise PersonError("Say why, so that whoever agrees knows what they agree to.", field="reason")
    now, approval_id = clock.now(), new_id()
    close(connection, now, by, Outcome.EXPIRED, *this(act, subject), TwoPersonApproval.expires_at <= now)
    row: dict[str, Any] = {
        "id": approval_id,
        "act": act,
        "subject": subject,
        "detail": detail,
        "reason": reason.strip()[:MAX_REASON],
    }
    row |= {"asked_by": by, "asked_at": now, "expires_at": now + LIFETIME}
    row |= {"first_by": None if by == COMMAND else by}
    try:
        connection.execute(insert(TwoPersonApproval), row)
    except IntegrityError as error:
        raise PersonError("This has been asked for already. It is waiting for a decision.") from error
    write_entry(connection, clock, "asked", as_asked(row), actor=by, reason=reason.strip())
    return approval_id


def agree(connection: Connection, clock: Clock, asked: Asked, *, by: str) -> bool:
    """True when this was the second of two; False when one more is needed. Never twice by one account: the condition is
    in the update, whatever a page showed. Raises NotAllowed for who asked, PersonError when it is open no more.
    """
    if by in (asked.asked_by, asked.first_by) or by == COMMAND:
        raise NotAllowed("You asked for this or agreed to it already. Another person must agree.")
    row = TwoPersonApproval
    still_open = (row.id == asked.id, row.closed_at.is_(None), row.second_by.is_(None), row.expires_at > clock.now())
    first = update(row).where(*still_open, row.first_by.is_(None)).values(first_by=by)
    second = update(row).where(*still_open, row.first_by.is_not(None), row.first_by != by).values(second_by=by)
    if connection.execute(first).rowcount == 1:
        write_entry(connection, clock, "first-agreed", asked, actor=by)
        return False
    if connection.execute(second).rowcount != 1:
        raise PersonError("This was decided before you, or its time is over. Nothing was changed.")
    write_entry(connection, clock, "agreed", asked, actor=by)
    return True


def refuse(connection: Connection, clock: Clock, asked: Asked, *, by: str, reason: str) -> None:
    """By anybody who may decide; who asked takes it back. Raises PersonError when it is open no more."""
    own = by == asked.asked_by
    if not own and not reason.strip():
        raise PersonError("Say why, so that whoever asked knows.", field="reason")
    outcome = Outcome.WITHDRAWN if own else Outcome.REFUSED
    if not close(connection, clock.now(), by, outcome, *in_time(asked, clock.now())):
        raise PersonError("This was decided before you, or its time is over. Nothing was changed.")
    write_entry(connection, clock, str(outcome), asked, actor=by, reason=reason.strip())


def spend(connection: Connection, clock: Clock, act: Act, subject: str, *, detail: str = "") -> Asked:
    """Once, in the transaction of the act; what was agreed to, for the act's own audit entry. Raises NotAgreed."""
    now = clock.now()
    agreed = load_open(connection, act, subject)
    if agreed is None or not agreed.is_agreed(now) or agreed.detail != detail or agreed.second_by is None:
        raise NotAgreed(f"two people must agree first: {act} {subject}")
    if not close(connection, now, agreed.second_by, Outcome.DONE, *in_time(agreed, now)):
        raise NotAgreed(f"what two people agreed to was done before: {act} {subject}")
    write_entry(connection, clock, "done", agreed, actor=agreed.second_by)
    return agreed


def load(connection: Connection, approval_id: str) -> Asked | None:
    row = connection.execute(ROWS.where(TwoPersonApproval.id == approval_id)).mappings().first()
    return as_asked(row) if row else None


def load_open(connection: Connection, act: Act, subject: str) -> Asked | None:
    """The one that is not closed; its time may be over."""
    row = connection.execute(ROWS.where(*this(act, subject), TwoPersonApproval.closed_at.is_(None))).mappings().first()
    return as_asked(row) if row else None


def load_recent(connection: Connection, *, limit: int = 50) -> list[Asked]:
    """Open ones first, then the newest."""
    order = (TwoPersonApproval.closed_at.is_not(None), TwoPersonApproval.asked_at.desc(), TwoPersonApproval.id)
    return [as_asked(row) for row in connection.execute(ROWS.order_by(*order).limit(limit)).mappings()]


ROWS = select(TwoPersonApproval.__table__)


def this(act: Act, subject: str) -> tuple[Any, ...]:
    return (TwoPersonApproval.act == act, TwoPersonApproval.subject == subject)


def in_time(asked: Asked, now: datetime) -> tuple[Any, ...]:
    return (TwoPersonApproval.id == asked.id, TwoPersonApproval.expires_at > now)


def close(connection: Connection, now: datetime, by: str, outcome: Outcome, *which: Any) -> bool:
    """False when there is none such, or it was closed before."""
    statement = update(TwoPersonApproval).where(*which, TwoPersonApproval.closed_at.is_(None))
    return connection.execute(statement.values(closed_by=by, closed_at=now, outcome=outcome)).rowcount == 1


def as_asked(row: Mapping[Any, Any]) -> Asked:
    values: dict[str, Any] = {field.name: row.get(field.name) for field in fields(Asked)}
    values["act"] = Act(values["act"])
    values["outcome"] = None if values["outcome"] is None else Outcome(values["outcome"])
    return Asked(**values)


def write_entry(
    connection: Connection, clock: Clock, event: str, asked: Asked, *, actor: str, reason: str = ""
) -> None:
    detail = {"act": asked.act.value, "approval": asked.id, "asked_by": asked.asked_by}
    if asked.first_by:
        detail["first_by"] = asked.first_by
    name, subject = f"two-person.{event}", asked.subject
    audit.record(connection, clock, event=name, actor=actor, subject=subject, reason=reason, detail=detail)
