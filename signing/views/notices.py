"""What a page says first when another step led to it: a word in the address, a sentence on the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString


@dataclass(frozen=True)
class Notice:
    kind: Literal["info", "success", "warning", "error"]
    title: LazyString
    text: LazyString


NOTICES: Mapping[str, Notice] = {
    "signed-out": Notice(
        "info",
        lazy_gettext("You are signed out"),
        lazy_gettext("Your session at the signing desk has ended. Your documents are kept. Please sign in again."),
    ),
    "not-signed-in": Notice(
        "warning",
        lazy_gettext("You were not signed in"),
        lazy_gettext("The sign-in was not completed. Nothing was changed. You can try again."),
    ),
    "stale": Notice(
        "info",
        lazy_gettext("That step is already over"),
        lazy_gettext("This answer of the sign-in service was used already or is too old. Nothing was done twice."),
    ),
    "unavailable": Notice(
        "error",
        lazy_gettext("The sign-in service does not answer"),
        lazy_gettext("Your documents are kept. Please try again in a few minutes."),
    ),
    "declined": Notice(
        "warning",
        lazy_gettext("Nothing was signed"),
        lazy_gettext("The signing was not confirmed with your authenticator. The document is kept as it was."),
    ),
    "expired": Notice(
        "warning",
        lazy_gettext("The time to confirm has run out"),
        lazy_gettext("Nothing was signed and the document is kept. Please begin the signing again."),
    ),
    "not-authorized": Notice(
        "error",
        lazy_gettext("Nothing was signed"),
        lazy_gettext(
            "The authorization does not belong to this document and this signing credential. "
            "The document is kept. Please begin the signing again."
        ),
    ),
    "not-completed": Notice(
        "error",
        lazy_gettext("The signature is not complete yet"),
        lazy_gettext("A part of the system did not answer. Nothing is lost, and nothing is signed twice. Try again."),
    ),
    "moved-on": Notice(
        "info",
        lazy_gettext("The document has moved on"),
        lazy_gettext("It changed since the page was opened. This is how it stands now."),
    ),
    "removed": Notice(
        "success", lazy_gettext("The document was removed"), lazy_gettext("The file is deleted from the signing desk.")
    ),
}


def notice_of(arguments: Mapping[str, str]) -> Notice | None:
    return NOTICES.get(arguments.get("notice", ""))
