"""Where sealed bytes stand: each room declares its columns as data, for sealing, for re-wrapping and for the docs. As
tables are, they are known once their room is imported.

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
    bytes are. `once_direct`: earlier releases sealed it under the envelope key itself, and `keys/rewrap.py` lifts that
    to the key of the owner whose kind is `owner_kind` and whose id stands in `owner_column`: the installation's, where
    there is none.
    """

    table: Table
    column: str
    place: str
    owner: str
    once_direct: bool = False
    owner_kind: str = ""
    owner_column: str = ""

    @property
    def name(self) -> str:
        return f"{self.table.name}.{self.column}"

    def __post_init__(self) -> None:
        DECLARED[self.name] = self

    def aad(self, **row: object) -> str:
        return self.place.format(**row)


DECLARED: dict[str, SealedColumn] = {}  # by name
