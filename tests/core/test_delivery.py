"""Mail and SMS leave through real sockets."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core.delivery import channels
from core.ground import Ground
from core.outbox import DeliveryFailed, Message

MESSAGE = Message(
    "id-1", "email", "somchai@example.org", "รหัสยืนยัน", "รหัสของท่านคือ 123456", datetime(2026, 11, 22, tzinfo=UTC)
)


class Smtp(socketserver.StreamRequestHandler):
    """The server's side of RFC 5321 section 4.1, as little as a client needs."""

    def handle(self) -> None:
        self.wfile.write(b"220 ready\r\n")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                self.server.mails.append(b"".join(iter(self.rfile.readline, b".\r\n")))  # type: ignore[attr-defined]
            self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
            if verb == b"QUIT":
                return


class Gateway(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.mails.append(body)  # type: ignore[attr-defined]
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[socketserver.BaseServer]:
    server.mails, server.status = [], 202  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def with_settings(ground: Ground, **changed: object) -> Ground:
    return replace(ground, settings=replace(ground.settings, **changed))


def test_mail_goes_out_by_smtp_with_its_thai_intact(ground: Ground):
    with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Smtp)) as server:
        port = server.server_address[1]
        channels(with_settings(ground, smtp_url=f"smtp://127.0.0.1:{port}"))["email"](MESSAGE)
        (mail,) = server.mails
    import email.policy

    parsed = email.message_from_bytes(mail, policy=email.policy.default)
    assert (parsed["Subject"], parsed["To"]) == ("รหัสยืนยัน", "somchai@example.org")
    assert parsed.get_content().strip() == "รหัสของท่านคือ 123456"


def test_a_mail_server_that_is_away_is_tried_again(ground: Ground):
    with pytest.raises(DeliveryFailed):
        channels(with_settings(ground, smtp_url="smtp://127.0.0.1:1"))["email"](MESSAGE)


def test_sms_goes_to_its_gateway_and_a_refusal_is_tried_again(ground: Ground):
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Gateway)) as server:
        send = channels(with_settings(ground, sms_url=f"http://localhost:{server.server_address[1]}/send"))["sms"]
        send(MESSAGE)
        assert json.loads(server.mails[0])["text"] == MESSAGE.body
        server.status = 500
        with pytest.raises(DeliveryFailed, match="500"):
            send(MESSAGE)


def test_outside_the_sandbox_a_channel_without_a_gateway_keeps_its_messages(ground: Ground):
    production = with_settings(ground, sandbox=False, issuer="https://id.example")
    assert dict(channels(production)) == {}
    assert set(channels(ground)) == {"email", "sms", "post"}
