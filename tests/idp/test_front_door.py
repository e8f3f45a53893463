"""The small addresses that the world expects of a site."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from core.ground import Ground
from idp.app import build
from idp.composition import compose
from tests.browser_client import BrowserClient
from tests.lint.translations import catalogue


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


def test_security_txt_has_what_rfc_9116_requires(browser: BrowserClient):
    text = browser.get("/.well-known/security.txt").text
    assert {line.split(":")[0] for line in text.splitlines()} >= {"Contact", "Expires", "Canonical"}


def test_password_managers_are_led_to_the_devices_page(browser: BrowserClient):
    found = browser.get("/.well-known/passkey-endpoints").json
    assert found["enroll"] == found["manage"] == "http://localhost:8080/me/devices"


def test_the_apis_are_described_by_openapi_3_1(browser: BrowserClient):
    found = browser.get("/openapi.json").json
    assert found["openapi"].startswith("3.1")
    assert "post" in found["paths"]["/api/verify"]


@pytest.mark.parametrize("path", ["/", "/accessibility", "/privacy", "/verify", "/enroll", "/sign"])
def test_an_open_page_is_thai_first(browser: BrowserClient, path: str):
    answer = browser.get(path)
    assert answer.status_code == 200
    assert '<html class="govuk-template" lang="th">' in answer.text


def test_an_unknown_page_is_said_in_words(browser: BrowserClient):
    answer = browser.get("/nowhere")
    assert answer.status_code == 404
    assert catalogue()["There is no such page."] in answer.text
