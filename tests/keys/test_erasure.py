"""The list of erasures outside the database: whole again, whatever happened to the file."""

from __future__ import annotations

import pytest

from core.identifiers import new_id


@pytest.fixture
def erasures(ground, trust):
    for _ in range(2):
        erased = trust.erasures.proven(new_id(), new_id(), ground.clock.now())
        with ground.database.write() as connection:
            trust.erasures.record(connection, erased)
    assert trust.erasures.keep_list() == 2
    return trust.erasures


@pytest.mark.parametrize("left", [0, 1])
def test_what_was_cut_off_the_list_is_there_again(erasures, left):
    lines = erasures.path.read_text().splitlines(keepends=True)
    erasures.path.write_text("".join(lines[:left]))
    erasures.keep_list()
    assert erasures.path.read_text() == "".join(lines)


def test_a_list_that_is_whole_is_not_written_again(erasures):
    before = erasures.path.stat()
    assert erasures.keep_list() == 2
    assert erasures.path.stat().st_ino == before.st_ino
