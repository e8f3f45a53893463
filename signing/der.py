"""DER, ITU-T X.690: as much of it as signatures and time-stamp requests are written with."""

from __future__ import annotations

SEQUENCE, SET, OCTET_STRING, INTEGER, BOOLEAN = 0x30, 0x31, 0x04, 0x02, 0x01
TRUE = b"\x01\x01\xff"
NULL = b"\x05\x00"


def tagged(tag: int, content: bytes) -> bytes:
    """Section 8.1: identifier, definite length, contents."""
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def sequence(*parts: bytes) -> bytes:
    return tagged(SEQUENCE, b"".join(parts))


def set_of(*parts: bytes) -> bytes:
    """Section 11.6: in ascending order."""
    return tagged(SET, b"".join(sorted(parts)))


def octets(content: bytes) -> bytes:
    return tagged(OCTET_STRING, content)


def integer(value: int) -> bytes:
    """Section 8.3, of what is not negative."""
    return tagged(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def context(number: int, content: bytes) -> bytes:
    """A constructed context tag: around a whole value for EXPLICIT, around its contents for IMPLICIT."""
    return tagged(0xA0 | number, content)


def oid(dotted: str) -> bytes:
    """Section 8.19."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return tagged(0x06, b"".join(base128(arc) for arc in (first * 40 + second, *rest)))


def base128(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(0x80 | (value & 0x7F))
    return bytes(reversed(digits))


def header_length(encoded: bytes) -> int:
    return 2 if encoded[1] < 0x80 else 2 + (encoded[1] & 0x7F)


def contents(encoded: bytes) -> bytes:
    """The contents octets of one encoded value, for IMPLICIT tagging and for the values inside."""
    return encoded[header_length(encoded) :]


def value_length(values: bytes) -> int:
    """Of the first encoded value, header and all; raises ValueError where it is cut off."""
    if len(values) < 2 or len(values) < header_length(values):  # noqa: PLR2004 - identifier and first length octet
        raise ValueError("cut off")
    start = header_length(values)
    length = values[1] if start == 2 else int.from_bytes(values[2:start], "big")  # noqa: PLR2004
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
