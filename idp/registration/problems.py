"""What is wrong with client metadata: the field, and exactly why, for the console to show beside it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.errors import PrajakError
from idp.errors import InvalidClientMetadata, InvalidRedirectUri, OAuthError


@dataclass(frozen=True)
class Problem:
    """`message` is an English gettext msgid with its Thai in this room's catalogue; `values` fill its placeholders."""

    field: str
    message: str
    values: Mapping[str, object] = dataclasses.field(default_factory=dict)

    @property
    def text(self) -> str:
        return self.message % self.values if self.values else self.message


class InvalidMetadata(PrajakError):
    """Every problem at once, so that nobody mends one to find the next."""

    def __init__(self, problems: Sequence[Problem], *, refusal: OAuthError | None = None) -> None:
        """`refusal` is what it is in the protocol's words, where that is not one of the two below."""
        self.problems = tuple(problems)
        self.refusal = refusal
        super().__init__("; ".join(f"{problem.field}: {problem.text}" for problem in self.problems))

    def as_oauth(self) -> OAuthError:
        """RFC 7591 section 3.2.2."""
        if self.refusal is not None:
            return self.refusal
        kind = InvalidRedirectUri if self.problems[0].field == "redirect_uris" else InvalidClientMetadata
        return kind(str(self))


class Wrong(ValueError):
    """One value is not what it must be: raised by a field's check, which does not know the field's name."""

    def __init__(self, message: str, **values: object) -> None:
        super().__init__(message)
        self.message = message
        self.values = values
