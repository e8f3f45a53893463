"""The shape of a signature in the file, before any cryptography: what is covered, and what is not (ISO 32000-2
section 12.8.1; the attacks are those of pdf-insecurity.org: signature wrapping, incremental saving, universal
forgery).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.sign.ades.report import AdESFailure
from pyhanko.sign.validation import EmbeddedPdfSignature

from signing.child.document import entries
from signing.child.findings import Finding
from signing.der_reading import value_length
from signing.reasons import Reason

SUBFILTERS = ("/ETSI.CAdES.detached", "/adbe.pkcs7.detached")
TIME_STAMP_SUBFILTER = "/ETSI.RFC3161"
INDEFINITE = b"\x80"
WHITESPACE = b"\0\t\n\f\r "


@dataclass(frozen=True)
class Coverage:
    """Bytes 0 to `gap_start` and `gap_end` to `end` are signed."""

    gap_start: int
    gap_end: int
    end: int

    def is_whole(self, file: memoryview) -> bool:
        """Nothing but white space follows."""
        return not bytes(file[self.end :]).strip(WHITESPACE)


def check_shape(signature: EmbeddedPdfSignature, file: memoryview) -> Coverage:
    """1. the sub-filter is one that is judged; 2. two ranges that begin at 0 and lie in the file; 3. the gap is exactly
    the /Contents of this signature; 4. that holds one CMS and zeros.
    """
    subfilter = signature.sig_object.get("/SubFilter")
    if subfilter not in (*SUBFILTERS, TIME_STAMP_SUBFILTER):
        raise Finding(AdESFailure.FORMAT_FAILURE, Reason.UNSUPPORTED_KIND)
    start, first, second_start, second = four_numbers(signature.byte_range)
    end = second_start + second
    if start != 0 or not 0 < first < second_start <= end <= len(file):
        raise Finding(AdESFailure.FORMAT_FAILURE, Reason.RANGE_OUTSIDE_FILE)
    gap = bytes(file[first:second_start])
    if not gap.startswith(b"<") or not gap.endswith(b">"):
        raise Finding(AdESFailure.FORMAT_FAILURE, Reason.RANGE_LEAVES_OUT_MORE)
    try:
        contents = bytes.fromhex(gap[1:-1].decode("ascii"))
    except ValueError as error:
        raise Finding(AdESFailure.FORMAT_FAILURE, Reason.VALUE_NOT_HEXADECIMAL) from error
    if contents != signature.pkcs7_content:
        raise Finding(AdESFailure.FORMAT_FAILURE, Reason.RANGE_LEAVES_OUT_OTHER)
    check_padding(contents)
    return Coverage(first, second_start, end)


def four_numbers(byte_range: Any) -> tuple[int, int, int, int]:
    numbers = entries(byte_range)
    if len(numbers) != 4 or not all(isinstance(number, generic.NumberObject) for number in numbers):  # noqa: PLR2004
        raise Finding(AdESFailure.FORMAT_FAILURE, Reason.RANGE_NOT_FOUR_NUMBERS)
    one, two, three, four = (int(number) for number in numbers)
    return one, two, three, four


def check_padding(contents: bytes) -> None:
    """After the CMS only zeros: anything else is room that no signature protects. A value of indefinite length (BER,
    X.690 section 8.1.3.6) ends where its parser says, and is let through.
    """
    if contents[1:2] == INDEFINITE:
        return
    try:
        length = value_length(contents)
    except (ValueError, IndexError) as error:
        raise Finding(AdESFailure.FORMAT_FAILURE, Reason.VALUE_CUT_OFF) from error
    if contents[length:].strip(b"\0"):
        raise Finding(AdESFailure.FORMAT_FAILURE, Reason.VALUE_FOLLOWED)
