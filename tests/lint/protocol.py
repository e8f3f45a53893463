"""docs/protocol-matrix.md lists every mark of the tests, and only these."""

from __future__ import annotations

from collections.abc import Iterator

from tests.imports import ROOT
from tests.protocol.matrix import PAGE, NotListed, marks, page


def findings() -> Iterator[str]:
    try:
        wanted = page(marks())
    except NotListed as error:
        yield str(error)
        return
    if not PAGE.is_file() or PAGE.read_text("utf-8") != wanted:
        yield f"{PAGE.relative_to(ROOT)}: not current; python -m tests.protocol.matrix writes it"
