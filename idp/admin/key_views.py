"""Changing keys without an interruption: the new one beside the old one, then the old one away."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from joserfc.errors import JoseError
from joserfc.jwk import import_key

from core.errors import PersonError
from core.web import callers, page
from idp.admin.access import current_staff, load_own_client
from idp.admin.client_form import key_set
from idp.admin.clients import Refused, Registrar
from idp.admin.navigation import navigation
from idp.admin.services import ConsoleServices
from idp.admin.summary import client_name, key_line
from idp.models.client import ClientStatus, RegisteredClient
from idp.models.membership import Role


class KeyPages:
    def __init__(self, services: ConsoleServices, registrar: Registrar) -> None:
        self.services = services
        self.registrar = registrar

    @callers(Role.DEVELOPER.value)
    def keys(self, client_id: str) -> ResponseReturnValue:
        return self.key_page(self.own(client_id), {})

    @callers(Role.DEVELOPER.value)
    def change_keys(self, client_id: str) -> ResponseReturnValue:
        client, by = self.own(client_id), current_staff(self.services).account_id
        present = list((client.get("jwks") or {}).get("keys", ()))
        try:
            if request.form.get("act") == "remove":
                kept = [key for key in present if thumbprint(key) != request.form.get("remove")]
            else:
                kept = present + new_keys(request.form.get("jwks", ""), present)
            if kept != present:
                self.registrar.change_keys(client, {"keys": kept}, by=by)
        except Refused as error:
            return self.key_page(client, dict(error.fields), 400)
        except PersonError as error:
            return self.key_page(client, {error.field or "": gettext(error.message, **error.values)}, error.status)
        return redirect(f"/console/clients/{client_id}?saved=1", 303)

    def own(self, client_id: str) -> RegisteredClient:
        with self.services.ground.database.read() as connection:
            return load_own_client(connection, current_staff(self.services), client_id)

    def key_page(self, client: RegisteredClient, errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
        present = (client.get("jwks") or {}).get("keys", ())
        return page(
            "admin/client_keys.html",
            status,
            navigation=navigation(self.services, "/console"),
            name=client_name(client.metadata),
            path=f"/console/clients/{client.client_id}",
            jwks_uri=client.get("jwks_uri"),
            keys=[{"line": key_line(key), "thumbprint": thumbprint(key)} for key in present],
            is_live=client.status is ClientStatus.LIVE,
            typed=request.form.get("jwks", ""),
            errors=errors,
        )


def new_keys(text: str, present: list[Any]) -> list[Any]:
    """Those that are not there yet, so that pasting the whole set again does no harm. Raises PersonError."""
    try:
        keys = key_set(json.loads(text))["keys"]
        have = {thumbprint(key) for key in present}
        return [key for key in keys if thumbprint(key) not in have]
    except (ValueError, RecursionError, LookupError, TypeError, JoseError) as error:
        raise PersonError("This is not JSON. Paste the whole key set, from { to }.", field="jwks") from error


def thumbprint(key: Mapping[str, Any]) -> str:
    """RFC 7638: the same key whatever stands beside it."""
    return import_key(dict(key)).thumbprint()
