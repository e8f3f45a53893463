"""Every sealed column of this room: under the data key of the officer's desk, whom it knows by `sub` alone."""

from __future__ import annotations

from typing import cast

from sqlalchemy import Table

from core.sealed_column import SealedColumn
from signing.models.document import SigningDocument
from signing.models.session import DeskSession

OFFICER = "the officer's desk"

TITLE = SealedColumn(
    cast("Table", SigningDocument.__table__), "title_sealed", "signing-document:{id}", OFFICER, True, "sub"
)
NAMES = SealedColumn(cast("Table", DeskSession.__table__), "name_sealed", "desk-session:{id}", OFFICER, True, "sub")

SEALED = (TITLE, NAMES)
