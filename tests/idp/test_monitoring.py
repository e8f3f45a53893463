"""Health and metrics: what machines of the operator ask, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Flask
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from core import i18n, web
from core.clock import SetClock
from core.ground import Ground
from core.kernel_clock import Discipline
from core.settings import load_settings
from idp import monitoring
from idp.app import build
from idp.command.doctor import check_clock, check_time_stamps
from idp.composition import compose
from idp.measurements import note_worker
from keys.clock_health import SETTLED_AFTER
from keys.purposes import Purpose
from tests.browser_client import BrowserClient
from tests.keys.test_timestamp_authority import query


@pytest.fixture
def app(ground: Ground) -> Iterator[Flask]:
    provider = compose(ground.settings, ground.clock)
    app = build(provider)
    app.test_client_class = BrowserClient
    yield app
    provider.close()


@pytest.fixture
def browser(app: Flask) -> BrowserClient:
    client = app.test_client()
    assert isinstance(client, BrowserClient)
    return client


@pytest.mark.both_backends
def test_a_ready_server_names_its_parts(browser: BrowserClient):
    assert browser.get("/healthz").json == {"alive": True}
    answer = browser.get("/readyz")
    assert answer.status_code == 200
    names = ("database", "ephemeral", "keys", "clock", "certificates")
    assert answer.json == {"ready": True, "parts": dict.fromkeys(names, True)}


def test_a_clock_that_was_set_is_named_and_turns_no_login_away(clock: SetClock, browser: BrowserClient):
    browser.get("/readyz")
    clock.step(timedelta(seconds=3))
    with capture_logs() as told:
        answer = browser.get("/readyz")
        browser.get("/readyz")
        assert answer.status_code == 200
        assert answer.json["ready"] is True
        assert answer.json["parts"]["clock"] is False
        clock.advance(SETTLED_AFTER)
        assert browser.get("/readyz").json["parts"]["clock"] is True
    assert [each["event"] for each in told] == ["clock_was_set", "part_does_not_answer", "works_again"]


def test_a_clock_behind_our_last_time_stamp_is_named_once_in_the_log_and_by_the_doctor(
    clock: SetClock, app: Flask, browser: BrowserClient
):
    """A minute after the step all looks well but for that, and no stamp is given."""
    provider = app.extensions["prajak_provider"]
    provider.trust.tsa.answer(query())
    clock.step(timedelta(hours=-1))
    with capture_logs() as told:
        browser.get("/readyz")
        clock.advance(SETTLED_AFTER)
        assert [browser.get("/readyz").json["parts"]["clock"] for _ in range(2)] == [False, False]
        found = check_clock(provider)
    assert (found.state, "prajak key rotate tsa --at-once" in found.mend) == ("broken", True)
    assert [each["event"] for each in told].count("clock_behind_last_time_stamp") == 1
    clock.advance(timedelta(hours=1))
    with capture_logs():
        assert browser.get("/readyz").json["parts"]["clock"] is True


def test_the_doctor_names_an_unsynchronised_clock_and_an_outside_authority_that_is_away(ground: Ground, tmp_path: Path):
    provider = compose(ground.settings, ground.clock)
    assert check_clock(provider).state == check_time_stamps(provider).state == "ok"
    provider.trust.tsa.clock.discipline = lambda: Discipline(is_synchronised=False, largest_error=timedelta(0))
    found = check_clock(provider)
    assert found.state == "broken"
    assert "chrony" in found.mend
    root = tmp_path / "roots.pem"
    root.write_bytes(provider.trust.ca.root.public_bytes(Encoding.PEM))
    provider.close()
    away = replace(ground.settings, tsa_urls=("http://127.0.0.1:1/tsa",), tsa_trust=root)
    provider = compose(away, ground.clock)
    found = check_time_stamps(provider)
    assert (found.state, "http://127.0.0.1:1/tsa" in found.finding) == ("broken", True)
    provider.close()


def test_a_part_that_is_away_is_named(app: Flask, browser: BrowserClient, monkeypatch: pytest.MonkeyPatch):
    provider = app.extensions["prajak_provider"]
    provider.ground.database.engine.dispose()
    monkeypatch.setattr(provider.ground.database, "engine", broken_engine(provider.ground))
    with capture_logs():
        answer = browser.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["parts"]["database"] is False


def broken_engine(ground: Ground):
    from core.database import open_database

    away = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    return open_database(replace(ground.settings, database_url=away)).engine


def monitored(ground: Ground) -> FlaskClient:
    """These addresses alone, over a ground whose settings say who may come."""
    app = Flask("monitoring")
    i18n.install(app, [])
    web.install(app, web.Web(ground, monitoring.guards(ground)))
    app.register_blueprint(monitoring.blueprint(dict, ground.metrics.text))
    return app.test_client()


def metrics_from(browser: FlaskClient, address: str, **headers: str):
    return browser.get("/metrics", environ_overrides={"REMOTE_ADDR": address}, headers=headers)


def test_metrics_tell_requests_parts_and_queues_on_the_loopback(app: Flask, browser: BrowserClient):
    provider = app.extensions["prajak_provider"]
    assert browser.get("/me/a-grant").status_code == 404
    assert browser.get("/healthz").status_code == 200
    with provider.ground.database.write() as connection:
        provider.outbox.enqueue(connection, channel="mail", recipient="r", subject="s", body="b")
    keystore = provider.trust.keystore
    keystore.active(Purpose.ID_TOKEN).sign(b"data")
    keystore.tend()
    provider.trust.ocsp.answer(b"no request")
    provider.trust.tsa.answer(b"no request")
    provider.trust.tsa.answer(query())
    note_worker(provider)
    answer = metrics_from(browser, "127.0.0.1")
    assert (
        'prajak_key_uses_total{purpose="id-token",algorithm="ES256",operation="applied"} 1' in answer.text.splitlines()
    )
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.text.splitlines()
    assert 'prajak_requests_total{route="/healthz",method="GET",status="200"} 1' in lines
    assert 'prajak_requests_total{route="none",method="any",status="404"} 1' in lines
    assert 'prajak_part_up{part="database"} 1' in lines
    assert 'prajak_outbox_waiting{channel="mail"} 1' in lines
    assert 'prajak_ocsp_answers_total{outcome="malformedRequest"} 1' in lines
    assert 'prajak_time_stamps_total{outcome="badDataFormat"} 1' in lines
    assert 'prajak_time_stamps_total{outcome="granted"} 1' in lines
    assert "prajak_token_sessions 0" in lines
    assert "prajak_audit_unsigned 0" in lines
    assert 'prajak_database_connections{state="size"} 12' in lines
    assert any(line.startswith("prajak_audit_waiting ") and not line.endswith(" 0") for line in lines)
    assert "a-grant" not in answer.text


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("192.0.2.7", {}),
        ("not an address", {}),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}),  # a proxy that nobody named: all come from its address
        ("127.0.0.1", {"Forwarded": "for=192.0.2.7"}),
    ],
)
def test_to_the_public_there_are_no_metrics(ground: Ground, address: str, headers: dict[str, str]):
    answer = metrics_from(monitored(ground), address, **headers)
    assert answer.status_code == 404
    assert "prajak_" not in answer.text


@pytest.mark.parametrize(("forwarded", "status"), [("192.0.2.7", 404), ("10.1.2.3", 200), ("10.1.2.3, 192.0.2.7", 404)])
def test_behind_a_trusted_proxy_the_caller_is_who_it_says(ground: Ground, forwarded: str, status: int):
    settings = load_settings(
        {
            "PRAJAK_SANDBOX": "1",
            "PRAJAK_DATABASE_URL": ground.settings.database_url,
            "PRAJAK_KEYS_URL": ground.settings.keys_url,
            "PRAJAK_DATA_DIR": str(ground.settings.data_dir),
            "PRAJAK_TRUSTED_PROXIES": "127.0.0.1",
            "PRAJAK_METRICS_NETWORKS": "10.0.0.0/8",
        }
    )
    answer = metrics_from(monitored(replace(ground, settings=settings)), "127.0.0.1", **{"X-Forwarded-For": forwarded})
    assert answer.status_code == status


def test_a_part_that_is_away_leaves_the_other_numbers(
    app: Flask, browser: BrowserClient, monkeypatch: pytest.MonkeyPatch
):
    provider = app.extensions["prajak_provider"]
    browser.get("/healthz")
    provider.ground.database.engine.dispose()
    monkeypatch.setattr(provider.ground.database, "engine", broken_engine(provider.ground))
    with capture_logs():
        answer = metrics_from(browser, "127.0.0.1")
    assert answer.status_code == 200
    assert 'prajak_part_up{part="database"} 0' in answer.text
    assert "prajak_outbox_waiting" not in answer.text
    assert 'prajak_requests_total{route="/healthz",method="GET",status="200"} 1' in answer.text
