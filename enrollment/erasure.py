"""What this room lets go of when a person is erased, and what it keeps.

Gone: the sealed columns, the citizen number's index, passkeys, recovery codes, links. Kept, by the account's id alone:
that a case was decided, by which officers and by which checks, and the level that followed (SP 800-63A section 2.4.1
asks for the record; it names nobody any more).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from core.identifiers import hashed, new_secret
from enrollment.models import (
    Account,
    CivilIdentifier,
    ConfirmationCode,
    Decision,
    Evidence,
    Identity,
    Passkey,
    ProofingCase,
    RecoveryCode,
    Repudiation,
)
from enrollment.models.account import AccountStatus
from enrollment.proofing import LIVE, State

OF_THE_ACCOUNT = (CivilIdentifier, Passkey, RecoveryCode, Repudiation)


def erase_person(connection: Connection, account_id: str, *, now: datetime) -> bool:
    """In the transaction that deletes the data key. False for nobody, and for who was erased before."""
    living = (Account.id == account_id, Account.status != AccountStatus.ERASED)
    erased = update(Account).where(*living).values(status=AccountStatus.ERASED, attributes=b"", name="")
    if connection.execute(erased).rowcount != 1:
        return False
    for table in OF_THE_ACCOUNT:
        connection.execute(delete(table).where(table.account_id == account_id))
    in_force = (Identity.account_id == account_id, Identity.superseded_at.is_(None))
    connection.execute(update(Identity).where(*in_force).values(superseded_at=now))
    cases = select(ProofingCase.id).where(ProofingCase.account_id == account_id)
    for case_id in connection.execute(cases).scalars().all():
        erase_case(connection, case_id, now=now)
    return True


def erase_case(connection: Connection, case_id: str, *, now: datetime) -> None:
    """A step that is being taken loses to the new version, and no cookie or link finds the case again."""
    mine, held = ProofingCase.id == case_id, (Evidence.case_id == case_id, Evidence.erased_at.is_(None))
    connection.execute(update(Evidence).where(*held).values(erased_at=now))
    connection.execute(update(Evidence).where(Evidence.case_id == case_id).values(attributes=b""))
    connection.execute(update(Decision).where(Decision.case_id == case_id).values(reason=b""))
    connection.execute(delete(ConfirmationCode).where(ConfirmationCode.case_id == case_id))
    gone = {"citizen_index": None, "contact": None, "codes": None, "return_to": ""}
    values = gone | {"resume_hash": hashed(new_secret()), "version": ProofingCase.version + 1}
    connection.execute(update(ProofingCase).where(mine).values(**values))
    living = ProofingCase.state.in_([state.value for state in LIVE])
    connection.execute(update(ProofingCase).where(mine, living).values(state=State.WITHDRAWN))
