"""Every sealed column of this room: under the data key of the officer's desk, whom it knows by `sub` alone."""

from __future__ import annotations

from typing import cast

from sqlalchemy import Table

from core.sealed_column import SealedColumn
from keys.data_key import DESK
from signing.models.document import SigningDocument
from signing.models.session import DeskSession

OFFICER = "the officer's desk"

TITLE = SealedColumn(
    cast("Table", SigningDocument.__table__), "title_sealed", "signing-document:{id}", OFFICER,
    once_direct=True, owner_kind=DESK, owner_column="sub",
)  # fmt: skip
NAMES = SealedColumn(
    cast("Table", DeskSession.__table__), "name_sealed", "desk-session:{id}", OFFICER,
    once_direct=True, owner_kind=DESK, owner_column="sub",
)  # fmt: skip
