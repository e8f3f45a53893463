"""New recovery codes in the place of the old ones, shown for ten minutes."""

from __future__ import annotations

import json
from datetime import timedelta

from flask import Blueprint, redirect
from flask.typing import ResponseReturnValue

from core.identifiers import new_id
from core.web import callers, page
from enrollment import recovery
from idp.interaction.guards import FRESHLY_SIGNED_IN
from idp.portal import devices
from idp.portal.services import PortalServices

CODES = "recovery-codes"
CODES_SHOWN = timedelta(minutes=10)


def add_recovery_codes(pages: Blueprint, services: PortalServices) -> None:
    @pages.get("/recovery-codes")
    @callers(FRESHLY_SIGNED_IN)
    def recovery_codes() -> ResponseReturnValue:
        left = recovery.codes_left(services.ground, services.account_id)
        return page("portal/recovery_codes.html", codes_left=left)

    @pages.post("/recovery-codes")
    @callers(FRESHLY_SIGNED_IN)
    def renew_recovery_codes() -> ResponseReturnValue:
        """The codes wait sealed for their page, so that a reload shows the same ones and makes no others."""
        account_id, shown, letter = services.account_id, new_id(), devices.Letter.to(services)
        with services.ground.database.write() as connection:
            codes = recovery.issue_codes(connection, services.ground, account_id, actor=account_id)
            letter.tell(connection, devices.RENEWED)
        sealed = letter.key.seal(json.dumps(codes).encode(), aad=f"codes:{account_id}:{shown}")
        services.ground.ephemeral.put(CODES, f"{account_id}:{shown}", sealed, CODES_SHOWN)
        return redirect(f"/me/recovery-codes/{shown}", 303)

    @pages.get("/recovery-codes/<shown>")
    @callers(FRESHLY_SIGNED_IN)
    def show_recovery_codes(shown: str) -> ResponseReturnValue:
        sealed = services.ground.ephemeral.get(CODES, f"{services.account_id}:{shown[:22]}")
        if sealed is None:
            return redirect("/me/recovery-codes", 303)
        key = services.accounts.key(services.account_id)
        codes = key.open(sealed, aad=f"codes:{services.account_id}:{shown}")
        return page("portal/new_recovery_codes.html", codes=[recovery.grouped(each) for each in json.loads(codes)])
