"""What goes wrong with a document or a signature, each as one sentence for the person who holds the file.

The sentences are gettext msgids; their Thai stands in `signing/translations`.
"""

from __future__ import annotations

from typing import Any

from core.errors import NotFound, PersonError, Unavailable


class UnreadablePdf(PersonError):
    """Not a PDF, or too broken to be signed safely."""

    def __init__(self) -> None:
        super().__init__(
            "This file cannot be read as a PDF. Open it in the program that made it, save it as a PDF again, "
            "and choose the new file.",
            field="file",
        )


class EncryptedPdf(PersonError):
    """ISO 32000-2 section 7.6: a password or permissions protect it."""

    def __init__(self) -> None:
        super().__init__(
            "This PDF is protected with a password or with restrictions. Save a copy without protection, "
            "and choose that file.",
            field="file",
        )


class PdfTooLarge(PersonError):
    status = 413

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            "This file is larger than %(megabytes)s MB. Make it smaller or split it, and choose it again.",
            field="file",
            megabytes=limit_bytes // (1024 * 1024),
        )


class PdfTooComplex(PersonError):
    """The limited child ran out of time or memory: a bomb, or a document far beyond what is signed here."""

    def __init__(self) -> None:
        super().__init__(
            "Reading this PDF took too much time or memory, so it was stopped. Print the document to a new PDF, "
            "and choose that file.",
            field="file",
        )


class PageNotThere(NotFound):
    def __init__(self, pages: int) -> None:
        super().__init__("This document has %(pages)s pages. Choose one of them.", field="page", pages=pages)


class PlaceOutsidePage(PersonError):
    def __init__(self) -> None:
        super().__init__(
            "The place of the signature is not on the page. Choose a place inside the page.", field="place"
        )


class FieldTaken(PersonError):
    def __init__(self, field_name: str) -> None:
        super().__init__(
            "The field %(field_name)s of this document is already signed. Choose another field.",
            field="field",
            field_name=field_name,
        )


class SigningNotPermitted(PersonError):
    """ISO 32000-2 section 12.8.2.2 (DocMDP 1) and 12.8.2.4 (FieldMDP): an earlier signer closed the document."""

    status = 409

    def __init__(self) -> None:
        super().__init__(
            "An earlier signer closed this document: a further signature would make theirs invalid. "
            "Ask for a copy that may still be signed.",
            field="file",
        )


class NothingToAugment(PersonError):
    def __init__(self) -> None:
        super().__init__("This document has no signature whose level could be raised.", field="file")


class DocumentChanged(PersonError):
    """The digest of the stored bytes, or the one that was authorized, is not the prepared one: nothing is signed."""

    status = 409

    def __init__(self) -> None:
        super().__init__(
            "The document is not the one that was authorized, so nothing was signed. Begin again with the document."
        )


class LevelNotReached(Unavailable):
    """The level that was asked for could not be reached; the signature is not handed out at a lower one.

    `cause` is for the log, never for the page.
    """

    def __init__(self, cause: str) -> None:
        super().__init__(
            "The signature could not be completed: the time-stamp or the certificate status could not be confirmed. "
            "Nothing was signed. Try again in a few minutes."
        )
        self.cause = cause

    def __str__(self) -> str:
        return f"{self.message} ({self.cause})"


REFUSALS: tuple[type[PersonError], ...] = (
    UnreadablePdf,
    EncryptedPdf,
    PdfTooLarge,
    PdfTooComplex,
    PageNotThere,
    PlaceOutsidePage,
    FieldTaken,
    SigningNotPermitted,
    NothingToAugment,
)


def refusal_to_wire(refusal: PersonError) -> dict[str, Any]:
    """A refusal as the limited child says it."""
    return {
        "kind": type(refusal).__name__,
        "message": refusal.message,
        "field": refusal.field,
        "values": refusal.values,
    }


def refusal_from_wire(said: dict[str, Any]) -> PersonError:
    """The same refusal, raised on this side."""
    kind = {one.__name__: one for one in REFUSALS}[said["kind"]]
    refusal = kind.__new__(kind)
    PersonError.__init__(refusal, said["message"], field=said["field"], **said["values"])
    return refusal
