"""The port's contract, kept by the client against the simulator over HTTP: two answers, or unavailable."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from threading import Thread
from typing import Any
from wsgiref.simple_server import make_server

import pytest

from core.ground import Ground
from core.outbound import Outbound
from enrollment.civil_registry.fictional_addresses import fictional_address
from enrollment.civil_registry.fictional_people import FictionalPerson, Standing, people
from enrollment.civil_registry.protocol import CardClaim, RegisterAnswer, RegisteredAddress, RegistryUnavailable
from enrollment.civil_registry.simulator import Mode, write_said
from enrollment.civil_registry.soap_client import SoapRegistry, read_address, read_answer, write_request
from tests.enrollment.conftest import QuietHandler, Registry

PEOPLE = {person.note: person for person in people()}


def claim_of(person: FictionalPerson) -> CardClaim:
    return CardClaim(
        person.citizen_number, person.given_name_th, person.family_name_th, person.birth_date, person.laser_code
    )


@pytest.fixture
def client(ground: Ground, registry: Registry) -> SoapRegistry:
    return SoapRegistry(ground.outbound, registry.url)


@pytest.mark.parametrize("note", sorted(note for note in PEOPLE if PEOPLE[note].is_in_force))
def test_a_card_in_force_with_its_own_data_is_confirmed(client: SoapRegistry, note: str):
    assert client.check_card(claim_of(PEOPLE[note])) == RegisterAnswer.CONFIRMED


@pytest.mark.parametrize(
    "wrong",
    [
        {"laser_code": "ZT0000000000"},
        {"given_name": "อื่น"},
        {"family_name": "อื่น"},
        {"birth_date": "25300101"},
        {"citizen_number": "1990100001005"},
        {"laser_code": ""},
        {"given_name": "</FirstName><Laser>"},
        {"given_name": "a\x00\x0b\ud800b"},
    ],
)
def test_whatever_does_not_match_has_one_and_the_same_answer(client: SoapRegistry, wrong: dict[str, str]):
    assert client.check_card(replace(claim_of(people()[100]), **wrong)) == RegisterAnswer.NOT_CONFIRMED


@pytest.mark.parametrize("standing", [each for each in Standing if each != Standing.ALIVE])
def test_the_dead_and_cards_out_of_force_have_that_answer_too(client: SoapRegistry, standing: Standing):
    person = next(person for person in people() if person.standing == standing)
    assert client.check_card(claim_of(person)) == RegisterAnswer.NOT_CONFIRMED


def test_the_simulator_gives_the_four_answers_that_the_service_gives(registry: Registry):
    person = people()[100]
    asked = {"PID": person.citizen_number, "FirstName": person.given_name_th, "LastName": person.family_name_th,
             "BirthDay": person.birth_date, "Laser": person.laser_code}  # fmt: skip
    answers = [
        registry.simulator.answer(asked),
        registry.simulator.answer(asked | {"Laser": "ZT0000000000"}),
        registry.simulator.answer(asked | {"BirthDay": "25000101"}),
        registry.simulator.answer(asked | {"BirthDay": ""}),
    ]
    assert [code for code, _ in answers] == ["0", "4", "4", "5"]
    assert len({description for _, description in answers}) == 4


def test_a_service_that_is_closed_is_unavailable(client: SoapRegistry, registry: Registry):
    registry.simulator.mode = Mode.MAINTENANCE
    with pytest.raises(RegistryUnavailable):
        client.check_card(claim_of(people()[100]))


def test_a_service_that_lets_us_wait_is_unavailable(ground: Ground, registry: Registry):
    registry.simulator.mode = Mode.TIMEOUT
    outbound = Outbound(replace(ground.settings, outbound_timeout=timedelta(seconds=0.2)))
    try:
        with pytest.raises(RegistryUnavailable):
            SoapRegistry(outbound, registry.url).check_card(claim_of(people()[100]))
    finally:
        outbound.close()


@pytest.mark.parametrize("url", ["", "http://localhost:1/", "not a url", "https://127.0.0.1:1/", "ftp://localhost/"])
def test_a_service_that_is_not_there_is_unavailable(ground: Ground, url: str):
    with pytest.raises(RegistryUnavailable):
        SoapRegistry(ground.outbound, url).check_card(claim_of(people()[100]))


ENVELOPE = '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body>{}</e:Body></e:Envelope>'
RESULT = ENVELOPE.format(
    '<r:CheckCardByLaserResponse xmlns:r="http://tempuri.org/"><r:CheckCardByLaserResult>{}'
    "</r:CheckCardByLaserResult></r:CheckCardByLaserResponse>"
)
BOMB = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]>'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        b"\xff\xfe\x00",
        b"<html><body>Error</body></html>",
        ENVELOPE.format("").encode(),
        ENVELOPE.format("<e:Fault/>").encode(),
        RESULT.format("").encode(),
        RESULT.format("<r:IsError>true</r:IsError><r:Code>0</r:Code>").encode(),
        RESULT.format("<r:IsError>false</r:IsError>").encode(),
        RESULT.format("<r:Code>0</r:Code>").encode(),
        (BOMB + RESULT.format("<r:IsError>false</r:IsError><r:Code>&c;</r:Code>")).encode(),
        b'<?xml version="1.0" encoding="no-such"?>' + RESULT.encode(),
        b"<a>" * 100_000,
    ],
)
def test_an_answer_that_says_nothing_is_unavailable_not_an_answer(body: bytes):
    with pytest.raises(RegistryUnavailable):
        read_answer(body)


@pytest.mark.parametrize("code", ["1", "4", "5", "99", "00", "0x"])
def test_only_code_zero_confirms(code: str):
    body = RESULT.format(f"<r:IsError>false</r:IsError><r:Code>{code}</r:Code>").encode()
    assert read_answer(body) == RegisterAnswer.NOT_CONFIRMED


def test_the_request_has_the_service_s_fields_in_their_order():
    body = write_request(CardClaim("1", "ก", "ข", "25380220", "AB")).decode()
    assert [body.index(name) for name in (":PID>", ":FirstName>", ":LastName>", ":BirthDay>", ":Laser>")] == sorted(
        body.index(name) for name in (":PID>", ":FirstName>", ":LastName>", ":BirthDay>", ":Laser>")
    )


StartResponse = Callable[[str, list[tuple[str, str]]], Any]


@pytest.mark.parametrize(
    ("status", "body"), [("500 Internal Server Error", b"x"), ("302 Found", b""), ("200 OK", b"x" * 40_000)]
)
def test_errors_redirects_and_floods_are_unavailable(ground: Ground, status: str, body: bytes):
    def application(_environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, [("Content-Length", str(len(body))), ("Location", "http://localhost/")])
        return [body]

    with make_server("127.0.0.1", 0, application, handler_class=QuietHandler) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        with pytest.raises(RegistryUnavailable):
            SoapRegistry(ground.outbound, f"http://localhost:{server.server_port}/").check_card(claim_of(people()[100]))
        thread.join()


# The house registration ---------------------------------------------------------------------------------------------


def test_the_address_of_a_confirmed_person_is_told(client: SoapRegistry):
    person = people()[100]
    assert client.address(claim_of(person)) == fictional_address(person.number)
    assert fictional_address(person.number).known().keys() == {"street_address", "locality", "region", "postal_code"}


def test_nobody_else_is_told_an_address(client: SoapRegistry):
    assert client.address(replace(claim_of(people()[100]), laser_code="ZT0000000000")) == RegisteredAddress()


@pytest.mark.parametrize("mode", [Mode.MAINTENANCE])
def test_a_register_without_an_answer_knows_no_address(client: SoapRegistry, registry: Registry, mode: Mode):
    registry.simulator.mode = mode
    assert client.address(claim_of(people()[100])) == RegisteredAddress()


def test_an_address_longer_than_any_is_none():
    body = write_said("GetAddressByLaser", {"IsError": "false", "StreetAddress": "ก" * 201, "Region": "ข"})
    assert read_address(body) == RegisteredAddress()
