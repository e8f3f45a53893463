"""X.520 names in Thai and English: bounds in characters, control characters refused."""

from dataclasses import replace

import pytest

from keys.errors import CertificateError
from keys.subject import Subject, english_name, subject_names, thai_name
from tests.keys.conftest import ANAN


def test_the_thai_name_is_whole_and_in_order():
    assert list(thai_name(ANAN).native.items()) == [
        ("country_name", "TH"),
        ("organization_name", "กรมตัวอย่าง"),
        ("title", "ผู้อำนวยการ"),
        ("surname", "ใจดี"),
        ("given_name", "อนันต์"),
        ("serial_number", "OFFICER-000001"),
        ("common_name", "นายอนันต์ ใจดี"),
    ]


def test_sixty_four_thai_characters_fit_though_they_are_192_bytes():
    name = "ก" * 64
    assert thai_name(Subject(name_th=name)).native["common_name"] == name
    with pytest.raises(CertificateError, match="common_name is longer than 64 characters"):
        thai_name(Subject(name_th=name + "ก"))


@pytest.mark.parametrize("text", ["Anan\x00", "Anan\nJaidee", " Anan", "Anan\u202e"])
def test_what_cannot_be_seen_is_refused(text):
    with pytest.raises(CertificateError, match="control characters, or spaces at its ends"):
        english_name(Subject(name_th="x", name_en=text))


def test_a_serial_is_printable_ascii():
    with pytest.raises(CertificateError, match="serial_number may have"):
        thai_name(replace(ANAN, serial="๑๒๓"))


def test_both_names_are_read_back_from_a_certificate(officer):
    thai, english = subject_names(officer.certificate)
    assert thai["common_name"] == "นายอนันต์ ใจดี"
    assert (english["common_name"], english["title"]) == ("Mr Anan Jaidee", "Director")


def test_a_service_has_one_name(trust):
    name = {
        "country_name": "TH",
        "organization_name": "Prajak (sandbox, not for real use)",
        "common_name": "Prajak Sandbox Root CA - G1",
    }
    assert subject_names(trust.ca.root) == (name, {})
