"""What goes wrong with keys. The texts are for operators; no request can cause most of them."""

from __future__ import annotations

from core.errors import PrajakError


class KeystoreError(PrajakError):
    """A key that is missing, does not open, or must not be used so; the text says which and what to do."""


class EnvelopeError(PrajakError):
    """Sealed bytes that do not open: changed, cut, moved to another row, or sealed under a key that is gone."""


class DecryptionError(PrajakError):
    """Not encrypted to the key, or changed on the way: one text for all causes, so that nobody learns more."""


class CertificateError(PrajakError):
    """A certificate that cannot be issued or found as asked."""
