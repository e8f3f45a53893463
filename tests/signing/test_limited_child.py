"""A hostile document costs its child's life and nothing else."""

from __future__ import annotations

import os
import threading
import time
import zlib
from pathlib import Path
from signal import SIGKILL

import pytest

from signing.child import process
from signing.errors import PdfTooComplex, PdfTooLarge, UnreadablePdf
from signing.limited_child import WARM, ChildFailed, Limits, Stopped, run, warm_up
from signing.pdf_input import check_pdf
from tests.signing.workshop import Workshop, plain_pdf

MEGABYTE = 1024 * 1024
FACTS = {"max_bytes": 200 * MEGABYTE}


def facts(pdf: bytes | Path, limits: Limits | None = None) -> int:
    found, _ = run("facts", {}, pdf, max_bytes=200 * MEGABYTE, limits=limits)
    return len(found["page_sizes"])


def test_documents_are_read_at_once_by_many_threads():
    counts: list[int] = []
    threads = [
        threading.Thread(target=lambda pages=pages: counts.append(facts(plain_pdf(pages=pages))))
        for pages in range(1, 9)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counts) == list(range(1, 9))


def test_a_warm_process_that_died_is_replaced():
    facts(plain_pdf())
    assert WARM.process is not None
    os.kill(WARM.process.pid, SIGKILL)
    WARM.process.wait()
    assert facts(plain_pdf()) == 1


def test_a_child_that_is_too_slow_is_stopped():
    began = time.monotonic()
    with pytest.raises(Stopped):
        facts(plain_pdf(pages=400), Limits(seconds=0.01))
    assert time.monotonic() - began < 5
    assert facts(plain_pdf()) == 1


def test_a_child_that_wants_too_much_memory_is_refused(workshop: Workshop):
    """The document alone is more than the child may take."""
    with pytest.raises((PdfTooComplex, Stopped)):
        facts(plain_pdf() + b" " * (8 * MEGABYTE), Limits(memory_bytes=2 * MEGABYTE))


def test_a_decompression_bomb_ends_within_seconds(workshop: Workshop):
    """A cross-reference stream of 200 kB that opens to 200 MB."""
    bomb = cross_reference_bomb(200 * MEGABYTE)
    assert len(bomb) < 400_000
    began = time.monotonic()
    with pytest.raises((PdfTooComplex, UnreadablePdf)):
        check_pdf(bomb, settings=workshop.settings)
    assert time.monotonic() - began < 10


def cross_reference_bomb(size: int) -> bytes:
    packed = zlib.compress(bytes(size), 9)
    body = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
    xref = (
        b"3 0 obj\n<</Type/XRef/Size %d/W[1 4 2]/Root 1 0 R/Filter/FlateDecode/Length %d>>\nstream\n"
        % (size // 7, len(packed))
        + packed
        + b"\nendstream\nendobj\n"
    )
    return body + xref + b"startxref\n%d\n%%%%EOF\n" % len(body)


@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_deep_nesting_is_a_sentence_not_a_crash(workshop: Workshop, depth: int):
    deep = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R/X" + b"[" * depth + b"]" * depth + b">>\nendobj\n"
    deep += b"2 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\n"
    pdf = deep + b"trailer<</Root 1 0 R/Size 3>>\nstartxref\n0\n%%EOF\n"
    with pytest.raises((PdfTooComplex, UnreadablePdf)):
        check_pdf(pdf, settings=workshop.settings)


def test_a_page_tree_that_loops_is_unreadable(workshop: Workshop):
    pdf = plain_pdf()
    looped = pdf.replace(b"/Kids [ 5 0 R ]", b"/Kids [ 2 0 R ]")
    assert looped != pdf
    with pytest.raises(UnreadablePdf):
        check_pdf(looped, settings=workshop.settings)


def test_a_file_over_the_limit_is_refused_before_it_is_read(tmp_path: Path):
    file = tmp_path / "huge.pdf"
    with file.open("wb") as huge:
        huge.truncate(300 * MEGABYTE)
    with pytest.raises(PdfTooLarge):
        facts(file)


def test_a_crash_names_the_place_and_no_word_of_the_document():
    with pytest.raises(ChildFailed) as caught:
        run("judge", {"at": "no time", "anchors": [], "revocation": []}, plain_pdf(), max_bytes=MEGABYTE)
    assert "ValueError at verdict.py" in caught.value.cause
    assert "no time" not in caught.value.cause


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.connect", (None, ("127.0.0.1", 80))),
        ("socket.__new__", (None, 2, 1, 0)),
        ("subprocess.Popen", ("sh",)),
        ("os.system", (b"true",)),
        ("os.exec", ("/bin/sh",)),
        ("open", ("/tmp/x", "w", os.O_WRONLY | os.O_CREAT)),
    ],
)
def test_the_child_reaches_no_network_no_program_and_writes_no_file(event: str, arguments: tuple[object, ...]):
    with pytest.raises(PermissionError):
        process.refuse(event, arguments)


def test_the_child_may_read_and_wait():
    process.refuse("open", ("/etc/hostname", "r", os.O_RDONLY))
    process.refuse("socket.__new__", (None, 1, 1, 0))


def test_the_child_gets_no_secrets():
    warm_up()
    assert WARM.process is not None
    environment = Path(f"/proc/{WARM.process.pid}/environ").read_bytes().split(b"\0")
    names = {entry.partition(b"=")[0] for entry in environment if entry}
    assert names <= {b"PYTHONPATH", b"PATH", b"LANG", b"TZ", b"LC_CTYPE"}
