"""The link in a notification: "this was not me". A link may be fetched by mail scanners, so only the button acts."""

from __future__ import annotations

from flask import redirect
from flask.typing import ResponseReturnValue

from enrollment.views.pages import Pages


class RepudiationPages:
    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def ask(self, token: str) -> ResponseReturnValue:
        self.pages.services.notices.check_link(token)
        return self.pages.show("not_me", token=token)

    def hold(self, token: str) -> ResponseReturnValue:
        account_id = self.pages.services.notices.hold(token)
        self.pages.end_sessions(account_id)
        return redirect("/enroll/on-hold", 303)

    def held(self) -> ResponseReturnValue:
        return self.pages.show("on_hold")
