"""Authorization server metadata, RFC 8414: put together from what is really registered.

Each extension says what it adds; this file only joins. Two that disagree stop the start.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def joined(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Every member once; raises ValueError where two say different things of one."""
    metadata: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            if metadata.setdefault(name, value) != value:
                raise ValueError(f"metadata: {name} is said twice")
    return metadata
