"""An export proves itself offline, and no byte of it can change unseen."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update

from core.audit import AuditEntry
from core.audit_chain import head
from keys.audit_checkpoint import AuditCheckpoint, Believed, newest
from keys.audit_export import AuditExport, CannotExport
from keys.audit_export_reading import verify_export
from keys.audit_proof import read_witnessed
from keys.own_jws import NotSigned
from tests.core.test_audit_verify import rebuilt
from tests.core.trail import disarmed, write_entries

STATED_AT_THE_END = (b'{"export":"p', b'{"checkpoint')  # the origin; a time-stamp that is another


@pytest.fixture
def export(ground, trust) -> AuditExport:
    for _ in range(2):
        write_entries(ground, 4)
        trust.checkpoints.make()
    return AuditExport(ground, trust.keystore)


@pytest.fixture
def keys(trust):
    return trust.checkpoints.believes()


def lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def test_an_export_verifies_with_public_keys_alone(export, keys, tmp_path, ground):
    made = export.write(tmp_path / "trail.jsonl")
    with ground.database.read() as connection:
        assert (made.sequence, made.head) == head(connection)
    found = verify_export(tmp_path / "trail.jsonl", keys)
    assert found.broken is None
    assert (found.origin, found.checkpoints) == ("http://localhost:8080", 2)
    assert (found.walked.entries, found.walked.head) == (made.entries, made.head)
    assert (tmp_path / "trail.jsonl").stat().st_mode & 0o777 == 0o600


def test_no_byte_of_an_export_can_change_be_added_or_go_missing_unseen(export, keys, tmp_path):
    export.write(tmp_path / "trail.jsonl")
    honest, path = (tmp_path / "trail.jsonl").read_bytes(), tmp_path / "changed.jsonl"

    @settings(max_examples=250)
    @given(st.integers(0, len(honest) - 1), st.integers(1, 255), st.sampled_from(["flip", "drop", "add", "cut"]))
    def changed(place: int, value: int, how: str) -> None:
        middle = {"flip": bytes([honest[place] ^ value]), "drop": b"", "add": bytes([honest[place], value]), "cut": b""}
        rest = b"" if how == "cut" else honest[place + 1 :]
        path.write_bytes(honest[:place] + middle[how] + rest)
        found = verify_export(path, keys)
        assert found.broken is not None
        line = int(found.broken.why.removeprefix("line ").partition(":")[0])
        first = honest.count(b"\n", 0, place) + 1
        begun = honest.splitlines()[first - 1][:12]
        assert line in (first, first + 1) or begun in STATED_AT_THE_END, found.broken.why

    changed()


def test_a_changed_entry_is_named(export, keys, tmp_path):
    export.write(tmp_path / "trail.jsonl")
    found = lines(tmp_path / "trail.jsonl")
    third = json.loads(found[3])
    found[3] = found[3].replace(third["actor"], "somebody-else")
    (tmp_path / "trail.jsonl").write_text("\n".join(found) + "\n", "utf-8")
    broken = verify_export(tmp_path / "trail.jsonl", keys).broken
    assert (broken.sequence, broken.entry_id) == (third["sequence"], third["id"])
    assert "line 4" in broken.why


def test_lines_that_change_places_are_found(export, keys, tmp_path):
    export.write(tmp_path / "trail.jsonl")
    found = lines(tmp_path / "trail.jsonl")
    found[2], found[3] = found[3], found[2]
    (tmp_path / "trail.jsonl").write_text("\n".join(found) + "\n", "utf-8")
    assert "line 3" in verify_export(tmp_path / "trail.jsonl", keys).broken.why


def test_an_export_without_its_end_was_cut_off(export, keys, tmp_path):
    export.write(tmp_path / "trail.jsonl")
    (tmp_path / "trail.jsonl").write_text("\n".join(lines(tmp_path / "trail.jsonl")[:-1]) + "\n", "utf-8")
    assert "cut off" in verify_export(tmp_path / "trail.jsonl", keys).broken.why


def test_with_other_keys_nothing_is_believed(export, tmp_path):
    export.write(tmp_path / "trail.jsonl")
    assert "not ours" in verify_export(tmp_path / "trail.jsonl", Believed({})).broken.why


def test_an_export_of_a_part_follows_the_one_before(export, keys, tmp_path, ground):
    first = export.write(tmp_path / "first.jsonl", until=3)
    second = export.write(tmp_path / "second.jsonl", after=first.sequence)
    assert json.loads(lines(tmp_path / "second.jsonl")[0])["previous_hash"] == first.head.hex()
    for path, entries in ((tmp_path / "first.jsonl", 3), (tmp_path / "second.jsonl", second.sequence - 3)):
        found = verify_export(path, keys)
        assert (found.broken, found.walked.entries) == (None, entries)


def test_what_was_interrupted_is_taken_up_again(export, keys, tmp_path):
    export.write(tmp_path / "whole.jsonl")
    whole = (tmp_path / "whole.jsonl").read_bytes()
    body = whole[: whole.rindex(b'{"end"')]
    for cut in range(len(lines(tmp_path / "whole.jsonl")[0]) + 1, len(body), 997):
        (tmp_path / "trail.jsonl.part").write_bytes(whole[:cut])
        export.write(tmp_path / "trail.jsonl", resume=True)
        assert (tmp_path / "trail.jsonl").read_bytes()[: len(body)] == body
        assert verify_export(tmp_path / "trail.jsonl", keys).broken is None


@pytest.mark.parametrize("place", [40, 400, 1500])
def test_what_somebody_changed_meanwhile_is_not_taken_up_and_signed(export, tmp_path, place):
    export.write(tmp_path / "whole.jsonl")
    whole = bytearray((tmp_path / "whole.jsonl").read_bytes())
    whole[place] ^= 1
    (tmp_path / "trail.jsonl.part").write_bytes(whole[: whole.rindex(b'{"end"')])
    with pytest.raises(CannotExport):
        export.write(tmp_path / "trail.jsonl", resume=True)


def test_a_broken_trail_is_not_exported(export, tmp_path, ground):
    with disarmed(ground), ground.database.write() as connection:
        connection.execute(update(AuditEntry).where(AuditEntry.sequence == 2).values(actor="somebody-else"))
    with pytest.raises(CannotExport, match="entry 2"):
        export.write(tmp_path / "trail.jsonl")
    assert not (tmp_path / "trail.jsonl").exists()


def test_an_export_begins_after_an_entry_that_there_is(export, tmp_path):
    with pytest.raises(CannotExport, match="no entry 9999"):
        export.write(tmp_path / "trail.jsonl", after=9999)


def test_an_export_of_a_chain_computed_anew_disagrees_with_the_witness(export, keys, tmp_path, ground, trust):
    (tmp_path / "kept").write_text(trust.checkpoints.believed(newest_row(ground)).line + "\n")
    kept = read_witnessed(tmp_path / "kept", keys)
    rebuilt(ground, 2)
    with disarmed(ground), ground.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM audit_checkpoint")
    export.write(tmp_path / "trail.jsonl")
    assert verify_export(tmp_path / "trail.jsonl", keys).broken is None
    assert "that the witness kept" in verify_export(tmp_path / "trail.jsonl", keys, witnessed=kept).broken.why


def test_an_export_of_a_trail_that_was_cut_off_is_shorter_than_what_the_witness_saw(
    export, keys, tmp_path, ground, trust
):
    path, part = tmp_path / "trail.jsonl", tmp_path / "part.jsonl"
    export.write(path)
    ground.clock.advance(timedelta(minutes=2))
    write_entries(ground, 4)
    kept = [trust.checkpoints.make()]
    assert verify_export(path, keys, witnessed=kept).broken is None, "it was made before the witness saw more"
    ground.clock.advance(timedelta(minutes=2))
    export.write(part, until=3)
    assert verify_export(part, keys, witnessed=kept).broken is None, "a part says that it is one"
    with disarmed(ground), ground.database.write() as connection:
        connection.execute(delete(AuditCheckpoint).where(AuditCheckpoint.sequence >= kept[0].sequence))
        connection.execute(delete(AuditEntry).where(AuditEntry.sequence >= kept[0].sequence - 1))
    export.write(path)
    assert verify_export(path, keys).broken is None
    found = verify_export(path, keys, witnessed=kept).broken
    assert f"the trail ends at entry {kept[0].sequence - 2}; the checkpoint of" in found.why


def newest_row(ground):
    with ground.database.read() as connection:
        return newest(connection)


@pytest.mark.parametrize("content", ["", "no checkpoint\n", '{"checkpoint": 1}\n', '{"checkpoint"' + "x" * 70_000])
def test_a_file_without_a_checkpoint_proves_nothing(content, keys, tmp_path):
    (tmp_path / "kept").write_text(content)
    with pytest.raises(NotSigned):
        read_witnessed(tmp_path / "kept", keys)


def test_a_witness_s_file_is_read_line_by_line_and_the_forged_one_named(export, keys, tmp_path, trust, ground):
    line = trust.checkpoints.believed(newest_row(ground)).line
    forged = line.replace('"checkpoint":"ey', '"checkpoint":"eY')
    (tmp_path / "kept").write_text(f"Subject: a mail\n\n{line}\r\n{forged}\n")
    with pytest.raises(NotSigned, match="line 4 of kept"):
        read_witnessed(tmp_path / "kept", keys)
