"""A prepared set of trust services, and the outside judges: openssl, asked over files and over HTTP."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Flask
from werkzeug.serving import make_server

from core.clock import SetClock
from core.database import open_database
from core.ephemeral import open_ephemeral
from core.ground import Ground
from core.outbound import Outbound
from keys.keystore import Keystore
from keys.purposes import Purpose
from keys.signer import Signer
from keys.subject import Subject
from keys.trust_services import TrustServices
from keys.views import blueprint
from tests.backends import EMBEDDED, backend_of, settings_for
from tests.conftest import NOW

ANAN = Subject(
    name_th="นายอนันต์ ใจดี",
    name_en="Mr Anan Jaidee",
    serial="OFFICER-000001",
    organisation_th="กรมตัวอย่าง",
    organisation_en="Department of Examples",
    given_name_th="อนันต์",
    given_name_en="Anan",
    family_name_th="ใจดี",
    family_name_en="Jaidee",
    title_th="ผู้อำนวยการ",
    title_en="Director",
)
AGENCY = Subject(
    name_th="กรมตัวอย่าง",
    name_en="Department of Examples",
    organisation_th="กรมตัวอย่าง",
    organisation_en="Department of Examples",
    organization_identifier="GOVTH-0000000000000",
)


@dataclass(frozen=True)
class Officer:
    signer: Signer
    certificate: x509.Certificate


@pytest.fixture
def keystore(ground: Ground) -> Keystore:
    return Keystore(ground)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database and keys on which the trust services were started once: most tests begin with a copy."""
    folder = tmp_path_factory.mktemp("prepared")
    with backend_of(EMBEDDED, folder) as backend:
        settings = replace(settings_for(backend.database_url), keys_url=f"file:{folder}/keys")
        database, outbound, clock = open_database(settings), Outbound(settings), SetClock(NOW)
        TrustServices(Ground(settings, clock, database, open_ephemeral(settings, database, clock), outbound)).prepare()
        outbound.close()
        database.close()
    return folder


@pytest.fixture
def trust(ground: Ground, prepared: Path, tmp_path: Path) -> TrustServices:
    if ground.settings.database_url.startswith("sqlite"):
        shutil.copytree(prepared / "keys", tmp_path / "keys")
        shutil.copyfile(prepared / "test.db", tmp_path / "test.db")
        return TrustServices(ground)
    services = TrustServices(ground)
    services.prepare()
    return services


@pytest.fixture
def officer(trust: TrustServices) -> Officer:
    signer = trust.keystore.create(Purpose.OFFICER)
    return Officer(signer, trust.ca.issue("officer", signer.public_key, ANAN))


@dataclass(frozen=True)
class Openssl:
    """OpenSSL's command in a folder of its own. `at` makes it judge at the moment of the test's clock."""

    folder: Path
    clock: SetClock

    def run(self, *arguments: str | Path) -> str:
        """All that it said; an AssertionError when it did not agree."""
        done = self.asked(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def asked(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        words = ["openssl", *map(str, arguments)]
        return subprocess.run(words, cwd=self.folder, check=False, capture_output=True, text=True, timeout=20)

    @property
    def at(self) -> tuple[str, str]:
        return "-attime", str(int(self.clock.now().timestamp()))

    def file(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    def pem(self, name: str, *certificates: x509.Certificate) -> Path:
        return self.file(name, b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates))


@pytest.fixture
def openssl(tmp_path: Path, clock: SetClock) -> Openssl:
    folder = tmp_path / "openssl"
    folder.mkdir()
    return Openssl(folder, clock)


@pytest.fixture
def address(trust: TrustServices) -> Iterator[str]:
    """The blueprint over real HTTP, on a free port, as other people's programs meet it."""
    app = Flask("trust")
    app.register_blueprint(blueprint(trust))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(timeout=5)
        server.server_close()
