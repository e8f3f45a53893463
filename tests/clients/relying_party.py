"""A relying party that nobody here wrote, spoken with line by line, and the person it serves."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from threading import Timer
from typing import Any

from joserfc.jwk import ECKey

from tests.clients.visitor import RELYING_PARTY, Visitor

LONGEST = 60  # seconds for one act of a client
REDIRECT_URI, SIGNED_OUT = f"{RELYING_PARTY}/callback", f"{RELYING_PARTY}/signed-out"


class Refused(Exception):
    """The library refused what it got; `words` are its own."""

    def __init__(self, words: dict[str, Any]) -> None:
        super().__init__(str(words))
        self.words = words


class RelyingParty:
    """A script under Node that answers each line of JSON by one."""

    def __init__(self, script: Path, node: str, ca_file: Path, **told: Any) -> None:
        self.process = subprocess.Popen(
            [node, script.name],
            cwd=script.parent,
            env={**os.environ, "NODE_EXTRA_CA_CERTS": str(ca_file)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._say(told)
        assert self._hear() == {"ready": True}

    def ask(self, act: str, **asked: Any) -> Any:
        """Raises Refused."""
        self._say({"act": act, **asked})
        answer = self._hear()
        if "refused" in answer:
            raise Refused(answer["refused"])
        return answer["result"]

    def close(self) -> None:
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()
        self.process.wait(timeout=10)

    def _say(self, told: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(told) + "\n")
        self.process.stdin.flush()

    def _hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        watchdog = Timer(LONGEST, self.process.kill)
        watchdog.start()
        line = self.process.stdout.readline()
        watchdog.cancel()
        assert line, "the client ended without an answer"
        answer: dict[str, Any] = json.loads(line)
        return answer


def sign_in(party: RelyingParty, citizen: Visitor, user: str = "somchai", **parameters: Any) -> dict[str, Any]:
    """From the client's request to its tokens; what the client made of the answer."""
    citizen.open(party.ask("begin", parameters=parameters))
    page = citizen.sign_in_as(user)
    if any(form.action == REDIRECT_URI for form in citizen.forms()):  # OAuth 2.0 Form Post Response Mode
        page = citizen.submit(REDIRECT_URI)
    assert str(page.url).startswith(REDIRECT_URI), page.text
    tokens: dict[str, Any] = party.ask("arrive", page=page.json())
    return tokens


def sign_out(party: RelyingParty, citizen: Visitor) -> str:
    """Where the person ends."""
    citizen.open(party.ask("end", post_logout_redirect_uri=SIGNED_OUT))
    return str(citizen.press("logout-confirm").url)


def signing_key(**members: Any) -> ECKey:
    return ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256", **members}, auto_kid=True)
