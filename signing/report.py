"""A validation report in plain sentences: who signed, when, and whether anything was changed since."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from signing.validation import SignatureReport, ValidationReport, is_good

Colour = Literal["green", "amber", "red"]
COLOURS: tuple[Colour, ...] = ("green", "amber", "red")  # from good to bad


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """`message` is a gettext msgid, `values` fill its placeholders (times are datetimes: format them by language)."""

    message: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PlainReport:
    """`colour` for the whole file: the worst of its signatures; amber where there is none, red where it is no PDF."""

    colour: Colour
    headline: Sentence
    signatures: tuple[tuple[SignatureReport, Colour, tuple[Sentence, ...]], ...]


HEADLINES: dict[Colour, str] = {
    "green": "Every signature in this document is valid, and nothing was changed since.",
    "amber": "This document is unchanged, but a signature in it cannot be confirmed.",
    "red": "Do not rely on this document: a signature in it is not valid, or something was changed since.",
}
ONE_VALID = "The signature in this document is valid, and nothing was changed since."
NO_SIGNATURE = "This document has no electronic signature."

SIGNED_PROVEN = "%(signer)s signed this document. A time-stamp proves that it was signed by %(time)s."
SIGNED_CLAIMED = "%(signer)s signed this document, at %(time)s by their own account."
SIGNED = "%(signer)s signed this document. The time is not known."
NOT_CONFIRMED = "The signature names %(signer)s as the signer. That cannot be confirmed."
NOBODY = "Who signed cannot be read."

CHANGES = {
    "whole": "Nothing was changed or added since.",
    "evidence": "Nothing was changed since. Only evidence was added that keeps the signature verifiable for years.",
    "signature": "Nothing that was signed was changed since. Further signatures were added.",
    "form": "After the signature, form fields were filled in, which the signer permitted.",
    "forbidden": "The document was changed after this signature. The signer did not sign what you see now.",
    "content": "What you have is not what was signed: the document was changed after it was signed.",
}
LASTING = "The signature carries everything that is needed to verify it for years."


def plain(report: ValidationReport) -> PlainReport:
    """For the page; the technical words stay in the report itself."""
    if not report.readable:
        return PlainReport(colour="red", headline=Sentence(message=report.reasons[0]), signatures=())
    told = tuple((one, colour_of(one), sentences_of(one)) for one in report.signatures)
    if not told:
        return PlainReport(colour="amber", headline=Sentence(message=NO_SIGNATURE), signatures=())
    worst = max((colour for _, colour, _ in told), key=COLOURS.index)
    only_one = worst == "green" and len(told) == 1
    headline = Sentence(message=ONE_VALID if only_one else HEADLINES[worst])
    return PlainReport(colour=worst, headline=headline, signatures=told)


def colour_of(signature: SignatureReport) -> Colour:
    """Amber is only what cannot be confirmed in a document that is intact."""
    if is_good(signature):
        return "green"
    intact = signature.indication == "INDETERMINATE" and signature.modification != "forbidden"
    return "amber" if intact else "red"


def sentences_of(signature: SignatureReport) -> tuple[Sentence, ...]:
    """Who and when, changed or not, why not, and for how long."""
    reasons = tuple(Sentence(message=reason) for reason in signature.reasons)
    lasting = (Sentence(message=LASTING),) if signature.level.endswith("LTA") and is_good(signature) else ()
    return (who_and_when(signature), Sentence(message=changed_since(signature)), *reasons, *lasting)


def who_and_when(signature: SignatureReport) -> Sentence:
    if not signature.signer:
        return Sentence(message=NOBODY)
    if signature.indication != "TOTAL-PASSED":
        return Sentence(message=NOT_CONFIRMED, values={"signer": signature.signer})
    if signature.proven_time is not None:
        return Sentence(message=SIGNED_PROVEN, values={"signer": signature.signer, "time": signature.proven_time})
    if signature.claimed_time is not None:
        return Sentence(message=SIGNED_CLAIMED, values={"signer": signature.signer, "time": signature.claimed_time})
    return Sentence(message=SIGNED, values={"signer": signature.signer})


def changed_since(signature: SignatureReport) -> str:
    if signature.indication == "TOTAL-FAILED":
        return CHANGES["content"]
    if signature.modification == "forbidden":
        return CHANGES["forbidden"]
    for kind in ("form", "signature"):
        if kind in signature.changes:
            return CHANGES[kind]
    return CHANGES["whole"] if signature.modification == "none" else CHANGES["evidence"]
