"""What the sandbox would have sent by mail, SMS and post, as a page and as JSON."""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from core.outbox import Message, Outbox
from core.web import ANYONE, callers, machine, page

TO_PEOPLE = ("email", "sms", "post")


def blueprint(outbox: Outbox) -> Blueprint:
    """Registered only where PRAJAK_SANDBOX=1: elsewhere these addresses do not exist."""
    pages = Blueprint("sandbox", __name__, template_folder="templates", url_prefix="/sandbox")

    @pages.get("/outbox")
    @callers(ANYONE)
    def outbox_page() -> ResponseReturnValue:
        return page("sandbox/outbox.html", messages=to_people(outbox))

    @pages.get("/outbox.json")
    @callers(ANYONE)
    @machine
    def outbox_json() -> ResponseReturnValue:
        return jsonify(messages=[as_json(message) for message in to_people(outbox)])

    return pages


def to_people(outbox: Outbox) -> list[Message]:
    """Newest first; logout tokens are for clients and are not mail."""
    return [message for message in outbox.messages() if message.channel in TO_PEOPLE]


def as_json(message: Message) -> dict[str, str | None]:
    return {
        "id": message.id,
        "channel": message.channel,
        "recipient": message.recipient,
        "subject": message.subject,
        "body": message.body,
        "created_at": message.created_at.isoformat(),
        "delivered_at": message.delivered_at.isoformat() if message.delivered_at else None,
    }
