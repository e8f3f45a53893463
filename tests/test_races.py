"""Fifty at once on two workers, on both back ends: whatever may be used once is used once.

The codes of `test_code_race.py` have a file of their own; here are assertions, DPoP proofs, pushed requests and refresh
tokens, by a client that registered itself.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from secrets import token_urlsafe
from time import time
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.backends import BACKENDS, backend_of
from tests.plain_client import ASSERTION, PlainClient
from tests.protocol.requirement import requirement
from tests.test_code_race import two_workers

CIBA = "urn:openid:params:grant-type:ciba"
PARALLEL, THREADS = 50, 16
REDIRECT_URI = "http://race.localhost:9/callback"


class Racer(PlainClient):
    """A client that registered itself in the sandbox; everything it sends can be sent twice."""

    def __init__(self, issuer: str, folder: Path) -> None:
        key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, private=True, auto_kid=True)
        metadata = {
            "redirect_uris": [REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token", CIBA],
            "backchannel_token_delivery_mode": "poll",
            "scope": "openid profile offline_access",
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {"keys": [key.as_dict(private=False)]},
        }
        registered = httpx.post(f"{issuer}/register", json=metadata, timeout=30)
        assert registered.status_code == 201, registered.text
        client_id = registered.json()["client_id"]
        (folder / f"{client_id}.jwk.json").write_text(json.dumps(key.as_dict(private=True)))
        (folder / f"{client_id}.json").write_text(registered.text)
        super().__init__(issuer, folder, client_id)
        self.dpop_key = ECKey.generate_key("P-256", private=True)

    def assertion(self) -> dict[str, str]:
        now = int(time())
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": self.issuer}
        claims |= {"jti": token_urlsafe(16), "iat": now, "exp": now + 120}  # type: ignore[dict-item]
        signed = jwt.encode({"alg": "ES256"}, claims, self.key, algorithms=["ES256"])
        return {"client_assertion_type": ASSERTION, "client_assertion": signed}

    def proof(self, method: str, path: str, access_token: str = "") -> dict[str, str]:
        claims: dict[str, Any] = {"jti": token_urlsafe(16), "htm": method, "htu": f"{self.issuer}{path}"}
        claims["iat"] = int(time())
        if access_token:
            claims["ath"] = urlsafe_b64encode(sha256(access_token.encode()).digest()).rstrip(b"=").decode()
        header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": self.dpop_key.as_dict(private=False)}
        return {"DPoP": jwt.encode(header, claims, self.dpop_key, algorithms=["ES256"])}

    def push(self, assertion: dict[str, str], headers: dict[str, str] | None = None) -> httpx.Response:
        return httpx.post(f"{self.issuer}/par", data=self.asked() | assertion, headers=headers, timeout=60)

    def token(self, headers: dict[str, str] | None = None, **form: str) -> httpx.Response:
        return httpx.post(f"{self.issuer}/token", data=form | self.assertion(), headers=headers, timeout=60)


@pytest.fixture(scope="module", params=BACKENDS)
def racer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Racer]:
    folder = tmp_path_factory.mktemp("races")
    with backend_of(request.param, folder) as backend, two_workers(backend, folder) as issuer:
        yield Racer(issuer, folder)


def all_at_once(act: Callable[[], httpx.Response]) -> list[httpx.Response]:
    with ThreadPoolExecutor(max_workers=THREADS) as threads:
        return [each.result() for each in [threads.submit(act) for _ in range(PARALLEL)]]


def outcomes(answers: list[httpx.Response]) -> Counter[str]:
    return Counter("ok" if each.is_success else each.json()["error"] for each in answers)


@requirement("RFC 7523", "3", "MUST")
def test_one_assertion_authenticates_one_call(racer: Racer):
    assertion = racer.assertion()
    assert outcomes(all_at_once(lambda: racer.push(assertion))) == {"ok": 1, "invalid_client": PARALLEL - 1}


@requirement("RFC 9449", "11.1", "MUST")
def test_one_proof_serves_one_call(racer: Racer):
    proof = racer.proof("POST", "/par")
    answers = all_at_once(lambda: racer.push(racer.assertion(), proof))
    assert outcomes(answers) == {"ok": 1, "invalid_dpop_proof": PARALLEL - 1}


@requirement("RFC 9449", "11.1", "MUST")
def test_one_proof_reads_userinfo_once(racer: Racer):
    form = {"grant_type": "authorization_code", "code": racer.code_for("user1"), "redirect_uri": REDIRECT_URI}
    issued = racer.token(racer.proof("POST", "/token"), **form, code_verifier=racer.verifier)
    token = issued.json()["access_token"]
    headers = {"Authorization": f"DPoP {token}", **racer.proof("GET", "/userinfo", token)}
    answers = all_at_once(lambda: httpx.get(f"{racer.issuer}/userinfo", headers=headers, timeout=60))
    assert outcomes(answers) == {"ok": 1, "invalid_dpop_proof": PARALLEL - 1}


@requirement("RFC 9126", "4", "SHOULD")
def test_one_pushed_request_gives_one_code(racer: Racer):
    """Fifty tabs of one person who is signed in and has agreed already."""
    with racer.signed_in("user2") as browser:
        reference = racer.push(racer.assertion()).json()["request_uri"]
        parameters = {"client_id": racer.client_id, "request_uri": reference}
        answers = all_at_once(lambda: browser.get("/authorize", params=parameters))
    codes = [each.headers["Location"] for each in answers if "code=" in each.headers.get("Location", "")]
    assert len(codes) == 1, Counter(each.status_code for each in answers)
    assert all("invalid_request_uri" in each.headers.get("Location", "") + each.text
               for each in answers if "code=" not in each.headers.get("Location", ""))  # fmt: skip


@requirement("RFC 9700", "4.14.2", "MUST")
def test_one_refresh_token_has_one_successor(racer: Racer):
    """The grace gives a few who come at the same moment the same answer; it never makes a second branch."""
    code = racer.code_for("user3", scope="openid offline_access", prompt="consent")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
    first = racer.token(**form, code_verifier=racer.verifier).json()["refresh_token"]
    answers = all_at_once(lambda: racer.token(grant_type="refresh_token", refresh_token=first))
    found = outcomes(answers)
    assert set(found) <= {"ok", "invalid_grant"}
    assert 1 <= found["ok"] <= 4
    assert len({each.json()["refresh_token"] for each in answers if each.is_success}) == 1


@requirement("CIBA Core", "11", "MUST")
@requirement("RFC 8628", "3.5", "MUST")
def test_one_approval_gives_tokens_once(racer: Racer):
    """Fifty polls of one decided request; a device_code is redeemed by the same statement."""
    asked = {"scope": "openid", "login_hint": "user4"} | racer.assertion()
    auth_req_id = httpx.post(f"{racer.issuer}/bc-authorize", data=asked, timeout=60).json()["auth_req_id"]
    decision = {"auth_req_id": auth_req_id, "action": "allow"}
    assert httpx.post(f"{racer.issuer}/sandbox/ciba", params=decision, timeout=60).is_success
    answers = all_at_once(lambda: racer.token(grant_type=CIBA, auth_req_id=auth_req_id))
    assert outcomes(answers) == {"ok": 1, "invalid_grant": PARALLEL - 1}
