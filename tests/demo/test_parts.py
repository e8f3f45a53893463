"""Where the demonstration's parts live, and what stops it from starting."""

from __future__ import annotations

import json
import socket

import pytest

from demo.parts import CannotStart, demo_of
from tests.demonstration import four_free_ports


@pytest.mark.parametrize("port", ["", "x", "0", "-1", "65533", "99999", "๘๐๘๐", "80 80"])
def test_a_port_must_be_a_number_with_room_for_four(port, tmp_path):
    with pytest.raises(CannotStart, match="PORT must be a number"):
        demo_of(port, tmp_path)


@pytest.mark.parametrize("offset", range(4))
def test_a_port_that_is_taken_is_named(offset, tmp_path):
    port = four_free_ports()
    with (
        socket.create_server(("127.0.0.1", port + offset)),
        pytest.raises(CannotStart, match=f"port {port + offset} is in use"),
    ):
        demo_of(str(port), tmp_path).check_ports()


def test_each_part_has_its_port_and_the_agencies_hosts_of_their_own(tmp_path):
    demo = demo_of("9000", tmp_path)
    assert demo.issuer == "http://localhost:9000"
    assert [part.health.rpartition("/")[0] for part in demo.parts] == [
        "http://localhost:9003",
        "http://localhost:9000",
        "http://agency-a.localhost:9001",
        "http://agency-b.localhost:9002",
    ]


def test_data_lie_beside_the_port(tmp_path):
    demo = demo_of("9000", tmp_path)
    assert demo.environment["PRAJAK_DATA_DIR"] == str(tmp_path / "var" / "9000")
    assert demo.environment["PRAJAK_SANDBOX"] == "1"


def test_an_agency_is_told_where_and_who_it_is(tmp_path):
    demo = demo_of("9000", tmp_path)
    demo.agency_file("b").parent.mkdir(parents=True)
    demo.write_agencies()
    told = json.loads(demo.agency_file("b").read_text("utf-8"))
    assert told["client_id"] == "demo-b"
    assert told["origin"] == "http://agency-b.localhost:9002"
