"""What goes wrong with keys. The texts are for operators; no request can cause most of them."""

from __future__ import annotations

from core.errors import PrajakError, Unavailable


class KeystoreError(PrajakError):
    """A key that is missing, does not open, or must not be used so; the text says which and what to do."""


class NotAgreed(KeystoreError):
    """What cannot be undone, and two people have not agreed to it (`keys/two_person.py`)."""


class TokenAway(KeystoreError, Unavailable):
    """The token, or the way to it, does not answer; nothing was signed and nothing was lost. `why` is for the log."""

    def __init__(self, why: str) -> None:
        super().__init__("The service is busy. Nothing was lost; please try again in a moment.")
        self.why = why

    def __str__(self) -> str:
        return self.why


class EnvelopeError(PrajakError):
    """Sealed bytes that do not open: changed, cut, moved to another row, or sealed under a key that is gone."""


class DecryptionError(PrajakError):
    """Not encrypted to the key, or changed on the way: one text for all causes, so that nobody learns more."""


class CertificateError(PrajakError):
    """A certificate that cannot be issued or found as asked."""


class NoAuthority(CertificateError):
    """Nothing can be certified, stamped or answered for yet: production begins without a certificate authority."""
