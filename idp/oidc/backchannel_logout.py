"""OpenID Connect Back-Channel Logout 1.0: every client of a session is told when it ends, by whatever end.

What must be told is written in the transaction that ends the session; the outbox delivers it, again and again for a
day. The logout token is signed when it is sent, so that a late one is not stale; its `jti` stays the same, so that a
client that got it twice can tell (section 2.6).
"""

from __future__ import annotations

import json
from typing import Any, Protocol
from urllib.parse import urlencode

from sqlalchemy import Connection

from core.clock import timestamp
from core.ground import Ground
from core.identifiers import new_id
from core.outbound import OutboundFailed, OutboundRefused
from core.outbox import DeliveryFailed, Message
from idp.models.client import load_client
from idp.models.issued_token import revoke_tokens_of_session
from idp.models.session_client import load_session_clients
from idp.oauth2.answer_jwt import sign_for_client
from keys.keystore import Keystore
from keys.purposes import Purpose

CHANNEL = "logout_token"
EVENT = "http://schemas.openid.net/event/backchannel-logout"  # section 2.4
LIFETIME = 120  # seconds; section 2.4 recommends at most two minutes
TAKEN = (200, 204)  # section 2.8
METADATA = {"backchannel_logout_supported": True, "backchannel_logout_session_supported": True}


class Enqueue(Protocol):
    def __call__(self, connection: Connection, *, channel: str, recipient: str, subject: str, body: str) -> object: ...


class BackchannelLogout:
    def __init__(self, ground: Ground, keystore: Keystore, enqueue: Enqueue) -> None:
        self.ground = ground
        self.keystore = keystore
        self.enqueue = enqueue

    def tell_clients(self, connection: Connection, *, sid: str, account_id: str) -> int:  # noqa: ARG002 - EndSession
        """In the transaction that ends the session: its tokens are revoked, its clients will be told. How many."""
        revoke_tokens_of_session(connection, sid, now=self.ground.clock.now())
        told = 0
        for client_id, client_sid, sub in load_session_clients(connection, sid):
            client = load_client(connection, client_id)
            uri = client.get("backchannel_logout_uri") if client else None
            if uri:
                body = json.dumps({"aud": client_id, "sub": sub, "sid": client_sid, "jti": new_id()})
                self.enqueue(connection, channel=CHANNEL, recipient=uri, subject=client_id, body=body)
                told += 1
        return told

    def deliver(self, message: Message) -> None:
        """Section 2.5. Raises DeliveryFailed to be tried again."""
        form = urlencode({"logout_token": self.logout_token(json.loads(message.body))}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            answer = self.ground.outbound.post(message.recipient, form, headers=headers)
        except (OutboundFailed, OutboundRefused) as error:
            raise DeliveryFailed(f"{message.subject}: {error}") from error
        if answer.status not in TAKEN:
            raise DeliveryFailed(f"{message.subject} answered {answer.status}")

    def logout_token(self, told: dict[str, str]) -> str:
        """Section 2.4: `sub`, `sid` and the event; never a nonce. Signed and encrypted as its ID tokens are. Raises
        DeliveryFailed for a client that was removed meanwhile.
        """
        with self.ground.database.read() as connection:
            client = load_client(connection, told["aud"])
        if client is None:
            raise DeliveryFailed(f"{told['aud']} is no longer registered")
        now = timestamp(self.ground.clock.now())
        claims: dict[str, Any] = {
            "iss": self.ground.settings.issuer,
            "aud": told["aud"],
            "sub": told["sub"],
            "sid": told["sid"],
            "jti": told["jti"],
            "iat": now,
            "exp": now + LIFETIME,
            "events": {EVENT: {}},
        }
        return sign_for_client(self.keystore, client, Purpose.LOGOUT, claims, typ="logout+jwt", prefix="id_token")
