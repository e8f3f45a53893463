"""What a request brings about says from where it came and by which route; what it calls within says its own."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest
from flask import Flask
from sqlalchemy import select

from core import i18n, web
from core.audit import AuditEntry, record
from core.audit_origin import CURRENT, NOBODY_SAID, pseudonymiser
from core.ground import Ground
from core.jobs import Job, Jobs

PSEUDONYM = pseudonymiser(b"k" * 32)


@pytest.fixture
def app(ground: Ground, tmp_path) -> Flask:
    app = Flask("origin")
    i18n.install(app, [])
    trusting = replace(ground, settings=replace(ground.settings, trusted_proxies=(ip_network("127.0.0.1/32"),)))
    web.install(app, web.Web(trusting, pseudonym=PSEUDONYM))

    def act(event: str) -> None:
        with ground.database.write() as connection:
            record(connection, ground.clock, event=event, actor="account")

    @app.post("/devices/<name>/add")
    @web.callers(web.ANYONE)
    @web.machine
    def outer(name: str) -> str:
        with app.test_client() as itself:
            itself.post("/within", base_url="http://localhost:8080")
        act("outer")
        return "done"

    @app.post("/within")
    @web.callers(web.ANYONE)
    @web.machine
    def within() -> str:
        act("within")
        return "done"

    return app


def entries(ground: Ground) -> dict[str, tuple[str, str]]:
    with ground.database.read() as connection:
        columns = select(AuditEntry.event, AuditEntry.source, AuditEntry.reason)
        return {event: (source, reason) for event, source, reason in connection.execute(columns)}


def test_a_request_says_its_address_by_a_pseudonym_and_its_route_by_its_rule(app: Flask, ground: Ground):
    forwarded = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}
    answer = app.test_client().post("/devices/somchai/add", base_url="http://localhost:8080", headers=forwarded)
    assert answer.status_code == 200
    found = entries(ground)
    assert found["outer"] == (PSEUDONYM("203.0.113.9"), "POST /devices/<name>/add")
    assert found["within"] == (PSEUDONYM("127.0.0.1"), "POST /within")
    assert CURRENT.get() == NOBODY_SAID


def test_a_job_says_its_name(ground: Ground):
    def run() -> None:
        with ground.database.write() as connection:
            record(connection, ground.clock, event="job", actor="system")

    Jobs(ground, [Job("keys", ground.settings.clock_skew, run)]).run_due({})
    assert entries(ground)["job"] == ("job", "job keys")
