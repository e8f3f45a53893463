"""`x-fapi-interaction-id`: one name for a call in the records of both sides, FAPI 1.0 Baseline section 6.2.1, which
FAPI-CIBA builds on, and FAPI 2.0's implementation advice, section 2.1.1.
"""

from __future__ import annotations

import re
from uuid import uuid4

HEADER = "x-fapi-interaction-id"
UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")  # RFC 4122 section 3


def answered(given: str) -> str:
    """The client's own, or a new one: what is no UUID is not given back."""
    return given if UUID.fullmatch(given) else str(uuid4())
