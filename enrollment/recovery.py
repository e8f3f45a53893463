"""Saved recovery codes (SP 800-63B section 4.2.1.1): shown once, kept as hashes, spent once, reissued after use.

A code is 80 random bits in 16 characters of Crockford's base 32, in fours. It is one of the two classes that
recovery asks for (section 4.2.2.2); the other is a code sent to the confirmed contact.
"""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, func, insert, select, update

from core import audit
from core.ground import Ground
from core.identifiers import hashed, new_id
from enrollment.models import RecoveryCode

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U
READ_AS = str.maketrans("OIL", "011")  # what people write for what they read
CODE_LENGTH = 16  # characters of 5 bits each
CODES = 8


def new_codes() -> list[str]:
    return ["".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH)) for _ in range(CODES)]


def grouped(code: str) -> str:
    """As it is shown: XXXX-XXXX-XXXX-XXXX."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def normalised(typed: str) -> str:
    """What was typed, as it was issued; anything that can be no code gives the empty string."""
    code = "".join(typed.upper().replace("-", " ").split()).translate(READ_AS)
    return code if len(code) == CODE_LENGTH and set(code) <= set(ALPHABET) else ""


def issue_codes(connection: Connection, ground: Ground, account_id: str, *, actor: str) -> list[str]:
    """A new set in the place of the old one, in the caller's transaction. The codes leave here only as text."""
    now, codes = ground.clock.now(), new_codes()
    old = (RecoveryCode.account_id == account_id, RecoveryCode.spent_at.is_(None))
    connection.execute(update(RecoveryCode).where(*old).values(spent_at=now))
    rows = [{"id": new_id(), "account_id": account_id, "code_hash": hashed(code), "created_at": now} for code in codes]
    connection.execute(insert(RecoveryCode), rows)
    audit.record(connection, ground.clock, event="recovery.codes_issued", actor=actor, subject=account_id)
    return codes


def reissue_codes(ground: Ground, account_id: str) -> list[str]:
    """A new set for somebody signed in, who shows it once."""
    with ground.database.write() as connection:
        return issue_codes(connection, ground, account_id, actor=account_id)


def spend_code(connection: Connection, ground: Ground, account_id: str, typed: str) -> bool:
    """True once, for this account's living code. One UPDATE whose row count is the answer."""
    where = (
        RecoveryCode.account_id == account_id,
        RecoveryCode.code_hash == hashed(normalised(typed)),
        RecoveryCode.spent_at.is_(None),
    )
    return connection.execute(update(RecoveryCode).where(*where).values(spent_at=ground.clock.now())).rowcount == 1


def codes_left(ground: Ground, account_id: str) -> int:
    with ground.database.read() as connection:
        where = (RecoveryCode.account_id == account_id, RecoveryCode.spent_at.is_(None))
        return int(connection.execute(select(func.count()).where(*where)).scalar_one())
