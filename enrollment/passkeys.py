"""What a person does with passkeys that are bound: look at them, name them, remove them. Never the last."""

from __future__ import annotations

from sqlalchemy import Connection, func, select, update

from core import audit
from core.errors import NotFound, PersonError
from core.ground import Ground
from enrollment.models import Account, Passkey

MAX_NAME = 80  # the column
NO_SUCH_PASSKEY = "There is no such passkey."


def rename(ground: Ground, account_id: str, credential_id: str, name: str) -> None:
    """Raises NotFound for a passkey that is not this account's."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise PersonError("Please give the passkey a name of 1 to 80 characters.", field="name")
    with ground.database.write() as connection:
        where = (Passkey.credential_id == credential_id, Passkey.account_id == account_id, Passkey.revoked_at.is_(None))
        if connection.execute(update(Passkey).where(*where).values(name=name)).rowcount != 1:
            raise NotFound(NO_SUCH_PASSKEY)


def remove(ground: Ground, account_id: str, credential_id: str) -> None:
    """Raises NotFound for another's passkey, PersonError for the last one: it would lock its owner out."""
    with ground.database.write() as connection:
        lock(connection, account_id)
        living = select(Passkey.credential_id).where(Passkey.account_id == account_id, Passkey.revoked_at.is_(None))
        held = set(connection.execute(living).scalars())
        if credential_id not in held:
            raise NotFound(NO_SUCH_PASSKEY)
        if len(held) == 1:
            raise PersonError("This is your only passkey. Please add another one before you remove it.")
        revoke(connection, ground, credential_id)
        audit.record(
            connection,
            ground.clock,
            event="passkey.removed",
            actor=account_id,
            subject=account_id,
            detail={"credential_id": credential_id[:80]},
        )


def revoke(connection: Connection, ground: Ground, credential_id: str) -> None:
    where = (Passkey.credential_id == credential_id, Passkey.revoked_at.is_(None))
    connection.execute(update(Passkey).where(*where).values(revoked_at=ground.clock.now()))


def number_of(connection: Connection, account_id: str) -> int:
    living = select(func.count()).where(Passkey.account_id == account_id, Passkey.revoked_at.is_(None))
    return int(connection.execute(living).scalar_one())


def lock(connection: Connection, account_id: str) -> None:
    """Two removals of the last two passkeys at one moment must not both see the other's."""
    connection.execute(select(Account.id).where(Account.id == account_id).with_for_update())
