"""Every table, imported for its metadata: what Alembic compares the database with.

Those of signing come in by its doors.
"""

from __future__ import annotations

from core.database import Base

METADATA = Base.metadata
