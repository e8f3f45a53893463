"""`prajak verify`, `prajak sign`, `prajak augment`: exit codes, whole files, untouched sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from signing.command import augment_file, sign_file, verify_file
from signing.errors import PageNotThere
from signing.pades import Level
from signing.trust_anchors import NoTrustAnchors, UnreadableAnchors
from tests.signing.workshop import Workshop, judged, plain_pdf


def verified(workshop: Workshop, file: Path) -> int:
    report = verify_file(
        file,
        settings=workshop.settings,
        at=workshop.pki.clock.now(),
        trust=[workshop.root_file],
        revocation=workshop.pki.lists(),
    )
    return report.exit_code


def sealed(workshop: Workshop, **how: object) -> Path:
    signer, certificate = workshop.officer("กรมตัวอย่าง")
    original = plain_pdf(pages=2)
    source, destination = workshop.file("in.pdf", original), workshop.folder / "out.pdf"
    sign_file(
        source,
        destination,
        settings=workshop.settings,
        signer=signer,
        certificate=certificate,
        trust=workshop.pki.trust,
        **how,  # type: ignore[arg-type]
    )
    assert source.read_bytes() == original
    return destination


def test_a_seal_signs_a_file_and_the_verifier_takes_it(workshop: Workshop):
    assert verified(workshop, sealed(workshop)) == 0


def test_visible_stands_at_the_lower_right_of_the_page(workshop: Workshop):
    file = sealed(workshop, page=2, appearance=workshop.appearance(kind="seal", name="กรมตัวอย่าง"))
    assert "ประทับตราอิเล็กทรอนิกส์" in judged("pdftotext", "-f", "2", "-l", "2", file, "-")
    assert "ประทับตราอิเล็กทรอนิกส์" not in judged("pdftotext", "-f", "1", "-l", "1", file, "-")
    with pytest.raises(PageNotThere):
        sealed(workshop, page=3, appearance=workshop.appearance())


def test_a_file_is_augmented_in_its_place(workshop: Workshop):
    file = sealed(workshop, level=Level.B_T)
    augment_file(file, file, settings=workshop.settings, trust=workshop.pki.trust)
    assert verified(workshop, file) == 0
    assert [path.name for path in workshop.folder.iterdir() if path.name.startswith(".")] == []


def test_exit_codes(workshop: Workshop):
    assert verified(workshop, workshop.file("plain.pdf", plain_pdf())) == 3
    assert verified(workshop, workshop.file("text.pdf", b"hello")) == 2
    good = sealed(workshop).read_bytes()
    assert verified(workshop, workshop.file("bad.pdf", good.replace(b"of the letter", b"of the litter", 1))) == 1


def test_a_file_over_the_limit_ends_with_2(workshop: Workshop):
    file = workshop.folder / "huge.pdf"
    with file.open("wb") as huge:
        huge.truncate(workshop.settings.max_pdf_bytes + 1)
    assert verified(workshop, file) == 2


def test_an_anchor_that_is_no_certificate_is_named(workshop: Workshop):
    anchors = workshop.file("anchors.pem", b"hello")
    now = workshop.pki.clock.now()
    with pytest.raises(UnreadableAnchors, match=r"anchors\.pem"):
        verify_file(workshop.file("a.pdf", plain_pdf()), settings=workshop.settings, at=now, trust=[anchors])


def test_without_an_anchor_nothing_is_verified(workshop: Workshop):
    with pytest.raises(NoTrustAnchors):
        verify_file(workshop.file("a.pdf", plain_pdf()), settings=workshop.settings, at=workshop.pki.clock.now())


def test_anchors_come_from_a_folder(workshop: Workshop):
    folder = workshop.folder / "anchors"
    folder.mkdir()
    (folder / "root.pem").write_bytes(workshop.root_file.read_bytes())
    (folder / "README").write_text("no certificate")
    now = workshop.pki.clock.now()
    assert verify_file(sealed(workshop), settings=workshop.settings, at=now, trust=[folder]).exit_code == 0
