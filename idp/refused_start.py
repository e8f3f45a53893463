"""Why the provider does not open, in its operator's words: what is wrong and the mend, in place of a traceback.

What is not known here is a fault of ours, and keeps its traceback.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from core.errors import PrajakError
from core.settings import SettingsError
from keys.errors import KeystoreError, TokenAway

UPGRADE = "prajak db upgrade"
TOKEN = "bring the token back (power, network, its module's own daemon); the provider logs in by itself"  # noqa: S105
RESTORE = "restore the keys that belong to this database: docs/operating.md, Keep"
DATABASE = "bring it back, make room for it, or mend PRAJAK_DATABASE_URL"
MISSING = ("42P01", "42703")  # undefined_table, undefined_column
FOLDER = "make it there, with room and rights for the service: PRAJAK_DATA_DIR"


@dataclass(frozen=True)
class Refusal:
    why: str
    mend: str


def refusal_of(error: Exception) -> Refusal | None:
    """None for what no operator can mend."""
    if isinstance(error, SettingsError):
        return Refusal(str(error), "mend the setting that it names; docs/operating.md lists them")
    if isinstance(error, PrajakError):
        mend = TOKEN if isinstance(error, TokenAway) else RESTORE if isinstance(error, KeystoreError) else ""
        return Refusal(str(error), mend)
    if isinstance(error, (OperationalError, ProgrammingError)):
        said = str(error.orig).strip().partition("\n")[0]
        if is_of_another_schema(error):
            return Refusal(f"the database is not of this version's schema: {said}", UPGRADE)
        return Refusal(f"the database does not serve: {said}", DATABASE)
    if isinstance(error, OSError):
        return Refusal(str(error), FOLDER)
    return None


def is_of_another_schema(error: DBAPIError) -> bool:
    """A table or a column that is not there: PostgreSQL says so by SQLSTATE, SQLite in words."""
    state = getattr(error.orig, "sqlstate", None)
    return state in MISSING if state else str(error.orig).startswith(("no such table", "no such column"))
