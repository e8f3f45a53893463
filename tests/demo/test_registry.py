"""The register's own process, as `make run` starts it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from core.ground import Ground
from enrollment.civil_registry.fictional_people import people
from enrollment.civil_registry.protocol import CardClaim, RegisterAnswer, RegistryUnavailable
from enrollment.civil_registry.soap_client import SoapRegistry
from tests.backends import free_port

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "demo.registry", "--port", str(port)], cwd=ROOT)
    try:
        for _ in range(200):
            try:
                httpx.get(f"http://127.0.0.1:{port}/healthz").raise_for_status()
                break
            except httpx.TransportError:
                if process.poll() is not None:
                    raise
        yield f"http://localhost:{port}/"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def claim(number: int) -> CardClaim:
    person = people()[number]
    return CardClaim(
        person.citizen_number, person.given_name_th, person.family_name_th, person.birth_date, person.laser_code
    )


def test_it_speaks_the_service_s_soap(ground: Ground, registry: str):
    client = SoapRegistry(ground.outbound, registry)
    assert client.check_card(claim(100)) == RegisterAnswer.CONFIRMED
    assert client.check_card(claim(50)) == RegisterAnswer.NOT_CONFIRMED


def test_its_page_shows_who_can_be_enrolled_in_both_languages(registry: str):
    page = httpx.get(registry).text
    person = people()[100]
    assert person.given_name_th in page
    assert person.given_name in page
    assert f"{person.laser_code[:3]}-{person.laser_code[3:10]}-{person.laser_code[10:]}" in page
    assert people()[0].citizen_number not in page.replace("-", "")
    assert "เสียชีวิตแล้ว" in page


def test_its_switch_closes_and_opens_it(ground: Ground, registry: str):
    client = SoapRegistry(ground.outbound, registry)
    httpx.post(registry + "mode", data={"mode": "maintenance"}).read()
    with pytest.raises(RegistryUnavailable):
        client.check_card(claim(100))
    httpx.post(registry + "mode", data={"mode": "nonsense"}).read()
    httpx.post(registry + "mode", data={"mode": "answers"}).read()
    assert client.check_card(claim(100)) == RegisterAnswer.CONFIRMED


def test_another_site_s_form_does_not_switch_it(registry: str):
    answer = httpx.post(registry + "mode", data={"mode": "timeout"}, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["nothing", "style.css/../registry.py", "%2e%2e/registry.py"])
def test_it_serves_nothing_else(registry: str, path: str):
    assert httpx.get(registry + path).status_code == 404


@pytest.mark.parametrize("body", [b"", b"<a", b"x" * 100_000, b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'])
def test_nonsense_is_answered_with_a_fault(registry: str, body: bytes):
    assert httpx.post(registry, content=body).status_code == 400
