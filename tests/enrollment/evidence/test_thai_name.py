"""Thai names are compared as Thai: marks are letters, and no two names become one by losing them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.errors import PersonError
from enrollment.evidence.thai_name import normalised, read_latin_name, read_thai_name, same_name, without_title

CONSONANTS = [chr(code) for code in range(0x0E01, 0x0E2F) if code not in (0x0E24, 0x0E26)]
LEADING, ABOVE_BELOW = list("เแโใไ"), list("ัิีึืุู็")
FOLLOWING, TONES = list("ะาำ"), list("่้๊๋")
syllable = st.builds(
    lambda lead, consonant, vowel, tone, follow: lead + consonant + vowel + tone + follow,
    st.sampled_from(["", *LEADING]),
    st.sampled_from(CONSONANTS),
    st.sampled_from(["", *ABOVE_BELOW]),
    st.sampled_from(["", *TONES]),
    st.sampled_from(["", *FOLLOWING]),
)
names = st.lists(syllable, min_size=1, max_size=5).map("".join)


def test_names_that_differ_in_a_vowel_stay_two_names():
    assert not same_name("ใจดี", "ใจดู")
    assert not same_name("ขาว", "ข่าว")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("น้ำฝน", "นํ้าฝน"),  # sara am taken apart, as PDFs and OCR leave it
        ("น้ำฝน", "น้ํ\u0e32ฝน"),
        ("น้ำฝน", "นำ้ฝน"),
        ("แก้ว", "เเก้ว"),  # two sara e typed for one sara ae
        ("กี่", "ก\u0e48\u0e35"),  # tone before vowel
        ("สมชาย", "สม\u200bชาย"),
        ("สมชาย", " สมชาย\u00a0"),
        ("ณ อยุธยา", "ณ  อยุธยา"),
        ("สมชาย", "นาย สมชาย"),
        ("สมชาย", "นายสมชาย"),
        ("มาลี", "น.ส.มาลี"),
        ("มาลี", "นางสาวมาลี"),
        ("ดี", "ดีี"),  # a mark typed twice cannot be seen
        ("José", "jose"),
        ("O'Brien", "O’BRIEN"),
        ("Smith-Jones", "Smith Jones"),
    ],
)
def test_one_name_in_two_spellings_is_one_name(one: str, other: str):
    assert same_name(one, other)


@pytest.mark.parametrize(("one", "other"), [("สมชาย", "Somchai"), ("", ""), ("สมชาย", ""), ("นาย", "นาง")])
def test_other_scripts_and_nothing_are_no_match(one: str, other: str):
    assert not same_name(one, other)


@pytest.mark.parametrize("name", ["นายิกา", "นางนวล", "นาย", "นาง"])
def test_a_name_that_only_begins_like_a_title_is_left_whole(name: str):
    assert without_title(name) == name


def test_sara_am_is_not_taken_apart():
    assert normalised("น้ำ") == "น้ำ"
    assert unicodedata.normalize("NFKC", "น้ำ") != "น้ำ"


@given(names)
def test_normalising_again_changes_nothing(name: str):
    assert normalised(normalised(name)) == normalised(name)


@given(names)
def test_normalising_loses_no_mark_but_a_doubled_one(name: str):
    assert set(normalised(name)) >= set(name) - {"\u0e4d", "\u0e32", "เ", "\u0e33"} - {" "}


@given(names, names)
def test_two_names_are_the_same_only_when_they_look_the_same(one: str, other: str):
    assume(without_title(normalised(one)) != without_title(normalised(other)))
    assert not same_name(one, other)


@given(st.text(max_size=40))
def test_whatever_is_typed_is_read_or_refused_in_a_sentence(typed: str):
    for read in (read_thai_name, read_latin_name):
        try:
            name = read(typed, field="name")
        except PersonError:
            continue
        assert name


@pytest.mark.parametrize("typed", ["Somchai", "สมชาย2", "สมชาย<b>", "สมชาย\u0e3f", "๑๒๓", "ก" * 101])
def test_a_thai_name_is_of_thai_letters(typed: str):
    with pytest.raises(PersonError):
        read_thai_name(typed, field="given_name_th")


@pytest.mark.parametrize("typed", ["สมเจตน์ฯ", "กฤษฎ์ปกรณ์", "ณ จำลองบุรี", "ศิริวงศ์-สุข", "ม.ล.", "ฤทธิ์ชัย"])
def test_marks_spaces_and_dashes_are_part_of_names(typed: str):
    assert read_thai_name(typed, field="given_name_th") == typed


def test_a_dash_means_no_family_name():
    assert read_thai_name("-", field="family_name_th", required=False) == ""
