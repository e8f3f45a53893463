"""What an officer may bring: odd files, places and names are refused beside their field."""

from __future__ import annotations

import pytest

from signing.documents import State
from signing.workflow import title_from
from tests.signing.conftest import simple_pdf
from tests.signing.looking import state_of


@pytest.mark.parametrize("content", [b"", b"not a PDF", b"%PDF-1.7\n", b"PK\x03\x04" * 100])
def test_what_is_no_pdf_is_refused_beside_its_field(officer, content, services):
    response = officer.uploads(content, "letter.pdf")
    assert response.status_code == 400
    assert 'id="file-error"' in response.text
    assert list(services.files.folder.glob("*")) == []


def test_an_upload_without_a_file_is_refused_beside_its_field(officer):
    response = officer.browser.submit("/sign/documents", {})
    assert response.status_code == 400
    assert "โปรดเลือกไฟล์ PDF" in response.text


def test_a_file_that_is_too_large_is_refused_while_it_arrives(officer, services, monkeypatch):
    monkeypatch.setattr(services.files, "limit", 100)
    response = officer.uploads(simple_pdf(), "letter.pdf")
    assert response.status_code == 413
    assert list(services.files.folder.glob("*")) == []


@pytest.mark.parametrize(
    "form",
    [
        {"page": "2"},
        {"page": "0"},
        {"page": "๑"},
        {"page": ""},
        {"page": "9" * 400},
        {"place": "elsewhere"},
        {"place": "chosen", "x": "nan", "y": "1"},
        {"place": "chosen", "x": "1e9", "y": "1"},
        {"place": "chosen", "x": "-50", "y": "1"},
        {"place": "chosen", "x": "590", "y": "1"},
        {"place": "chosen", "x": "๑", "y": "1"},
        {"place": "chosen", "x": "", "y": ""},
    ],
)
def test_a_place_that_is_not_on_the_page_is_refused_beside_its_field(officer, letter, form, services):
    page = officer.document(letter)
    response = officer.asks(page, **form)
    assert response.status_code in {400, 404}
    assert "govuk-error-summary" in response.text
    assert state_of(services, page) is State.UPLOADED


@pytest.mark.parametrize(
    ("filename", "title"),
    [
        ("C:\\Users\\anan\\..\\ลับ.pdf", "ลับ.pdf"),
        ("../../etc/passwd", "passwd"),
        ("หนังสือ\u202e\u0007\x00.pdf", "หนังสือ.pdf"),
        ("", "document.pdf"),
        ("..", "document.pdf"),
        ("\u200b\t", "document.pdf"),
        ("a" * 500 + ".pdf", "a" * 200),
    ],
)
def test_a_file_name_becomes_a_plain_title(filename, title):
    assert title_from(filename) == title
