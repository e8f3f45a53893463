"""Enrolment on a real ground: keys in files, the simulated register on a socket, letters in the outbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from socketserver import ThreadingMixIn
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from flask import Flask

import enrollment
from core import i18n, web
from core.ground import Ground
from core.outbox import Outbox
from enrollment.civil_registry.fictional_people import FictionalPerson, people
from enrollment.civil_registry.simulator import RegistrySimulator
from enrollment.civil_registry.soap_client import SoapRegistry
from enrollment.services import EnrolmentServices
from enrollment.views import blueprint
from enrollment.webauthn_authentication import AuthenticatedPasskey
from keys.envelope import Envelope
from keys.keystore import Keystore
from keys.purposes import Purpose
from tests.browser_client import BrowserClient


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        return


class ThreadingServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True


@dataclass
class Registry:
    """The simulator, and where it listens."""

    simulator: RegistrySimulator
    url: str


@pytest.fixture
def registry() -> Iterator[Registry]:
    simulator = RegistrySimulator(people())
    with make_server("127.0.0.1", 0, simulator, ThreadingServer, QuietHandler) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield Registry(simulator, f"http://localhost:{server.server_port}/")
        finally:
            simulator.released.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def envelope(ground: Ground) -> Envelope:
    keystore = Keystore(ground)
    for purpose in (Purpose.ENVELOPE, Purpose.BLIND_INDEX):
        keystore.ensure(purpose)
    return Envelope(keystore)


@pytest.fixture
def services(ground: Ground, envelope: Envelope, registry: Registry) -> EnrolmentServices:
    outbox = Outbox(ground, envelope, {})
    return EnrolmentServices(ground, envelope, outbox, SoapRegistry(ground.outbound, registry.url))


@dataclass
class Provider:
    """The pages of enrolment in an application of their own; `signed_in` is what the provider would be told."""

    app: Flask
    services: EnrolmentServices
    signed_in: list[AuthenticatedPasskey] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def browser(self) -> BrowserClient:
        client = self.app.test_client()
        assert isinstance(client, BrowserClient)
        return client

    def letters(self) -> list[tuple[str, str]]:
        """(recipient, body), newest first."""
        return [(each.recipient, each.body) for each in self.services.outbox.messages()]

    def code_sent_to(self, recipient: str) -> str:
        found = [re.search(r"\b[0-9]{6}\b", body) for to, body in self.letters() if to == recipient]
        codes = [match.group() for match in found if match]
        assert codes, f"no code was sent to {recipient}"
        return codes[0]


@pytest.fixture
def provider(services: EnrolmentServices) -> Provider:
    app = Flask(
        "enrolment-test", static_folder=None, template_folder=str(Path(web.__file__).parent.parent / "templates")
    )
    app.test_client_class = BrowserClient
    i18n.install(app, [Path(i18n.__file__).parent, Path(enrollment.__file__).parent])
    web.install(app, web.Web(services.ground))
    made = Provider(app, services)
    app.register_blueprint(
        blueprint(
            services,
            sign_in=lambda _account_id, passkey: made.signed_in.append(passkey),
            end_sessions=made.ended.append,
        )
    )
    web.check_callers(app)
    return made


@pytest.fixture
def person() -> FictionalPerson:
    """Somebody of the register who has no account."""
    return people()[100]
