"""One call of a protocol endpoint, as the rules need it: whoever serves HTTP makes it, and nobody below knows Flask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Call:
    """`url` is our own name of the endpoint, not what the request's Host header says."""

    method: str
    url: str
    form: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    authorization: str = ""
    dpop: tuple[str, ...] = ()
