"""The logo's form, and the logo itself for whoever sees the service's name."""

from __future__ import annotations

from flask import Response, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select

from core.errors import NotFound, PersonError
from core.web import ANYONE, callers, page
from idp.admin.access import current_staff, load_own_client
from idp.admin.clients import Registrar
from idp.admin.logo import MAX_BYTES
from idp.admin.navigation import navigation
from idp.admin.services import ConsoleServices
from idp.admin.summary import client_name
from idp.models.client import Client, RegisteredClient
from idp.models.membership import Role

HOUR = 3600  # seconds


class LogoPages:
    def __init__(self, services: ConsoleServices, registrar: Registrar) -> None:
        self.services = services
        self.registrar = registrar

    @callers(Role.DEVELOPER.value)
    def logo(self, client_id: str) -> ResponseReturnValue:
        return self.logo_page(client_id, {})

    @callers(Role.DEVELOPER.value)
    def change_logo(self, client_id: str) -> ResponseReturnValue:
        staff = current_staff(self.services)
        with self.services.ground.database.read() as connection:
            client = load_own_client(connection, staff, client_id)
        try:
            self.use_logo(client, by=staff.account_id)
        except PersonError as error:
            return self.logo_page(client_id, {error.field or "": gettext(error.message, **error.values)}, error.status)
        self.services.clients.forget(client_id)
        return redirect(f"/console/clients/{client_id}?saved=1", 303)

    def use_logo(self, client: RegisteredClient, *, by: str) -> None:
        upload, url = request.files.get("upload"), request.form.get("logo_uri", "").strip()
        if upload is not None and upload.filename:
            self.registrar.upload_logo(client, upload.read(MAX_BYTES + 1), by=by)
        elif url:
            self.registrar.change_logo(client, url, by=by)
        else:
            raise PersonError("Choose a picture, or write its address.", field="upload")

    def logo_page(self, client_id: str, errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
        with self.services.ground.database.read() as connection:
            client = load_own_client(connection, current_staff(self.services), client_id)
        return page(
            "admin/client_logo.html",
            status,
            navigation=navigation(self.services, "/console"),
            client=client,
            name=client_name(client.metadata),
            path=f"/console/clients/{client_id}",
            limit=MAX_BYTES // 1024,
            logo_uri=request.form.get("logo_uri", client.get("logo_uri", "")),
            errors=errors,
        )

    @callers(ANYONE)
    def picture(self, client_id: str) -> ResponseReturnValue:
        """Public, as the service's name is."""
        query = select(Client.logo, Client.logo_type).where(Client.client_id == client_id, Client.removed_at.is_(None))
        with self.services.ground.database.read() as connection:
            row = connection.execute(query).first()
        if row is None or row.logo is None:
            raise NotFound("There is no such logo.")
        return Response(row.logo, mimetype=row.logo_type, headers={"Cache-Control": f"public, max-age={HOUR}"})
