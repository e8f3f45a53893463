"""A provider of two workers over HTTP on a clock that a test moves, and relying parties that verify as strictly as they
may: a JWKS is kept for as long as its Cache-Control says (or an hour, by the stubborn), and never fetched again because a
token names a key that is not in it.
"""

from __future__ import annotations

import re
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import cycle
from pathlib import Path
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from werkzeug.serving import WSGIRequestHandler, make_server

from core.clock import SetClock, timestamp
from core.settings import Settings
from enrollment.account import PersonAttributes
from idp.app import build
from idp.composition import Provider, compose
from idp.sandbox.passkeys import Owner, PasskeyMaker
from tests.demonstration import four_free_ports
from tests.plain_client import ASSERTION, PlainClient

ALGORITHMS = ["ES256", "PS256", "EdDSA", "RS256"]
SOMCHAI = PersonAttributes(
    given_name_th="สมชาย", family_name_th="สมมติวงศ์", given_name="Somchai", family_name="Sommutwong",
    birthdate="1990-04-13",
)  # fmt: skip


class Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Nothing: a test's requests are no news."""


@dataclass(frozen=True)
class TwoWorkers:
    """Each request goes to the other worker than the one before."""

    issuer: str
    clock: SetClock
    workers: tuple[Provider, ...]


@contextmanager
def two_workers(folder: Path, database_url: str, clock: SetClock, people: Iterable[str]) -> Iterator[TwoWorkers]:
    port = four_free_ports()
    issuer = f"http://localhost:{port}"
    settings = Settings(
        issuer=issuer, rp_id="localhost", database_url=database_url, keys_url=f"file:{folder}/keys", sandbox=True,
        data_dir=folder,
    )  # fmt: skip
    workers = (compose(settings, clock), compose(settings, clock))
    seed(workers[0], people)
    apps = cycle([build(each).wsgi_app for each in workers])
    turn = threading.Lock()

    def balanced(environ: Any, start_response: Any) -> Any:
        with turn:
            app = next(apps)
        return app(environ, start_response)

    server = make_server("127.0.0.1", port, balanced, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield TwoWorkers(issuer, clock, workers)
    finally:
        server.shutdown()
        thread.join(timeout=5)
        server.server_close()
        for each in workers:
            each.close()


def seed(provider: Provider, people: Iterable[str]) -> None:
    maker = PasskeyMaker(provider.ground, provider.interaction.sandbox, provider.trust.keystore)  # type: ignore[arg-type]
    for position, name in enumerate(people):
        account_id = provider.accounts.create(SOMCHAI, name=name)
        maker.give(Owner(account_id, name, SOMCHAI.name_th, SOMCHAI.name_en, position))


@dataclass
class KeptKeys:
    """The JWKS as a relying party keeps it. `at_least` is for how long the stubborn do, whatever the header says."""

    issuer: str
    clock: SetClock
    at_least: timedelta = timedelta()
    fetched_until: datetime | None = None
    keys: dict[str, Any] = field(default_factory=dict)

    def key(self, kid: str) -> Any:
        """KeyError for a stranger: an outage, to whoever meets one."""
        now = self.clock.now()
        if self.fetched_until is None or now >= self.fetched_until:
            answer = httpx.get(f"{self.issuer}/jwks", timeout=30).raise_for_status()
            age = re.search(r"max-age=(\d+)", answer.headers["Cache-Control"])
            assert age is not None
            self.fetched_until = now + max(timedelta(seconds=int(age[1])), self.at_least)
            self.keys = {each["kid"]: each for each in answer.json()["keys"]}
        return self.keys[kid]


class VerifyingClient(PlainClient):
    """Registered by itself; its person stays signed in, and it signs them in again and again."""

    def __init__(self, provider: TwoWorkers, user: str, *, at_least: timedelta = timedelta(), **metadata: str) -> None:
        self.provider, self.issuer, self.user = provider, provider.issuer, user
        self.key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, private=True, auto_kid=True)
        self.redirect_uri, self.verifier = f"http://{user}.localhost:9/callback", token_urlsafe(48)
        self.metadata: dict[str, Any] = {
            "redirect_uris": [self.redirect_uri],
            "scope": "openid profile",
            "token_endpoint_auth_method": "private_key_jwt",
            "id_token_signed_response_alg": "ES256",
            "jwks": {"keys": [self.key.as_dict(private=False)]},
        } | metadata
        answer = httpx.post(f"{self.issuer}/register", json=self.metadata, timeout=30)
        assert answer.status_code == 201, answer.text
        self.registered: dict[str, Any] = answer.json()
        self.client_id = self.registered["client_id"]
        self.kept = KeptKeys(self.issuer, provider.clock, at_least)
        self.person = self.browser()
        self.seen: list[tuple[str, str]] = []  # algorithms of ID token and access token

    def changes(self, **metadata: str) -> None:
        """RFC 7592 section 2.2: by its own decision."""
        self.metadata |= metadata
        wanted = self.metadata | {"client_id": self.client_id}
        headers = {"Authorization": f"Bearer {self.registered['registration_access_token']}"}
        url = self.registered["registration_client_uri"]
        answer = httpx.put(url, json=wanted, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        self.registered |= answer.json()

    def _code(self, browser: httpx.Client, user: str, asked: dict[str, str]) -> str:
        """Who is signed in and has agreed comes back at once."""
        answer = browser.get(f"/authorize?{urlencode(asked)}")
        for _ in range(8):
            location = answer.headers.get("Location", "")
            if location.startswith(self.redirect_uri):
                return parse_qs(urlsplit(location).query)["code"][0]
            answer = self._step(browser, answer, user)
        raise AssertionError(f"no code after eight steps: {answer.status_code} {answer.text[:300]}")

    def redeem(self, code: str) -> httpx.Response:
        now = timestamp(self.provider.clock.now())
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": self.issuer, "jti": token_urlsafe(16)}
        claims |= {"iat": now, "exp": now + 60}  # type: ignore[dict-item]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
            "client_assertion_type": ASSERTION,
            "client_assertion": jwt.encode({"alg": "ES256"}, claims, self.key, algorithms=["ES256"]),
        }
        return httpx.post(f"{self.issuer}/token", data=form, timeout=30)

    def signs_in(self) -> None:
        """The whole flow; every token is verified with the kept keys, and the access token used."""
        answer = self.redeem(self._code(self.person, self.user, self.asked()))
        assert answer.status_code == 200, answer.text
        id_token, access_token = answer.json()["id_token"], answer.json()["access_token"]
        identity, header = self.verified(id_token)
        assert header["alg"] == self.registered["id_token_signed_response_alg"]
        assert identity["at_hash"] == half_of_sha256(access_token)
        assert identity["aud"] == self.client_id
        self.seen.append((header["alg"], self.verified(access_token)[1]["alg"]))
        told = httpx.get(
            f"{self.issuer}/userinfo", headers={"Authorization": f"Bearer {access_token}"}, timeout=30
        ).raise_for_status()
        assert told.json()["sub"] == identity["sub"]

    def verified(self, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
        key = self.kept.key(jwt_header(token)["kid"])
        decoded = jwt.decode(token, KeySet.import_key_set({"keys": [key]}), algorithms=[key["alg"]])
        return dict(decoded.claims), dict(decoded.header)

    def close(self) -> None:
        self.person.close()


def jwt_header(token: str) -> dict[str, Any]:
    from joserfc.jws import extract_compact

    return dict(extract_compact(token.encode()).headers())


def half_of_sha256(value: str) -> str:
    """OpenID Connect Core section 3.1.3.6, for the algorithms that hash so."""
    return urlsafe_b64encode(sha256(value.encode()).digest()[:16]).rstrip(b"=").decode()
