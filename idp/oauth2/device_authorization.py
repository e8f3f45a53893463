"""The device authorization grant, RFC 8628: for a device that has no browser, or nothing to type with.

The device gets a `device_code` to poll with and shows the person a `user_code`; they type it at `/device` on a device
of their own, where the interaction asks everything else. The poll is `polling.py`'s.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from core.identifiers import hashed, new_id, new_secret
from idp.errors import UnauthorizedClient
from idp.models.client import RegisteredClient
from idp.models.decoupled_request import record_request
from idp.oauth2.call import AuthenticatedCall, Reply
from idp.oauth2.endpoint import EndpointServices
from idp.oauth2.one_time import spend_all
from idp.oauth2.polling import INTERVAL, PolledGrant

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"  # section 3.4
VERIFICATION_PATH = "/device"
LIFETIME = timedelta(minutes=10)  # section 3.2; long enough to fetch a telephone, short for somebody who guesses
ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"  # section 6.1: no vowels, so no words; 20^8 is 34.5 bits
LENGTH = 8
TRIES = 5  # at a user code that nobody else has now


class DeviceAuthorization:
    """Section 3.1, the device authorization endpoint."""

    def __init__(self, services: EndpointServices) -> None:
        self.ground = services.ground
        self.envelope = services.accounts.envelope
        self.validate = services.validate_decoupled

    def answer(self, call: AuthenticatedCall) -> Reply:
        """Section 3.2. Raises UnauthorizedClient, and what is wrong with the request."""
        if GRANT_TYPE not in call.client.grant_types:
            raise UnauthorizedClient("this client is not registered for the device authorization grant")
        if call.client.requires_signed_request_object:  # RFC 9101 section 10.5: here is nothing that could be signed
            raise UnauthorizedClient("this client must sign its requests, and none is signed here")
        request = self.validate(call.client, call.parameters).to_dict()
        device_code, now = new_secret(), self.ground.clock.now()
        codes = [new_user_code() for _ in range(TRIES)]
        rows = {code: self._row(call.client, request, device_code, code, now) for code in codes}
        with self.ground.database.write() as connection:
            spend_all(connection, call.one_time)
            user_code = next((code for code, row in rows.items() if record_request(connection, row)), "")
        if not user_code:
            raise RuntimeError("no user code is free: too many device requests are open")
        return Reply(self._answer(device_code, user_code))

    def _row(
        self, client: RegisteredClient, request: Mapping[str, Any], device_code: str, user_code: str, now: datetime
    ) -> dict[str, Any]:
        return {
            "id": new_id(),
            "grant_type": GRANT_TYPE,
            "code_hash": hashed(device_code),
            "user_code_hash": self.envelope.blind_index("user-code", user_code),
            "client_id": client.client_id,
            "account_id": "",
            "request": json.dumps(request, ensure_ascii=False),
            "ping": None,
            "interval": INTERVAL,
            "poll_after": now,
            "created_at": now,
            "expires_at": now + LIFETIME,
        }

    def _answer(self, device_code: str, user_code: str) -> dict[str, Any]:
        shown, uri = shown_user_code(user_code), self.ground.settings.issuer + VERIFICATION_PATH
        return {
            "device_code": device_code,
            "user_code": shown,
            "verification_uri": uri,
            "verification_uri_complete": f"{uri}?user_code={shown}",
            "expires_in": int(LIFETIME.total_seconds()),
            "interval": INTERVAL,
        }


class DeviceCodeGrant(PolledGrant):
    """Section 3.4."""

    name = GRANT_TYPE
    parameter = "device_code"


def new_user_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def shown_user_code(user_code: str) -> str:
    """Section 6.1: in two halves, as people read it to each other."""
    return f"{user_code[: LENGTH // 2]}-{user_code[LENGTH // 2 :]}"


def typed_user_code(typed: str) -> str:
    """Section 6.1: case, spaces and dashes do not count; "" for what cannot be a user code."""
    code = "".join(each for each in typed[:100].upper() if each.isalnum())
    return code if len(code) == LENGTH and all(each in ALPHABET for each in code) else ""
