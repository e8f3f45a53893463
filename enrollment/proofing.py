"""The states of a proofing case and the one step each allows. The only file that knows the order.

A stale tab, the Back button, a double click and an expired page all come here and are led on: a step is taken by one
conditional write, and whoever loses it is shown where the case stands now. Doing an earlier step anew erases what
rested on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, and_, insert, select, update

from core import audit
from core.errors import PersonError
from core.ground import Ground
from core.identifiers import hashed, new_id, new_secret
from core.sealed_column import SealedColumn
from enrollment.models import ConfirmationCode, Evidence, ProofingCase
from enrollment.policy import CURRENT_POLICY
from keys.data_key import ACCOUNT, Owner, WrappedKey, delete_data_key
from keys.envelope import DataKey, Envelope

CASE_LIFETIME = timedelta(hours=1)  # from the last step taken: a page may stand open on a borrowed telephone
REVIEW_LIFETIME = timedelta(days=30)  # for the second officer; SP 800-63A has no number, letters have 30 days


class Journey(StrEnum):
    ENROLMENT = "enrolment"
    RECOVERY = "recovery"
    REVIEW = "review"


class State(StrEnum):
    CONSENTED = "consented"
    IDENTIFIED = "identified"
    ADDRESSED = "addressed"
    PROVEN = "proven"
    BOUND = "bound"
    DONE = "done"
    ALREADY_ENROLLED = "already-enrolled"
    OPENED = "opened"
    CAPTURED = "captured"
    APPROVED = "approved"
    REFUSED = "refused"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Allowed:
    """`step` is the one step forward and `to` where it may lead; `again` are earlier steps that may be done anew."""

    step: str
    to: tuple[State, ...] = ()
    again: tuple[str, ...] = ()


STEPS: Mapping[State, Allowed] = {
    # a citizen enrols; who recovers access begins at "addressed"
    State.CONSENTED: Allowed("details", to=(State.IDENTIFIED, State.ALREADY_ENROLLED)),
    State.IDENTIFIED: Allowed("contact", to=(State.ADDRESSED,), again=("details",)),
    State.ADDRESSED: Allowed("code", to=(State.PROVEN,), again=("details", "contact")),
    State.PROVEN: Allowed("passkey", to=(State.BOUND, State.ALREADY_ENROLLED), again=("details", "contact")),
    State.BOUND: Allowed("recovery-codes", to=(State.DONE,)),
    State.DONE: Allowed("done"),
    State.ALREADY_ENROLLED: Allowed("already-enrolled", again=("details",)),
    # officers raise a citizen's level
    State.OPENED: Allowed("inspect", to=(State.CAPTURED,)),
    State.CAPTURED: Allowed("decide", to=(State.APPROVED, State.REFUSED)),
    State.APPROVED: Allowed("decided"),
    State.REFUSED: Allowed("decided"),
    # the end
    State.SUPERSEDED: Allowed("continued-elsewhere"),
    State.WITHDRAWN: Allowed("withdrawn"),
    State.EXPIRED: Allowed("expired"),
}
STEPS_AGAIN = {"details": State.CONSENTED, "contact": State.IDENTIFIED}  # the state in which such a step is first
ENDED = frozenset({State.SUPERSEDED, State.WITHDRAWN, State.EXPIRED, State.APPROVED, State.REFUSED})
LIVE = frozenset(State) - ENDED - {State.DONE}
BEFORE_ACCOUNT = frozenset({State.CONSENTED, State.IDENTIFIED, State.ADDRESSED, State.PROVEN, State.ALREADY_ENROLLED})
ORDER = ("details", "contact", "code")  # whose evidence goes when an earlier one is done anew


class StepTaken(PersonError):
    """This step is not the case's any more (or not yet): show where it stands."""

    def __init__(self) -> None:
        super().__init__("This step was already done. Please continue where you are now.")


@dataclass(frozen=True)
class Case:
    """A row of `ProofingCase`, as it was when it was read, and the data key of its person."""

    id: str
    journey: Journey
    state: State
    version: int
    policy: str
    account_id: str
    key: DataKey
    citizen_index: bytes | None
    contact: bytes | None
    codes: bytes | None
    opened_by: str
    office: str
    return_to: str
    opened_at: datetime
    expires_at: datetime

    @property
    def step(self) -> str:
        return STEPS[self.state].step

    @property
    def may_redo(self) -> tuple[str, ...]:
        return STEPS[self.state].again if self.journey == Journey.ENROLMENT else ()

    def may_show(self, step: str) -> bool:
        """Whether the step's page makes sense now: it is the next one, or an earlier one that may be done anew."""
        return step == self.step or step in self.may_redo


class CaseStore:
    def __init__(self, ground: Ground, envelope: Envelope) -> None:
        self.ground = ground
        self.envelope = envelope

    def begin(
        self,
        connection: Connection,
        *,
        journey: Journey,
        state: State,
        key: DataKey,
        case_id: str = "",
        opened_by: str = "self",
        office: str = "",
        return_to: str = "",
        citizen_index: bytes | None = None,
        lifetime: timedelta = CASE_LIFETIME,
    ) -> tuple[str, str]:
        """A new case in the caller's transaction: its id, and the secret for the browser that may go on with it. `key`
        is the person's; its owner's id is the account's, there already or to be. `case_id` is chosen here unless what
        goes with the case had to know it before.
        """
        case_id, secret, now = case_id or new_id(), new_secret(), self.ground.clock.now()
        row = {"id": case_id, "journey": journey, "state": state, "version": 1, "policy": CURRENT_POLICY}
        row |= {"account_id": key.owner.id}
        row |= {"resume_hash": hashed(secret), "citizen_index": citizen_index, "opened_by": opened_by}
        row |= {"office": office, "return_to": return_to, "opened_at": now, "expires_at": now + lifetime}
        self.envelope.keep(connection, key)
        connection.execute(insert(ProofingCase), row)
        audit.record(
            connection, self.ground.clock, event="proofing.begun", actor=opened_by, subject=case_id, reason=journey
        )
        return case_id, secret

    def resume(self, secret: str) -> Case | None:
        """The case of this browser; one that ran out is ended here and said to have expired."""
        with self.ground.database.read() as connection:
            row = connection.execute(CASE.where(ProofingCase.resume_hash == hashed(secret))).mappings().first()
        return self._ready(row)

    def load(self, case_id: str) -> Case | None:
        with self.ground.database.read() as connection:
            row = connection.execute(CASE.where(ProofingCase.id == case_id)).mappings().first()
        return self._ready(row)

    def _ready(self, row: RowMapping | None) -> Case | None:
        """Its steps are taken in transactions, so its key is unwrapped before."""
        if row is None:
            return None
        case = self.of(row)
        case.key.ready()
        return self.expired(case) if self.is_over(case) else case

    def read(self, connection: Connection, case_id: str, *, key: DataKey | None = None) -> Case:
        """Within the caller's transaction; `key` as it was loaded before, where something is to be sealed."""
        return self.of(connection.execute(CASE.where(ProofingCase.id == case_id)).mappings().one(), key)

    def of(self, row: RowMapping, key: DataKey | None = None) -> Case:
        """A row of `CASE`."""
        values = dict(row)
        wrapped, owner = values.pop("wrapped"), Owner(ACCOUNT, values["account_id"])
        values |= {"journey": Journey(values["journey"]), "state": State(values["state"])}
        return Case(**values, key=key or DataKey(self.envelope, owner, wrapped))

    def is_over(self, case: Case) -> bool:
        return case.state in LIVE and case.expires_at <= self.ground.clock.now()

    def take(self, connection: Connection, case: Case, step: str, to: State, **values: bytes | str | None) -> None:
        """Takes one step in the caller's transaction, with the columns that change with it. Raises StepTaken.

        One UPDATE whose row count is the answer: of two tabs, two clicks, two requests, one wins.
        """
        if not case.may_show(step) or to not in STEPS[STEPS_AGAIN.get(step, case.state)].to:
            raise StepTaken
        if step in case.may_redo:
            self.erase(connection, case, from_step=step)
            values = {"citizen_index": None, "contact": None} | values if step == "details" else values
        self._write(connection, case, to, **values)

    def end(self, connection: Connection, case: Case, to: State, *, actor: str, reason: str = "") -> None:
        """Ends a case before its last step and erases what it held. Raises StepTaken when it has ended already."""
        if case.state not in LIVE or to not in ENDED:
            raise StepTaken
        if case.state != State.BOUND:  # what an account rests on stays with it
            self.erase(connection, case, from_step=None)
        self._write(connection, case, to, citizen_index=None, contact=None, codes=None)
        if case.journey == Journey.ENROLMENT and case.state in BEFORE_ACCOUNT:
            delete_data_key(connection, case.key.owner)  # nothing that was sealed under it can be opened again
        audit.record(connection, self.ground.clock, event=f"proofing.{to}", actor=actor, subject=case.id, reason=reason)

    def expired(self, case: Case) -> Case:
        """The same case, ended."""
        try:
            with self.ground.database.write() as connection:
                self.end(connection, case, State.EXPIRED, actor="system")
        except StepTaken:  # another request ended it first
            pass
        with self.ground.database.read() as connection:
            return self.read(connection, case.id)

    def expire_due(self, limit: int = 100) -> int:
        """The job that ends what ran out, whether or not anybody comes back to it."""
        due = (ProofingCase.expires_at <= self.ground.clock.now(), ProofingCase.state.in_(list(LIVE)))
        with self.ground.database.read() as connection:
            cases = [self.of(row) for row in connection.execute(CASE.where(*due).limit(limit)).mappings()]
        return sum(self.expired(case).state == State.EXPIRED for case in cases)

    def supersede(self, connection: Connection, case: Case, citizen_index: bytes) -> None:
        """One case lives for one citizen: the one that proved itself last. Others of the journey end."""
        others = CASE.where(ProofingCase.citizen_index == citizen_index, ProofingCase.journey == case.journey)
        for row in connection.execute(others.where(ProofingCase.id != case.id)).mappings().all():
            self.end(connection, self.of(row), State.SUPERSEDED, actor="system", reason=case.id)

    def erase(self, connection: Connection, case: Case, *, from_step: str | None) -> None:
        """Evidence of this step and the later ones, and codes under way; None erases all of it."""
        steps = ORDER[ORDER.index(from_step) :] if from_step else None
        now, mine = self.ground.clock.now(), (Evidence.case_id == case.id, Evidence.erased_at.is_(None))
        where = mine if steps is None else (*mine, Evidence.step.in_(steps))
        connection.execute(update(Evidence).where(*where).values(attributes=b"", erased_at=now))
        codes = (ConfirmationCode.case_id == case.id, ConfirmationCode.spent_at.is_(None))
        connection.execute(update(ConfirmationCode).where(*codes).values(spent_at=now))

    def seal(self, case: Case, plaintext: bytes, column: SealedColumn, **row: str) -> bytes:
        """`row` is what the column's place names beside the case."""
        return case.key.seal(plaintext, aad=column.aad(**{"id": case.id, "case_id": case.id, **row}))

    def open(self, case: Case, sealed: bytes, column: SealedColumn, **row: str) -> bytes:
        return case.key.open(sealed, aad=column.aad(**{"id": case.id, "case_id": case.id, **row}))

    def _write(self, connection: Connection, case: Case, to: State, **values: bytes | str | None) -> None:
        lifetime = REVIEW_LIFETIME if case.journey == Journey.REVIEW else CASE_LIFETIME
        changed = values | {"state": to, "version": case.version + 1, "expires_at": self.ground.clock.now() + lifetime}
        unchanged = (ProofingCase.id == case.id, ProofingCase.version == case.version)
        if connection.execute(update(ProofingCase).where(*unchanged).values(**changed)).rowcount != 1:
            raise StepTaken


COLUMNS: Iterable[str] = (
    "id", "journey", "state", "version", "policy", "account_id", "citizen_index", "contact", "codes", "opened_by",
    "office", "return_to", "opened_at", "expires_at",
)  # fmt: skip
CASE = select(*(getattr(ProofingCase, name) for name in COLUMNS), WrappedKey.wrapped).outerjoin(
    WrappedKey, and_(WrappedKey.owner_kind == ACCOUNT, WrappedKey.owner_id == ProofingCase.account_id)
)
