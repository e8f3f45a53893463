"""RFC 6749 section 3 and Appendix B: forms; and JSON that is read strictly."""

from __future__ import annotations

import pytest

from idp.errors import InvalidRequest
from idp.oauth2.parameters import NotStrictJson, check_line, read_form, read_json
from tests.protocol.requirement import requirement


@requirement("RFC 6749", "3.1", "MUST")
@requirement("RFC 6749", "3.2", "MUST")
def test_a_form_is_read_and_empty_values_are_absent():
    assert read_form(b"a=1&b=&c=%E0%B8%81+x") == {"a": "1", "c": "ก x"}


@pytest.mark.parametrize(
    "raw",
    [
        b"a=1&a=2",
        b"a=1&a=1",
        b"a=&a=1",
        b"a=%00",
        b"a=%FF",
        b"a=%ED%A0%80",
        b"\xff=1",
        b"&".join([b"a%d=1" % n for n in range(101)]),
    ],
)
@requirement("RFC 6749", "3.1", "MUST NOT")
@requirement("RFC 6749", "3.2", "MUST NOT")
def test_a_bad_form_is_refused(raw):
    with pytest.raises(InvalidRequest):
        read_form(raw)


@pytest.mark.parametrize(
    "text",
    [
        "{", "NaN", "[Infinity]", "1e999", '{"a":1,"a":2}', '"\\ud800"', "[" * 5000, "[" * 20 + "]" * 20, "9" * 5000,
        '{"a":' * 20 + "1" + "}" * 20,
    ],
)  # fmt: skip
def test_bad_json_is_refused(text):
    with pytest.raises(NotStrictJson):
        read_json(text, longest=10_000)


def test_long_json_is_refused():
    with pytest.raises(NotStrictJson, match="longer"):
        read_json('"' + "a" * 100 + '"', longest=50)


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\x7f", "\x1b"])
def test_control_characters_are_refused_in_what_is_given_back(value):
    with pytest.raises(InvalidRequest):
        check_line("state", value, longest=100)
