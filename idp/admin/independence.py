"""Whether two administrators are two: nobody lets a second self in by invitation and then agrees with it.

Who let whom in as an administrator is a line that ends at the command. Two people are independent when their lines have
nobody in common, so that each was let in by whoever set the provider up, or by somebody on that side. The first office
that an account held decides: a later invitation moves nobody to another line.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from core.errors import NotAllowed
from idp.models.membership import Membership, Role


def check_independent(connection: Connection, one: str, other: str) -> None:
    """Raises NotAllowed where one let the other in, or the same person both, at however many steps."""
    if line_of(connection, one) & line_of(connection, other):
        raise NotAllowed(
            "One of you two let the other in as an administrator, or somebody let in both. "
            "An administrator who was let in by others must agree."
        )


def line_of(connection: Connection, account_id: str) -> set[str]:
    """The account and all above it; an office that has ended counts too."""
    line, granted_by = {account_id}, let_in_by(connection, account_id)
    while granted_by is not None and granted_by not in line:
        above = let_in_by(connection, granted_by)
        if above is None:  # the command: nobody's account
            break
        line.add(granted_by)
        granted_by = above
    return line


def let_in_by(connection: Connection, account_id: str) -> str | None:
    """None for who never was an administrator."""
    mine = (Membership.account_id == account_id, Membership.role == Role.ADMINISTRATOR)
    first = select(Membership.granted_by).where(*mine).order_by(Membership.granted_at, Membership.id).limit(1)
    return connection.execute(first).scalar_one_or_none()
