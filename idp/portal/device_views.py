"""The pages of one's passkeys. Each change takes a fresh passkey."""

from __future__ import annotations

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from core.errors import NotFound, PersonError
from core.web import callers, page
from enrollment import passkeys
from idp.interaction import logout, signed_in
from idp.interaction.guards import FRESHLY_SIGNED_IN, SIGNED_IN
from idp.portal import devices
from idp.portal.services import PortalServices


def add_devices(pages: Blueprint, services: PortalServices) -> None:
    add_list(pages, services)
    add_new(pages, services)
    add_one(pages, services)


def add_list(pages: Blueprint, services: PortalServices) -> None:
    @pages.get("/devices")
    @callers(SIGNED_IN)
    def own_devices() -> ResponseReturnValue:
        return devices_page(services)

    @pages.post("/sign-out-everywhere")
    @callers(SIGNED_IN)
    def sign_out_everywhere() -> ResponseReturnValue:
        names, frames = logout.services_left(services.interaction), logout.frames_of(services.interaction)
        signed_in.end_all(services.interaction, services.account_id, reason="signed out everywhere")
        signed_in.sign_out(services.interaction, reason="logout")
        return logout.goodbye(services.interaction, names, frames)


def add_new(pages: Blueprint, services: PortalServices) -> None:
    @pages.get("/devices/add")
    @callers(FRESHLY_SIGNED_IN)
    def add_device() -> ResponseReturnValue:
        return page("portal/add_device.html", options_json=devices.creation_options(services), name="")

    @pages.post("/devices/add")
    @callers(FRESHLY_SIGNED_IN)
    def take_device() -> ResponseReturnValue:
        name = " ".join(request.form.get("name", "").split())[:80] or gettext("My passkey")
        try:
            devices.add(services, request.form.get("credential", ""), name=name)
        except PersonError as error:
            values = {"errors": {"": gettext(error.message, **error.values)}, "name": name}
            return page("portal/add_device.html", 400, options_json=devices.creation_options(services), **values)
        return redirect("/me/devices?added", 303)


def add_one(pages: Blueprint, services: PortalServices) -> None:
    @pages.get("/devices/<credential_id>")
    @callers(FRESHLY_SIGNED_IN)
    def one_device(credential_id: str) -> ResponseReturnValue:
        held = services.accounts.passkeys(services.account_id)
        passkey = next((each for each in held if each["credential_id"] == credential_id), None)
        if passkey is None:
            return redirect("/me/devices", 303)
        return page("portal/device.html", passkey=passkey, is_last=len(held) == 1)

    @pages.post("/devices/<credential_id>")
    @callers(FRESHLY_SIGNED_IN)
    def change_device(credential_id: str) -> ResponseReturnValue:
        try:
            if request.form.get("act") == "remove":
                devices.remove(services, credential_id)
                return redirect("/me/devices?removed", 303)
            passkeys.rename(services.ground, services.account_id, credential_id, request.form.get("name", ""))
        except NotFound:
            return redirect("/me/devices", 303)
        except PersonError as error:
            return devices_page(services, error=error)
        return redirect("/me/devices", 303)


def devices_page(services: PortalServices, *, error: PersonError | None = None) -> ResponseReturnValue:
    errors = {"": gettext(error.message, **error.values)} if error else {}
    done = next((each for each in ("added", "removed") if each in request.args), "")
    return page(
        "portal/devices.html",
        error.status if error else 200,
        passkeys=services.accounts.passkeys(services.account_id),
        current=services.session().credential_id,
        errors=errors,
        done=done,
    )
