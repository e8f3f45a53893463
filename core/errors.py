"""What goes wrong, in two families: for the person in a sentence, for the program in its specification's words.

Rules raise; the edge (`core/web.py`, `idp/errors.py`) translates once.
"""

from __future__ import annotations


class PrajakError(Exception):
    """The root of everything this product raises on purpose."""


class PersonError(PrajakError):
    """A refusal that a person reads. `message` is an English gettext msgid; its Thai stands in the room's catalogue.

    `field` names the form field it belongs to, where it belongs to one. `values` fill `%(name)s` placeholders.
    """

    status = 400

    def __init__(self, message: str, *, field: str | None = None, **values: object) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.values = values


class NotFound(PersonError):
    status = 404


class NotAllowed(PersonError):
    """Signed in, but this is not theirs. Where a stranger must not learn that a thing exists, raise NotFound."""

    status = 403


class TooMany(PersonError):
    """A throttle. `retry_after` is in seconds."""

    status = 429

    def __init__(self, message: str, *, retry_after: int, **values: object) -> None:
        super().__init__(message, field=None, **values)
        self.retry_after = retry_after


class Unavailable(PersonError):
    """A part we depend on does not answer; nothing was lost and nothing was counted as an attempt."""

    status = 503
    retry_after = 5  # seconds, RFC 9110 section 10.2.3
