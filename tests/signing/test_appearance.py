"""The visible signature: Thai that is shaped and can be copied, a date of the Buddhist era, a QR code that is one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import segno
from PIL import Image

from signing.appearance import Appearance, lines_of, written_date
from signing.child.drawing import MARGIN, QR_SIDE, QUIET_ZONE, dark_runs
from signing.child.thai_text import EmbeddedFont, font_file, shaped
from signing.pades import Level
from signing.prepared import Placement
from tests.signing.workshop import PLACE, Workshop, judged, plain_pdf

WORDS = ("ที่", "ผู้", "น้ำ", "ปู่", "กรุงเทพฯ", "ญู", "ฐู", "ปั้น")
AT = datetime(2026, 11, 22, 17, 30, tzinfo=UTC)  # after midnight in Bangkok


def test_the_date_is_bangkoks_in_the_buddhist_era():
    assert written_date(AT, "th") == "๒๓ พฤศจิกายน พ.ศ. ๒๕๖๙ เวลา ๐๐.๓๐ น."
    assert written_date(AT, "en") == "23 November 2026 (B.E. 2569), 00:30 ICT"


def test_the_lines_follow_the_letter(workshop: Workshop):
    lines = lines_of(workshop.appearance(at=AT))
    assert [line.text for line in lines] == [
        "ลงลายมือชื่ออิเล็กทรอนิกส์",
        "(นายอนันต์ ใจดี)",
        "ผู้อำนวยการสำนักทะเบียนกลาง",
        "กรมตัวอย่าง กระทรวงทดสอบ",
        "๒๓ พฤศจิกายน พ.ศ. ๒๕๖๙ เวลา ๐๐.๓๐ น.",
    ]


def test_a_seal_has_no_parentheses_and_no_empty_line(workshop: Workshop):
    lines = lines_of(workshop.appearance(kind="seal", name="กรมตัวอย่าง", position="", at=AT))
    assert [line.text for line in lines][:3] == ["ประทับตราอิเล็กทรอนิกส์", "กรมตัวอย่าง", "กรมตัวอย่าง กระทรวงทดสอบ"]


def test_a_long_position_is_parted_at_its_middle_space(workshop: Workshop):
    long = "ผู้อำนวยการกองบริหารงานทะเบียนราษฎร ปฏิบัติราชการแทนอธิบดีกรมตัวอย่าง"
    texts = [line.text for line in lines_of(workshop.appearance(position=long, at=AT))]
    assert texts[2:4] == long.split(" ")


@pytest.mark.parametrize("word", WORDS)
def test_no_letter_is_missing_from_the_font(word: str):
    assert all(glyph.number != 0 for glyph in shaped("Regular", word))


def test_marks_move_out_of_each_others_way():
    """A tone mark stands higher over an upper vowel; the lower vowel under YO YING takes the foot away."""
    alone, over_vowel = shaped("Regular", "ป่"), shaped("Regular", "ปี่")
    assert (over_vowel[-1].number, over_vowel[-1].up) != (alone[-1].number, alone[-1].up)
    assert shaped("Regular", "ญ")[0].number != shaped("Regular", "ญู")[0].number
    assert shaped("Regular", "ฐ")[0].number != shaped("Regular", "ฐู")[0].number


def test_sara_am_is_drawn_in_its_two_parts_with_the_tone_on_the_first():
    assert [glyph.text for glyph in shaped("Regular", "น้ำ")] == ["น", "ํ้", "า"]


def test_a_line_carries_its_exact_text():
    """ISO 32000-2 section 14.9.4."""
    assert "น้ำ".encode("utf-16-be").hex().upper().encode() in EmbeddedFont("Regular").line("น้ำ", 10)


def test_every_word_can_be_copied_from_the_page(workshop: Workshop):
    appearance = workshop.appearance(name=" ".join(WORDS), position="กตัญญู ฐานะ", agency="น้ำตาล ปั้นจั่น")
    signed = workshop.signs(plain_pdf(), appearance=appearance, level=Level.B_B)
    text = judged("pdftotext", "-layout", workshop.file("signed.pdf", signed), "-")
    for word in (*WORDS, "กตัญญู", "ฐานะ", "น้ำตาล", "ปั้นจั่น", "ลงลายมือชื่ออิเล็กทรอนิกส์"):
        assert word in text, word


def test_the_font_is_embedded_whole_with_its_licence(workshop: Workshop):
    signed = workshop.signs(plain_pdf(), level=Level.B_B)
    fonts = judged("pdffonts", workshop.file("signed.pdf", signed)).splitlines()
    ours = [line.split() for line in fonts if line.startswith("Sarabun")]
    assert {line[0] for line in ours} == {"Sarabun-Regular", "Sarabun-Bold"}
    assert all(line[4:7] == ["yes", "no", "yes"] for line in ours)  # embedded, not a subset, with ToUnicode
    assert "SIL OPEN FONT LICENSE" in (font_file("Regular").parent / "OFL.txt").read_text()


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_the_qr_code_on_the_page_is_the_verifiers_address(workshop: Workshop, rotate: int):
    """Upright on a turned page too: every module of the picture is compared with the code of ISO/IEC 18004."""
    place = Placement(page=1, left=100, bottom=100, width=227, height=79)
    pdf = workshop.signs(plain_pdf(rotate=rotate), placement=place, level=Level.B_B)
    matrix = [list(row) for row in segno.make(workshop.appearance().qr_url, error="m", micro=False).matrix]
    assert modules(workshop, pdf, place, len(matrix)) == matrix


def modules(workshop: Workshop, pdf: bytes, place: Placement, count: int) -> list[list[int]]:
    scale = 600 / 72
    judged("pdftoppm", "-r", "600", "-png", "-singlefile", workshop.file("signed.pdf", pdf), workshop.folder / "page")
    picture = Image.open(workshop.folder / "page.png").convert("L")
    module = QR_SIDE / (count + 2 * QUIET_ZONE)
    left = place.left + place.width - MARGIN - QR_SIDE + QUIET_ZONE * module
    top = picture.height / scale - (place.bottom + place.height - MARGIN / 2) + QUIET_ZONE * module

    def is_dark(row: int, column: int) -> int:
        at = (round((left + (column + 0.5) * module) * scale), round((top + (row + 0.5) * module) * scale))
        return int(picture.getpixel(at) < 128)  # type: ignore[operator]

    return [[is_dark(row, column) for column in range(count)] for row in range(count)]


def test_runs_of_dark_modules():
    assert dark_runs(bytes([1, 1, 0, 1, 0, 0, 1, 1, 1])) == [(0, 2), (3, 1), (6, 3)]


def test_an_invisible_signature_shows_nothing(workshop: Workshop):
    signed = workshop.signs(plain_pdf(), placement=None, appearance=None, level=Level.B_B)
    assert judged("pdftotext", workshop.file("signed.pdf", signed), "-").strip() == "Page 1 of the letter"
    assert workshop.signs(plain_pdf(), placement=PLACE, appearance=None, level=Level.B_B)


def test_hostile_words_stay_words(workshop: Workshop):
    appearance = Appearance(
        name="(x) Tj ET Q \\ <>\u202e", position="\x00\n\n", agency="😀", at=AT, qr_url="https://localhost/"
    )
    signed = workshop.signs(plain_pdf(), appearance=appearance, level=Level.B_B)
    judged("qpdf", "--check", workshop.file("signed.pdf", signed))
