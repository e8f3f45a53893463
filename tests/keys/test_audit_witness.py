"""Checkpoints reach whoever keeps them outside, in order, none left out, however often a witness is away."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from core.outbox import Outbox
from core.settings import SettingsError, load_settings
from keys import audit_witness
from keys.audit_checkpoint import read_line
from keys.audit_witness import LONGEST_WAIT, MAIL_EVERY, AuditWitnesses
from tests.core.trail import write_entries


class Witness(HTTPServer):
    """Keeps what is posted to it; answers as it is told."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.status = 204
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    server: Witness

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.server.status == 204:
            self.server.kept += body.splitlines()
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[Witness]:
    with Witness() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def trail(ground, trust):
    """Each call: something happens, and a checkpoint of it is made."""

    def happen(times: int = 1) -> list[str]:
        made = []
        for _ in range(times):
            write_entries(ground, 1)
            made.append(trust.checkpoints.make().line)
        return made

    return happen


def witnesses(ground, *names, outbox=None) -> AuditWitnesses:
    settings = replace(ground.settings, audit_witness=names)
    return AuditWitnesses(replace(ground, settings=settings), outbox.enqueue if outbox else None)


def test_a_file_gets_each_checkpoint_once_and_in_order(ground, trust, trail, tmp_path):
    kept = tmp_path / "kept.jsonl"
    witness = witnesses(ground, f"file:{kept}")
    lines = trail(3)
    assert witness.deliver() == 3
    assert witness.deliver() == 0
    lines += trail()
    assert witness.deliver() == 1
    assert kept.read_text().splitlines() == lines
    assert [read_line(line, trust.checkpoints.believes()).line for line in lines] == lines


@pytest.mark.both_backends
def test_a_file_that_cannot_be_written_is_tried_again_and_misses_nothing(ground, trail, tmp_path):
    folder = tmp_path / "away"
    witness = witnesses(ground, f"file:{folder}/kept.jsonl")
    lines = trail(2)
    assert witness.deliver() == 0
    assert "cannot be written" in witness.states()[0].failure
    assert witness.states()[0].behind == 2
    folder.mkdir()
    assert witness.deliver() == 0, "not before its wait is over"
    ground.clock.advance(LONGEST_WAIT)
    lines += trail()
    assert witness.deliver() == 3
    assert (folder / "kept.jsonl").read_text().splitlines() == lines
    assert (witness.states()[0].failure, witness.states()[0].behind) == ("", 0)


def test_a_long_absence_is_made_up_for_batch_by_batch(ground, trail, tmp_path, monkeypatch):
    monkeypatch.setattr(audit_witness, "BATCH", 3)
    lines = trail(4)
    witness = witnesses(ground, f"file:{tmp_path}/kept.jsonl")
    assert (witness.deliver(), witness.deliver(), witness.deliver()) == (3, 1, 0)
    assert (tmp_path / "kept.jsonl").read_text().splitlines() == lines


def test_an_endpoint_gets_the_same_lines(ground, trail, endpoint):
    witness = witnesses(ground, f"http://localhost:{endpoint.server_port}/keep")
    lines = trail(2)
    assert witness.deliver() == 2
    assert endpoint.kept == lines


def test_an_endpoint_that_refuses_is_asked_again(ground, trail, endpoint):
    witness = witnesses(ground, f"http://localhost:{endpoint.server_port}/keep")
    lines, endpoint.status = trail(), 503
    assert witness.deliver() == 0
    assert "503" in witness.states()[0].failure
    endpoint.status = 204
    ground.clock.advance(LONGEST_WAIT)
    assert witness.deliver() == 1
    assert endpoint.kept == lines


def test_one_witness_s_absence_does_not_keep_the_others_waiting(ground, trail, tmp_path):
    trail()
    witness = witnesses(ground, f"file:{tmp_path}/no/kept.jsonl", f"file:{tmp_path}/kept.jsonl")
    assert witness.deliver() == 1
    assert [each.behind for each in witness.states()] == [1, 0]


def test_a_mail_carries_the_newest_once_an_hour(ground, trust, trail):
    outbox = Outbox(ground, trust.envelope, {})
    witness = witnesses(ground, "mailto:auditor@example.org", outbox=outbox)
    newest = trail(2)[-1]
    assert witness.deliver() == 1
    trail(3)
    assert witness.deliver() == 0
    ground.clock.advance(MAIL_EVERY)
    later = trail()[-1]
    assert witness.deliver() == 1
    bodies = sorted((each.created_at, each.recipient, each.body) for each in outbox.messages())
    assert [recipient for _, recipient, _ in bodies] == ["auditor@example.org"] * 2
    assert [line in body for line, (_, _, body) in zip((newest, later), bodies, strict=True)] == [True, True]


def test_a_full_disk_is_no_delivery(ground, trail):
    trail()
    witness = witnesses(ground, "file:/dev/full")
    assert witness.deliver() == 0
    assert os.strerror(28) in witness.states()[0].failure


@pytest.mark.parametrize(
    "name", ["file:kept", "file://host/kept", "http://example.org/", "https:///x", "mailto:nobody", "kept", "ftp://x/"]
)
def test_what_is_no_witness_stops_the_start(name):
    environment = {"PRAJAK_SANDBOX": "1", "PRAJAK_AUDIT_WITNESS": f"file:/kept {name}"}
    with pytest.raises(SettingsError, match="PRAJAK_AUDIT_WITNESS"):
        load_settings(environment)


def test_several_witnesses_are_parted_by_spaces():
    names = "file:/kept https://witness.example/keep mailto:auditor@example.org"
    environment = {"PRAJAK_SANDBOX": "1", "PRAJAK_AUDIT_WITNESS": names}
    assert load_settings(environment).audit_witness == tuple(names.split())
