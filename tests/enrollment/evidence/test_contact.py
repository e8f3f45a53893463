"""Addresses where people can be reached."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import PersonError
from enrollment.evidence.contact import read_contact


@pytest.mark.parametrize(
    ("typed", "channel", "address"),
    [
        (" Name.Sur+tag@Example.COM ", "email", "Name.Sur+tag@example.com"),
        ("name@ตัวอย่าง.ไทย", "email", "name@xn--72c1a1bt4awk9o.xn--o3cw4h"),
        ("081 234 5678", "sms", "+66812345678"),
        ("๐๘๑-๒๓๔-๕๖๗๘", "sms", "+66812345678"),
        ("+66 81 234 5678", "sms", "+66812345678"),
        ("+66 (0)81 234 5678", "sms", "+66812345678"),
        ("+44 7911 123456", "sms", "+447911123456"),
    ],
)
def test_an_address_is_told_by_its_form(typed: str, channel: str, address: str):
    contact = read_contact(typed)
    assert (contact.channel, contact.address) == (channel, address)


@pytest.mark.parametrize(
    "typed",
    ["", "name", "name@", "@example.com", "name@example", "na me@example.com", "name@example..com", ".name@example.com",
     "name@-example.com", "name@example.com\nBcc: other@example.com", "02 123 4567", "1234", "+66 2 123 4567", "+0812345678",
     "a" * 65 + "@example.com", "name@" + "a" * 250 + ".com", "081234567٨"],
)  # fmt: skip
def test_what_is_no_address_is_refused_beside_its_field(typed: str):
    with pytest.raises(PersonError) as refused:
        read_contact(typed)
    assert refused.value.field == "contact"


def test_a_hint_shows_too_little_to_be_used():
    assert read_contact("somchai@example.com").hint == "so•••@example.com"
    assert read_contact("0812345678").hint == "+66•••••678"


@given(st.text(max_size=60))
def test_an_accepted_address_holds_nothing_that_starts_another_header(typed: str):
    try:
        contact = read_contact(typed)
    except PersonError:
        return
    assert contact.address.isascii()
    assert contact.address.isprintable()
    assert " " not in contact.address
