"""DER as it stands in a signature, X.690 section 8.1: cut into its values without being encoded anew.

What was signed must be verified and kept byte for byte; a parser that writes its own encoding back may change it.
"""

from __future__ import annotations

SHORTEST = 2  # identifier and length, one octet each
SHORT_FORM = 0x80  # lengths below this are one octet (section 8.1.3)


def header_length(encoded: bytes) -> int:
    return SHORTEST if encoded[1] < SHORT_FORM else SHORTEST + (encoded[1] & 0x7F)


def contents(encoded: bytes) -> bytes:
    """The contents octets of one encoded value."""
    return encoded[header_length(encoded) :]


def value_length(values: bytes) -> int:
    """Of the first encoded value, header and all; raises ValueError where it is cut off."""
    if len(values) < SHORTEST or len(values) < header_length(values):
        raise ValueError("cut off")
    start = header_length(values)
    length = values[1] if start == SHORTEST else int.from_bytes(values[SHORTEST:start], "big")
    if len(values) < start + length:
        raise ValueError("cut off")
    return start + length


def split(values: bytes) -> list[bytes]:
    """Encoded values that stand one after the other, as they were encoded; raises ValueError for cut ones."""
    found = []
    while values:
        length = value_length(values)
        found.append(values[:length])
        values = values[length:]
    return found
