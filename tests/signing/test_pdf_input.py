"""What is known of an upload before it is signed."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name

from signing.errors import REFUSALS, EncryptedPdf, PdfTooLarge, UnreadablePdf, refusal_from_wire, refusal_to_wire
from signing.pdf_input import ExistingField, check_pdf
from tests.signing.workshop import Workshop, dictionary, judged, plain_pdf


def test_pages_sizes_and_digest(workshop: Workshop):
    pdf = plain_pdf(pages=3)
    facts = check_pdf(pdf, settings=workshop.settings)
    assert (facts.pages, facts.page_sizes) == (3, ((595.0, 842.0),) * 3)
    assert (facts.sha256, facts.length) == (sha256(pdf).hexdigest(), len(pdf))
    assert (facts.fields, facts.signing_permitted, facts.concerns) == ((), True, ())


def test_a_turned_page_has_its_size_as_shown(workshop: Workshop):
    assert check_pdf(plain_pdf(rotate=90), settings=workshop.settings).page_sizes == ((842.0, 595.0),)


def test_a_file_on_disk_says_the_same(workshop: Workshop):
    pdf = plain_pdf()
    assert check_pdf(workshop.file("a.pdf", pdf), settings=workshop.settings) == check_pdf(
        pdf, settings=workshop.settings
    )


def test_fields_that_are_there(workshop: Workshop):
    facts = check_pdf(workshop.signs(plain_pdf()), settings=workshop.settings)
    assert facts.fields == (
        ExistingField(name="Signature1", kind="signature", page=1),
        ExistingField(name="TimeStamp1", kind="time-stamp", page=None),
    )


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"not a PDF at all", b"\x00" * 2000, b"%PDF-1.4\ntrailer<<>>"])
def test_what_is_no_pdf_is_refused(workshop: Workshop, content: bytes):
    with pytest.raises(UnreadablePdf):
        check_pdf(content, settings=workshop.settings)


def test_an_encrypted_pdf_is_refused_with_its_own_sentence(workshop: Workshop):
    source, made = workshop.file("plain.pdf", plain_pdf()), workshop.folder / "encrypted.pdf"
    judged("qpdf", "--encrypt", "secret", "owner", "256", "--", source, made)
    with pytest.raises(EncryptedPdf):
        check_pdf(made, settings=workshop.settings)


def test_a_cut_off_pdf_is_refused(workshop: Workshop):
    pdf = plain_pdf(pages=3)
    with pytest.raises(UnreadablePdf):
        check_pdf(pdf[: len(pdf) // 2], settings=workshop.settings)


def test_too_large_says_the_limit(workshop: Workshop, tmp_path: Path):
    file = tmp_path / "large.pdf"
    with file.open("wb") as large:
        large.truncate(workshop.settings.max_pdf_bytes + 1)
    with pytest.raises(PdfTooLarge) as caught:
        check_pdf(file, settings=workshop.settings)
    assert caught.value.values == {"megabytes": 200}


CONCERNS = {
    "scripts": {"/OpenAction": dictionary({"/S": pdf_name("/JavaScript"), "/JS": generic.pdf_string("app.beep()")})},
    "hidden-layers": {
        "/OCProperties": dictionary({"/D": dictionary({"/OFF": generic.ArrayObject([generic.NumberObject(1)])})})
    },
    "external-content": {"/OpenAction": dictionary({"/S": pdf_name("/Launch")})},
    "empty-form-fields": {
        "/AcroForm": dictionary({"/Fields": generic.ArrayObject([dictionary({"/FT": pdf_name("/Tx")})])})
    },
}


@pytest.mark.parametrize("concern", CONCERNS)
def test_the_signer_is_told_what_could_change_the_document(workshop: Workshop, concern: str):
    facts = check_pdf(plain_pdf(root=CONCERNS[concern]), settings=workshop.settings)
    assert facts.concerns == (concern,)


def test_every_refusal_of_the_child_is_raised_as_what_it_is():
    for kind in REFUSALS:
        made = {
            "PdfTooLarge": lambda kind=kind: kind(2**20),
            "PageNotThere": lambda kind=kind: kind(4),
            "FieldTaken": lambda kind=kind: kind("Signature1"),
        }.get(kind.__name__, kind)()
        back = refusal_from_wire(refusal_to_wire(made))
        assert (type(back), back.message, back.field, back.values) == (kind, made.message, made.field, made.values)
