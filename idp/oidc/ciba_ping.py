"""The ping of CIBA Core section 10.2: the client is told that its request was decided, and fetches the tokens itself.

Written in the transaction of the decision; the outbox delivers it, again and again until the request expires.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from core.ground import Ground
from core.outbound import OutboundFailed, OutboundRefused
from core.outbox import DeliveryFailed, Message
from idp.models.client import load_client
from idp.models.decoupled_request import PING, load_request
from keys.envelope import Envelope

CHANNEL = "ciba_ping"
TAKEN = (200, 204)  # section 10.2; a redirect is never followed


class Outbox(Protocol):
    def enqueue(self, connection: Connection, *, channel: str, recipient: str, subject: str, body: str) -> object: ...


def seal_ping(envelope: Envelope, request_id: str, *, auth_req_id: str, client_notification_token: str) -> bytes:
    """Kept with the request: our own table has only the hash of the auth_req_id."""
    told = {"auth_req_id": auth_req_id, "client_notification_token": client_notification_token}
    return envelope.seal(json.dumps(told).encode(), aad=PING.aad(id=request_id))


def enqueue_ping(connection: Connection, outbox: Outbox, envelope: Envelope, request_id: str) -> bool:
    """In the transaction that decides; nothing for a client that polls. Whether there is one to send."""
    asked = load_request(connection, request_id)
    client = load_client(connection, asked.client_id) if asked and asked.ping else None
    endpoint = client.get("backchannel_client_notification_endpoint") if client else None
    if asked is None or asked.ping is None or not endpoint:
        return False
    told = json.loads(envelope.open(asked.ping, aad=PING.aad(id=request_id)))
    body = json.dumps(told | {"expires_at": asked.expires_at.isoformat()})
    outbox.enqueue(connection, channel=CHANNEL, recipient=endpoint, subject=asked.client_id, body=body)
    return True


class Ping:
    def __init__(self, ground: Ground) -> None:
        self.ground = ground

    def deliver(self, message: Message) -> None:
        """Section 10.2. Raises DeliveryFailed to be tried again, as long as the client could still use it."""
        told = json.loads(message.body)
        if self.ground.clock.now() >= datetime.fromisoformat(told["expires_at"]):
            return
        headers = {
            "Authorization": f"Bearer {told['client_notification_token']}",
            "Content-Type": "application/json",
        }
        body = json.dumps({"auth_req_id": told["auth_req_id"]}).encode()
        try:
            answer = self.ground.outbound.post(message.recipient, body, headers=headers)
        except (OutboundFailed, OutboundRefused) as error:
            raise DeliveryFailed(f"{message.subject}: {error}") from error
        if answer.status not in TAKEN:
            raise DeliveryFailed(f"{message.subject} answered {answer.status}")
