"""Where sealed bytes stand: each room declares its columns as data, for sealing, for re-wrapping and for the docs.

`aad` is written once, here, and used for sealing and for opening: bytes that are moved to another row, or to another
column of their row, do not open.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Table

from core.errors import PrajakError


class Erased(PrajakError):
    """The key of these bytes is gone, by design: the person was erased, and nobody opens them again."""


@dataclass(frozen=True)
class SealedColumn:
    """`place` is the associated data as a form over the row's columns. `owner` says in words under whose data key the
    bytes are. `once_direct`: earlier releases sealed it under the envelope key itself, and re-wrapping lifts that;
    `owner_column` then names the column with the owner's id, empty where the installation owns it.
    """

    table: Table
    column: str
    place: str
    owner: str
    once_direct: bool = False
    owner_column: str = ""

    @property
    def name(self) -> str:
        return f"{self.table.name}.{self.column}"

    def aad(self, **row: object) -> str:
        return self.place.format(**row)
