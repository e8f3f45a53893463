"""A relying party made of plain HTTP, for races and refusals: it signs in by the sandbox's forms, as a script would."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from html import unescape
from pathlib import Path
from secrets import token_urlsafe
from time import time
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class PlainClient:
    """`folder` holds what `prajak demo` wrote: the client's key."""

    def __init__(self, issuer: str, folder: Path, client_id: str) -> None:
        self.issuer = issuer
        self.client_id = client_id
        self.key = ECKey.import_key(json.loads((folder / f"{client_id}.jwk.json").read_text("utf-8")))
        self.redirect_uri = json.loads((folder / f"{client_id}.json").read_text("utf-8"))["redirect_uris"][0]
        self.verifier = token_urlsafe(48)

    def asked(self, **parameters: str) -> dict[str, str]:
        """An authorization request."""
        challenge = urlsafe_b64encode(sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        return {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": "openid profile",
            "state": "state",
            "nonce": "nonce",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        } | parameters

    def code_for(self, user: str, **parameters: str) -> str:
        """Signs a sandbox user in and allows what is asked; returns the code."""
        with self.browser() as browser:
            return self._code(browser, user, self.asked(**parameters))

    @contextmanager
    def signed_in(self, user: str) -> Iterator[httpx.Client]:
        """The browser of somebody who is signed in and has allowed what this client usually asks."""
        with self.browser() as browser:
            self._code(browser, user, self.asked())
            yield browser

    def browser(self) -> httpx.Client:
        return httpx.Client(base_url=self.issuer, follow_redirects=False, timeout=60)

    def _code(self, browser: httpx.Client, user: str, asked: dict[str, str]) -> str:
        answer = browser.get(f"/authorize?{urlencode(asked)}")
        for _ in range(8):
            answer = self._step(browser, answer, user)
            location = answer.headers.get("Location", "")
            if location.startswith(self.redirect_uri):
                return parse_qs(urlsplit(location).query)["code"][0]
        raise AssertionError(f"no code after eight steps: {answer.status_code} {answer.text[:300]}")

    def redeem(self, code: str) -> httpx.Response:
        now = int(time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.issuer,
            "jti": token_urlsafe(16),
            "iat": now,
            "exp": now + 60,
        }
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
            "client_assertion_type": ASSERTION,
            "client_assertion": jwt.encode({"alg": "ES256"}, claims, self.key, algorithms=["ES256"]),
        }
        return httpx.post(f"{self.issuer}/token", data=form, timeout=30)

    def _step(self, browser: httpx.Client, answer: httpx.Response, user: str) -> httpx.Response:
        """Follows a redirect, or fills in the form that the page shows."""
        if answer.is_redirect:
            return browser.get(answer.headers["Location"])
        page = answer.text
        if 'id="sandbox-sign-in"' in page:
            return self._submit(browser, answer, page, marker='id="sandbox-sign-in"', extra={"user": user})
        return self._submit(browser, answer, page, marker='id="consent-allow"', extra={"decision": "allow"})

    def _submit(
        self, browser: httpx.Client, answer: httpx.Response, page: str, *, marker: str, extra: dict[str, str]
    ) -> httpx.Response:
        forms = re.findall(r"<form\b.*?</form>", page, re.DOTALL)
        form = next(each for each in forms if marker in each)
        fields = {
            unescape(name): unescape(value)
            for name, value in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form)
        }
        action = re.search(r'action="([^"]*)"', form)
        target = unescape(action[1]) if action else str(answer.url)
        return browser.post(target, data=fields | extra)
