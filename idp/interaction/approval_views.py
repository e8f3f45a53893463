"""The doors to a request that came without a browser: the code that a device shows (RFC 8628 section 3.3), and the
link in the message that tells of a request (CIBA Core section 8). Both lead to an interaction like any other.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from core import web
from core.errors import NotFound
from core.rate_limit import Throttle
from core.web import ANYONE, callers, page
from idp.interaction.services import InteractionServices
from idp.models.decoupled_request import Waiting, load_by_user_code, load_request
from idp.oauth2.device_authorization import (
    GRANT_TYPE,
    LIFETIME,
    VERIFICATION_PATH,
    shown_user_code,
    typed_user_code,
)

KIND = "user-code"
# RFC 8628 section 5.1, for one source while any code lives. Right ones count too: who has codes of their own to type in
# between must not buy guesses with them. A telephone company's many customers are one source.
MOST_TRIES = 100
LONGEST_SHOWN = 40


def add_doors(pages: Blueprint, services: InteractionServices) -> None:
    add_device(pages, services)
    add_request(pages, services)


def add_device(pages: Blueprint, services: InteractionServices) -> None:
    @pages.get(VERIFICATION_PATH)
    @callers(ANYONE)
    def enter_user_code() -> ResponseReturnValue:
        """Section 3.3.1: the complete address fills the box; the person still compares it and presses the button."""
        return code_page(request.args.get("user_code", ""))

    @pages.post(VERIFICATION_PATH)
    @callers(ANYONE)
    def take_user_code() -> ResponseReturnValue:
        typed, throttle, source = request.form.get("user_code", ""), Throttle(services.ground), web.source()
        throttle.check(KIND, source, limit=MOST_TRIES, window=LIFETIME)
        asked = find(services, typed)
        if asked is None:
            error = gettext("This code is not known, or its time is over. Please compare it with your device.")
            return code_page(typed, error=error)
        return begin(services, asked, {"user_code": shown_user_code(typed_user_code(typed))})


def add_request(pages: Blueprint, services: InteractionServices) -> None:
    @pages.get("/request/<request_id>")
    @callers(ANYONE)
    def open_request(request_id: str) -> ResponseReturnValue:
        """The address is known to the person alone; who they are is asked next, whoever is signed in here. After the
        decision it leads to how it ended.
        """
        with services.ground.database.read() as connection:
            asked = load_request(connection, request_id[:22])
        if asked is None or asked.grant_type == GRANT_TYPE:
            raise NotFound("This request was answered already, or its time is over. There is nothing left to do.")
        return begin(services, asked, {})


def code_page(typed: str, *, error: str = "") -> ResponseReturnValue:
    errors = {"user_code": error} if error else {}
    return page("interaction/device.html", 400 if error else 200, user_code=typed[:LONGEST_SHOWN], errors=errors)


def find(services: InteractionServices, typed: str) -> Waiting | None:
    """The open request of a device that shows this code."""
    code = typed_user_code(typed)
    if not code:
        return None
    index = services.accounts.envelope.blind_index("user-code", code)
    with services.ground.database.read() as connection:
        asked = load_by_user_code(connection, index)
    return asked if asked is not None and asked.is_open(services.ground.clock.now()) else None


def begin(services: InteractionServices, asked: Waiting, shown: dict[str, str]) -> ResponseReturnValue:
    return redirect(f"/interaction/{begin_interaction(services, asked, shown)}", 303)


def begin_interaction(services: InteractionServices, asked: Waiting, shown: dict[str, str]) -> str:
    """One for each visit: a tab that was left is no obstacle. Returns its id."""
    told = dict(asked.request.get("decoupled") or {}) | shown | {"id": asked.id}
    stored: dict[str, Any] = {**asked.request, "decoupled": told}
    with services.ground.database.write() as connection:
        return services.interactions.begin(connection, request=stored, client_id=asked.client_id)
