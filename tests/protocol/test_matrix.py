"""The matrix says what the tests show: no more, no less, in an order that people can read."""

from __future__ import annotations

import pytest

from tests.protocol.matrix import NotListed, Shown, marks, page, section_order

TEST = """
@requirement("RFC 7009", "2.10", "MUST")
@requirement("RFC 7009", "2.9", "MUST NOT")
def test_a_revoked_token_opens_nothing():
    pass
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "tests" / "idp").mkdir(parents=True)
    return tmp_path


def test_each_mark_of_a_test_is_a_line(root):
    (root / "tests" / "idp" / "test_revocation.py").write_text(TEST, "utf-8")
    path, name = "tests/idp/test_revocation.py", "test_a_revoked_token_opens_nothing"
    found = marks(root)
    assert found == [
        Shown("RFC 7009", "2.9", "MUST NOT", path, name),
        Shown("RFC 7009", "2.10", "MUST", path, name),
    ]
    assert "| 2.10 | MUST | [a revoked token opens nothing](../tests/idp/test_revocation.py) |" in page(found)
    assert "| [RFC 7009](#rfc-7009) | 2 | 1 | 1 | 0 | 0 | 0 | 1 |" in page(found)


@pytest.mark.parametrize("mark", ['"RFC 0", "1", "MUST"', '"RFC 7009", "2", "OUGHT"', '"RFC 7009", "2"', "NAME"])
def test_a_mark_without_a_place_is_named(root, mark):
    (root / "tests" / "test_one.py").write_text(f"@requirement({mark})\ndef test_one():\n    pass\n", "utf-8")
    with pytest.raises(NotListed, match="tests/test_one.py"):
        marks(root)


def test_sections_are_in_the_order_of_their_numbers():
    sections = ["10", "2.10", "2.9", "A.1", "2"]
    assert sorted(sections, key=section_order) == ["2", "2.9", "2.10", "10", "A.1"]
