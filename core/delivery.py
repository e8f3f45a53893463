"""How messages leave: SMTP for mail, an HTTP gateway for SMS. In the sandbox, without either, a page shows them."""

from __future__ import annotations

import json
import smtplib
import ssl
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from core.ground import Ground
from core.outbound import OutboundFailed, OutboundRefused
from core.outbox import Deliver, DeliveryFailed, Message
from core.settings import Settings

HTTP_OK = range(200, 300)


def channels(ground: Ground) -> Mapping[str, Deliver]:
    """What this deployment can deliver by; a channel without a gateway keeps its messages waiting.

    Paper post always waits for its printer; in the sandbox the outbox's page is where everything arrives.
    """
    settings = ground.settings
    found: dict[str, Callable[[Message], None]] = {}
    if settings.smtp_url:
        found["email"] = lambda message: send_mail(settings, message)
    if settings.sms_url:
        found["sms"] = lambda message: send_sms(ground, message)
    if settings.sandbox:
        return dict.fromkeys(("email", "sms", "post"), arrive) | found
    return found


def arrive(_message: Message) -> None:
    """The sandbox: the message has arrived by being in the outbox, where `/sandbox/outbox` shows it."""


def send_mail(settings: Settings, message: Message) -> None:
    """RFC 5321. `smtp://user:password@host:587` with STARTTLS when a user is named, `smtps://…` with TLS at once."""
    parts = urlsplit(settings.smtp_url)
    mail = EmailMessage()
    mail["From"] = f"no-reply@{settings.rp_id}"
    mail["To"] = message.recipient
    mail["Subject"] = message.subject
    mail["Message-ID"] = f"<{message.id}@{settings.rp_id}>"  # the same at each attempt: a receiver sees one mail
    mail.set_content(message.body)
    context = ssl.create_default_context()
    timeout = settings.outbound_timeout.total_seconds()
    try:
        server = open_smtp(parts.scheme, parts.hostname or "", parts.port, timeout, context)
        with server:
            if parts.username:
                if parts.scheme == "smtp":
                    server.starttls(context=context)
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(mail)
    except (OSError, smtplib.SMTPException) as error:
        raise DeliveryFailed("the mail server did not take the message") from error


def open_smtp(scheme: str, host: str, port: int | None, timeout: float, context: ssl.SSLContext) -> smtplib.SMTP:
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port or 465, timeout=timeout, context=context)
    return smtplib.SMTP(host, port or 587, timeout=timeout)


def send_sms(ground: Ground, message: Message) -> None:
    """A gateway that takes {"id", "to", "text"} and answers 2xx; the id lets it drop a repetition."""
    body = json.dumps({"id": message.id, "to": message.recipient, "text": message.body}, ensure_ascii=False).encode()
    try:
        answer = ground.outbound.post(ground.settings.sms_url, body, headers={"Content-Type": "application/json"})
    except (OutboundFailed, OutboundRefused) as error:
        raise DeliveryFailed(str(error)) from error
    if answer.status not in HTTP_OK:
        raise DeliveryFailed(f"the SMS gateway answered {answer.status}")
