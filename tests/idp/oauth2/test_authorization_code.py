"""RFC 6749 section 4.1.3: what a code is bound to, and that it is worth one redemption."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from core.audit import AuditEntry
from core.one_time import Spent
from idp.interaction.session_row import Session
from idp.models.grant import load_grants, revoke_grant
from idp.models.issued_token import IssuedToken
from idp.oidc.code_grant import CodeGrant
from idp.server import GRANTS
from keys.purposes import Purpose
from tests.idp.provider import VERIFIER, b64
from tests.protocol.requirement import requirement

ROOT = Path(__file__).parents[3]


def events(provider, event):
    with provider.ground.database.read() as connection:
        return connection.execute(select(func.count()).where(AuditEntry.event == event)).scalar_one()


@pytest.mark.both_backends
@requirement("RFC 6749", "4.1.2", "MUST")
@requirement("RFC 6749", "4.1.2", "SHOULD")
@requirement("RFC 6749", "10.5", "MUST")
def test_a_code_cannot_be_spent_twice_and_its_replay_revokes_what_came_of_it(provider, agency, browser):
    """Section 4.1.2."""
    code = agency.code(browser)
    token = agency.redeem(code).json["access_token"]
    assert agency.userinfo(token).status_code == 200
    again = agency.redeem(code)
    assert (again.status_code, again.json["error"]) == (400, "invalid_grant")
    assert agency.userinfo(token).status_code == 401
    assert events(provider, "code.replayed") == 1


@pytest.mark.both_backends
@requirement("RFC 6749", "10.5", "MUST")
def test_of_parallel_redemptions_exactly_one_wins(provider, agency, browser):
    code = agency.code(browser)
    forms = [agency.authentication() for _ in range(50)]

    def redeem(form):
        return agency.redeem(code, browser=provider.app.test_client(), **form).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(redeem, forms))
    assert sorted(statuses) == [200] + [400] * 49
    assert events(provider, "token.issued") == 1
    with provider.ground.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(IssuedToken)).scalar_one() == 1
        revoked = connection.execute(select(IssuedToken.revoked_at)).scalar_one()
    assert revoked is not None


@pytest.mark.both_backends
@requirement("RFC 6749", "10.5", "MUST")
def test_of_fifty_redemptions_on_two_workers_exactly_one_wins(provider, agency, browser, settings):
    code = agency.code(browser)
    usual = {"grant_type": "authorization_code", "code": code, "redirect_uri": agency.redirect_uri}
    forms = [usual | {"code_verifier": VERIFIER} | agency.authentication() for _ in range(50)]
    names = ("issuer", "rp_id", "database_url", "redis_url", "keys_url", "data_dir")
    order = {"settings": {name: str(getattr(settings, name)) for name in names}, "now": agency.now}
    workers = [start_worker(order | {"forms": forms[start::2]}) for start in (0, 1)]
    results = [word for worker in workers for word in worker.communicate(timeout=60)[0].split()]
    assert sorted(results) == ["invalid_grant"] * 49 + ["ok"] + ["ready"] * 2
    assert events(provider, "token.issued") == 1


def start_worker(order):
    command = [sys.executable, "-W", "error", "-m", "tests.idp.oauth2.race_worker"]
    worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    worker.stdin.write(json.dumps(order))
    worker.stdin.close()
    worker.stdin = None
    return worker


@pytest.mark.parametrize(
    ("what", "changed"),
    [
        ("redirect_uri", {"redirect_uri": "https://agency-a.example/other"}),
        ("code_verifier", {"code_verifier": "a" * 43}),
        ("code_verifier", {"code_verifier": None}),
        ("not one of ours", {"code": "x"}),
        ("not one of ours", {"code": "x" * 9000}),
        ("not one of ours", {"code": "ก"}),
    ],
)
@requirement("RFC 6749", "4.1.3", "MUST")
@requirement("RFC 7636", "4.6", "MUST")
def test_a_code_with_something_else_is_refused_and_stays_good(agency, browser, what, changed):
    code = agency.code(browser)
    answer = agency.redeem(**({"code": code} | changed))
    assert answer.json["error"] == "invalid_grant"
    assert what in answer.json["error_description"]
    assert agency.redeem(code).status_code == 200


@pytest.mark.parametrize("missing", ["code", "redirect_uri", "grant_type"])
@requirement("RFC 6749", "5.2", "MUST")
def test_what_is_missing_is_named(agency, browser, missing):
    answer = agency.redeem(**({"code": agency.code(browser)} | {missing: None}))
    assert answer.json == {"error": "invalid_request", "error_description": f"{missing} is missing"}


@requirement("RFC 6749", "4.1.3", "MUST")
def test_another_client_cannot_redeem_it(provider, agency, browser):
    code = agency.code(browser)
    thief = provider.agency("thief")
    assert "another client" in thief.redeem(code, redirect_uri=agency.redirect_uri).json["error_description"]
    assert agency.redeem(code).status_code == 200


@requirement("RFC 6749", "4.1.2", "MUST")
@requirement("FAPI 2.0 SP", "5.3.2.1", "MUST")
def test_a_code_lives_a_minute(provider, agency, browser, clock):
    code = agency.code(browser)
    clock.advance(timedelta(seconds=60))
    assert "expired" in agency.redeem(code).json["error_description"]
    with provider.ground.database.read() as connection:
        assert connection.execute(select(func.count()).where(Spent.kind == "code")).scalar_one() == 0


@requirement("RFC 6749", "4.1.2", "SHOULD")
def test_a_late_replay_still_revokes(agency, browser, clock):
    code = agency.code(browser)
    token = agency.redeem(code).json["access_token"]
    clock.advance(timedelta(seconds=90))
    assert agency.redeem(code).json["error"] == "invalid_grant"
    assert agency.userinfo(token).status_code == 401


def test_a_code_survives_the_rotation_of_its_key(provider, agency, browser, clock):
    code = agency.code(browser)
    provider.keystore.rotate(Purpose.CODE, at_once=True)
    clock.advance(timedelta(seconds=6))
    assert agency.redeem(code).status_code == 200


@requirement("RFC 6749", "10.10", "MUST")
def test_a_code_sealed_with_another_kind_of_key_is_refused(provider, agency, browser):
    from base64 import urlsafe_b64decode

    raw = urlsafe_b64decode(agency.code(browser) + "==")
    kid = provider.keystore.secret(Purpose.ENVELOPE).kid
    forged = b64(urlsafe_b64decode(kid + "==") + raw[16:])
    assert agency.redeem(forged).json["error"] == "invalid_grant"


@requirement("RFC 6749", "10.10", "MUST")
def test_a_changed_code_does_not_open(agency, browser):
    code = agency.code(browser)
    middle = len(code) // 2
    changed = code[:middle] + ("A" if code[middle] != "A" else "B") + code[middle + 1 :]
    assert agency.redeem(changed).json["error"] == "invalid_grant"


@requirement("OIDC Core", "3.1.2.4", "MUST")
def test_a_withdrawn_consent_takes_its_codes_along(provider, agency, browser, clock):
    code = agency.code(browser)
    account_id = provider.ids["somchai"]
    with provider.ground.database.write() as connection:
        (grant,) = load_grants(connection, account_id)
        assert revoke_grant(connection, grant.id, account_id=account_id, now=clock.now())
    assert agency.redeem(code).json["error"] == "invalid_grant"


def test_an_ended_session_takes_its_codes_along(provider, agency, browser, clock):
    code = agency.code(browser)
    with provider.ground.database.write() as connection:
        connection.execute(update(Session).values(ended_at=clock.now()))
    assert "session" in agency.redeem(code).json["error_description"]


@pytest.mark.parametrize("grant_type", ["password", "implicit", "x" * 5000])
@requirement("RFC 6749", "5.2", "MUST")
@requirement("RFC 9700", "2.4", "MUST NOT")
@requirement("FAPI 2.0 SP", "5.3.2.1", "MUST NOT")
def test_other_grants_are_not_served(refusing, grant_type):
    assert refusing.redeem("x", grant_type=grant_type).json["error"] == "unsupported_grant_type"


@pytest.mark.parametrize("grant_type", [each.name for each in GRANTS if each is not CodeGrant])
@requirement("RFC 6749", "5.2", "MUST")
def test_a_grant_that_the_client_is_not_registered_for_is_refused(refusing, grant_type):
    assert refusing.redeem("x", grant_type=grant_type).json["error"] == "unauthorized_client"


@requirement("RFC 6749", "3.2", "MUST")
@requirement("RFC 6749", "3.2", "MUST NOT")
def test_the_endpoint_takes_forms_by_post_alone(provider, agency):
    client = provider.browser()
    assert client.get("/token").status_code == 405
    assert client.post("/token", json={"grant_type": "authorization_code"}).json["error"] == "invalid_request"
    twice = client.post("/token", data=b"grant_type=a&grant_type=b", content_type="application/x-www-form-urlencoded")
    assert "more than once" in twice.json["error_description"]
