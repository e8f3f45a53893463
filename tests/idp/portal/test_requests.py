"""What the citizen's place shows of services that ask, and of services that can be begun."""

from __future__ import annotations

import json
from datetime import timedelta

from sqlalchemy import insert, select, update

from core.identifiers import hashed, new_id
from idp.models.client import Client
from idp.models.decoupled_request import DecoupledRequest
from idp.oidc.ciba import GRANT_TYPE
from tests.idp.portal.test_views import allow

BEGIN = "http://agency-a.localhost:8081/begin"


def wait_for(site, name: str, message: str = "ช่อง 4") -> str:
    """A request of the demonstration's agency, as the backchannel authentication endpoint keeps it."""
    now, request_id = site.ground.clock.now(), new_id()
    request = {"client_id": "demo-a", "redirect_uri": "", "scope": ["openid"], "received_at": int(now.timestamp())}
    request |= {"hinted_account_id": site.ids[name], "decoupled": {"binding_message": message}, "claims": {}}
    row = {"id": request_id, "grant_type": GRANT_TYPE, "code_hash": hashed(request_id), "user_code_hash": None}
    row |= {"client_id": "demo-a", "account_id": site.ids[name], "request": json.dumps(request), "ping": None}
    row |= {"interval": 5, "poll_after": now, "created_at": now, "expires_at": now + timedelta(minutes=5)}
    with site.ground.database.write() as connection:
        connection.execute(insert(DecoupledRequest), row | {"decision": "", "authorized": ""})
    return request_id


def register(site, **metadata):
    with site.ground.database.write() as connection:
        mine = Client.client_id == "demo-a"
        before = json.loads(connection.execute(select(Client.metadata_json).where(mine)).scalar_one())
        connection.execute(update(Client).where(mine).values(metadata_json=json.dumps(before | metadata)))


def test_a_request_that_waits_stands_first_and_leads_to_its_decision(site, browser):
    request_id = wait_for(site, "somchai")
    shown = browser.get("/me").text
    assert "ช่อง 4" in shown
    assert f'href="/request/{request_id}"' in shown
    decision = browser.get(browser.get(f"/request/{request_id}").location).text
    assert 'id="request-approve"' in decision


def test_another_persons_requests_are_not_shown(site, browser):
    wait_for(site, "malee", "secret words")
    assert "secret words" not in browser.get("/me").text


def test_a_request_goes_when_it_is_decided_and_stays_in_the_activity(site, browser):
    path = f"/request/{wait_for(site, 'somchai')}"
    browser.submit(str(browser.get(path).location), {"step": "approve", "decision": "deny"})
    assert "/request/" not in browser.get("/me").text
    ended = browser.get(path, follow_redirects=True)
    assert (ended.status_code, "ท่านปฏิเสธคำขอแล้ว" in ended.text) == (200, True)
    assert "ท่านปฏิเสธคำขอของบริการ" in browser.get("/me/activity").text


def test_a_request_goes_when_its_time_is_over(site, browser, clock):
    wait_for(site, "somchai")
    clock.advance(timedelta(minutes=5))
    assert "/request/" not in browser.get("/me").text


def test_a_service_that_is_known_can_be_begun_from_here(site, browser):
    register(site, initiate_login_uri=BEGIN)
    allow(site, "somchai")
    shown = browser.get("/me/services").text
    assert shown.count(f'href="{BEGIN}?iss=http%3A%2F%2Flocalhost%3A8080"') == 1
    assert 'data-initiate="demo-a"' in shown


def test_a_service_that_was_never_used_is_listed_below(site, browser):
    register(site, initiate_login_uri=BEGIN)
    assert f'href="{BEGIN}?iss=http%3A%2F%2Flocalhost%3A8080"' in browser.get("/me/services").text


def test_a_service_that_cannot_be_begun_here_is_not_listed(site, browser):
    assert "data-initiate" not in browser.get("/me/services").text
