"""What the web layer was given when it was installed, for the length of the process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import current_app, request
from flask.typing import ResponseReturnValue

from core.audit_origin import Pseudonym
from core.ground import Ground

Guard = Callable[[], ResponseReturnValue | None]


@dataclass(frozen=True)
class Web:
    """What `idp/app.py` gives: `signed_in` for the menu, and `guards`, one for each word of `callers`.

    A guard returns None to let pass, or the answer that is sent instead. `pseudonym` is what the audit trail calls a
    network address; without one it says nothing of where.
    """

    ground: Ground
    guards: Mapping[str, Guard] = field(default_factory=dict)
    signed_in: Callable[[], object | None] = lambda: None
    pseudonym: Pseudonym = lambda _address: ""


def current_view() -> Callable[..., Any] | None:
    return current_app.view_functions.get(request.endpoint or "")


def current_web() -> Web:
    web: Web = current_app.extensions["prajak_web"]
    return web
