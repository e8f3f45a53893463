"""The mark of a test that shows a rule of a specification: its name, the section and the keyword (RFC 2119).

`tests/protocol/matrix.py` collects the marks into `docs/protocol-matrix.md`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

import pytest

Keyword = Literal["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY"]
Test = TypeVar("Test", bound=Callable[..., object])


def requirement(specification: str, section: str, keyword: Keyword) -> Callable[[Test], Test]:
    """May be stacked, where one test shows several rules."""
    return pytest.mark.requirement(specification=specification, section=section, keyword=keyword)
