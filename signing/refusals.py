"""Why the signing desk does not go on: one class for each thing that a person can do something about.

Sentences are gettext msgids. What a stranger could learn from (which check failed) goes to the log and the audit.
"""

from __future__ import annotations

from core.errors import NotFound, PersonError, Unavailable


class ProviderUnavailable(Unavailable):
    """The provider gave no usable answer. Nothing was sent twice, nothing is lost."""

    def __init__(self) -> None:
        super().__init__(
            "The sign-in service does not answer at the moment. Your documents are kept. Please try again."
        )


class ProviderRefused(PersonError):
    """The provider's registered error code (RFC 6749 section 5.2, RFC 9126 section 2.3); for the log."""

    def __init__(self, error: str) -> None:
        super().__init__("The sign-in service refused the request. Your documents are kept. Please try again.")
        self.error = error


class TokenRefused(PersonError):
    """A token of the provider that did not verify. `reason` is for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__("The answer of the sign-in service could not be verified. Please sign in again.")
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.message} ({self.reason})"


class NotAuthorized(PersonError):
    """The provider's answer does not authorize this signature. `reason` names the check, for the audit and the log."""

    status = 403

    def __init__(self, reason: str) -> None:
        super().__init__(
            "The authorization does not belong to this document and this signing credential, so nothing was signed. "
            "The document is kept. Please begin the signing again."
        )
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.message} ({self.reason})"


class AuthorizationExpired(PersonError):
    """The officer took longer than the authorization lasts."""

    def __init__(self) -> None:
        super().__init__(
            "The authorization to sign has run out, so nothing was signed. Please begin the signing again."
        )


class SigningDeclined(PersonError):
    """RFC 6749 section 4.1.2.1: the person or the provider said no. `error` is the registered code."""

    def __init__(self, error: str) -> None:
        super().__init__("The signing was not confirmed, so nothing was signed. The document is kept.")
        self.error = error


class StaleAnswer(PersonError):
    """An answer of the provider that nobody here waits for: used already, too old, or another browser's."""

    def __init__(self) -> None:
        super().__init__("This answer of the sign-in service was used already or is too old. Please begin again.")


class NoSuchDocument(NotFound):
    def __init__(self) -> None:
        super().__init__("There is no such document on your desk.")


class NoCredential(PersonError):
    """Signed in, but nobody has issued this person a signing credential, or it has ended."""

    status = 403

    def __init__(self) -> None:
        super().__init__("You have no signing credential that is valid now, so you cannot sign.")


class StepNotPossible(PersonError):
    """The document is in another state than the page that was open; the document's page shows the true one."""

    status = 409

    def __init__(self) -> None:
        super().__init__("The document has moved on since this page was opened. This is how it stands now.")


class NoFile(PersonError):
    def __init__(self) -> None:
        super().__init__("Choose a PDF file.", field="file")
