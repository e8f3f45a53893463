"""Another organisation's authorities over real HTTP: its own root, its own keys, and every way to answer wrongly."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from asn1crypto import tsp
from flask import Flask, Response, request
from werkzeug.serving import make_server

from core.clock import SetClock
from core.database import open_database
from core.ephemeral import open_ephemeral
from core.ground import Ground
from core.outbound import Outbound
from keys.trust_services import TrustServices
from keys.views import blueprint
from tests.backends import EMBEDDED, backend_of, settings_for
from tests.conftest import NOW


@dataclass
class OutsideAuthority:
    """`asked` are the paths that were called, in order; `tsa` answers by one of the `WAYS`, named in its path."""

    trust: TrustServices
    url: str
    asked: list[str] = field(default_factory=list)

    def tsa(self, way: str = "good") -> str:
        return f"{self.url}/stamp/{way}"


def other_imprint(authority: OutsideAuthority, asked: bytes) -> bytes:
    changed = tsp.TimeStampReq.load(asked)
    changed["message_imprint"]["hashed_message"] = b"\x00" * 32
    return authority.trust.tsa.answer(changed.dump(force=True))


def other_nonce(authority: OutsideAuthority, asked: bytes) -> bytes:
    changed = tsp.TimeStampReq.load(asked)
    changed["nonce"] = 1
    return authority.trust.tsa.answer(changed.dump(force=True))


def without_certificates(authority: OutsideAuthority, asked: bytes) -> bytes:
    changed = tsp.TimeStampReq.load(asked)
    changed["cert_req"] = False
    return authority.trust.tsa.answer(changed.dump(force=True))


def changed_signature(authority: OutsideAuthority, asked: bytes) -> bytes:
    answer = bytearray(authority.trust.tsa.answer(asked))
    answer[-1] ^= 1
    return bytes(answer)


WAYS: dict[str, Callable[[OutsideAuthority, bytes], bytes | Response]] = {
    "good": lambda authority, asked: authority.trust.tsa.answer(asked),
    "other-imprint": other_imprint,
    "other-nonce": other_nonce,
    "without-certificates": without_certificates,
    "changed-signature": changed_signature,
    "refusal": lambda authority, _: authority.trust.tsa.answer(b"garbage"),
    "garbage": lambda *_: b"this is no time-stamp",
    "nothing": lambda *_: b"",
    "error": lambda *_: Response("out of order", 500),
    "redirect": lambda authority, _: Response("", 302, {"Location": authority.tsa()}),
    "huge": lambda *_: b"\x30" * 200_000,
}


def serve(app: Flask, authority: OutsideAuthority) -> None:
    app.register_blueprint(blueprint(authority.trust))

    @app.post("/stamp/<way>")
    def stamp(way: str) -> Response:
        answered = WAYS[way](authority, request.get_data())
        if isinstance(answered, Response):
            return answered
        return Response(answered, content_type="application/timestamp-reply")

    @app.before_request
    def remember() -> None:
        authority.asked.append(request.path)


@contextmanager
def outside_authority(folder: Path) -> Iterator[OutsideAuthority]:
    """It serves what its certificates point to as well: their issuers, lists and OCSP."""
    with backend_of(EMBEDDED, folder) as backend:
        app = Flask("outside")  # listens before it is complete: its certificates name its port
        server = make_server("127.0.0.1", 0, app, threaded=True)
        url = f"http://127.0.0.1:{server.server_port}"
        settings = replace(settings_for(backend.database_url), issuer=url, keys_url=f"file:{folder}/keys")
        clock, database, outbound = SetClock(NOW), open_database(settings), Outbound(settings)
        trust = TrustServices(Ground(settings, clock, database, open_ephemeral(settings, database, clock), outbound))
        trust.prepare()
        authority = OutsideAuthority(trust, url)
        serve(app, authority)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield authority
        finally:
            server.shutdown()
            thread.join(timeout=5)
            server.server_close()
            outbound.close()
            database.close()
