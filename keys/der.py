"""Writing DER (X.690 section 10): as much of it as CRLs, OCSP answers and time-stamps are made of.

asn1crypto reads what comes in and makes certificates; writing an answer with it takes 5 to 20 ms of CPU, a hundred
times what its signature takes. Each function returns one whole element.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

SHORT_FORM = 0x80  # lengths below this are one octet (section 8.1.3)
UTC_TIME_ENDS = 2050  # RFC 5280 section 4.1.2.5


def element(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < SHORT_FORM:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, SHORT_FORM | len(octets))) + octets + content


def sequence(*elements: bytes) -> bytes:
    return element(0x30, b"".join(elements))


def set_of(*elements: bytes) -> bytes:
    """Section 11.6: in ascending order."""
    return element(0x31, b"".join(sorted(elements)))


def explicit(number: int, content: bytes) -> bytes:
    """A constructed context tag around an element; or, over its bare content, in its place (implicit)."""
    return element(0xA0 | number, content)


def implicit_primitive(number: int, content: bytes) -> bytes:
    return element(0x80 | number, content)


def integer(number: int) -> bytes:
    """Section 8.3.2: in as few octets as hold it, so that -128 has one and 128 two."""
    bits = (number if number >= 0 else ~number).bit_length()
    return element(0x02, number.to_bytes(bits // 8 + 1, "big", signed=True))


def enumerated(number: int) -> bytes:
    return element(0x0A, bytes((number,)))


def octet_string(content: bytes) -> bytes:
    return element(0x04, content)


def bit_string(content: bytes, unused: int = 0) -> bytes:
    return element(0x03, bytes((unused,)) + content)


def utf8_string(text: str) -> bytes:
    return element(0x0C, text.encode())


def null() -> bytes:
    return b"\x05\x00"


def generalized_time(moment: datetime) -> bytes:
    """Section 11.7, in whole seconds of UTC, as RFC 5280 section 4.1.2.5.2 wants."""
    return element(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode())


def generalized_time_in_milliseconds(moment: datetime) -> bytes:
    """Section 11.7: the fraction without zeros at its end, and without a point where there is none."""
    fraction = f"{moment.microsecond // 1000:03}".rstrip("0")
    return element(0x18, f"{moment:%Y%m%d%H%M%S}{'.' if fraction else ''}{fraction}Z".encode())


def time(moment: datetime) -> bytes:
    """RFC 5280 section 4.1.2.5: UTCTime through 2049, GeneralizedTime after."""
    if moment.year >= UTC_TIME_ENDS:
        return generalized_time(moment)
    return element(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())


@lru_cache(maxsize=256)
def object_identifier(dotted: str) -> bytes:
    """Section 8.19: the first two arcs share an octet group, each group has seven bits to an octet."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return element(0x06, b"".join(base_128(arc) for arc in (first * 40 + second, *rest)))


def base_128(arc: int) -> bytes:
    octets = [arc & 0x7F]
    while arc := arc >> 7:
        octets.append(0x80 | (arc & 0x7F))
    return bytes(reversed(octets))
