"""The files of the documents on the desk, below the data directory: one folder a document, nobody else may read it.

A file is there whole or not at all: it is written beside its place, flushed to the disk, then renamed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from core.identifiers import new_id
from core.settings import Settings
from signing.errors import PdfTooLarge

CHUNK = 1024 * 1024


class DocumentFiles:
    """`document_id` is always one of our own rows' identifiers, never a person's text."""

    def __init__(self, settings: Settings) -> None:
        self.folder = settings.data_dir / "documents"
        self.limit = settings.max_pdf_bytes

    def uploaded(self, document_id: str) -> Path:
        return self.folder / document_id / "uploaded.pdf"

    def prepared(self, document_id: str, digest: bytes) -> Path:
        """Named by its digest: another preparation of the same document never takes its place."""
        return self.folder / document_id / f"prepared-{digest.hex()}"

    def signed(self, document_id: str, result_hash: bytes) -> Path:
        """Named by its hash too: what was handed out is never overwritten."""
        return self.folder / document_id / f"signed-{result_hash.hex()}.pdf"

    @contextmanager
    def arriving(self, source: IO[bytes]) -> Iterator[Path]:
        """What was uploaded, in a file that is gone at the end unless it was kept; PdfTooLarge while it is copied."""
        place = self._incoming()
        try:
            with place.open("xb") as target:
                copy(source, target, self.limit)
            yield place
        finally:
            place.unlink(missing_ok=True)

    def keep_upload(self, arrived: Path, document_id: str) -> None:
        self._make(self.folder / document_id)
        arrived.rename(self.uploaded(document_id))
        flush_folder(self.folder / document_id)

    def write(self, place: Path, content: bytes) -> None:
        self._make(place.parent)
        beside = place.with_name(f".{new_id()}")
        with beside.open("xb") as target:
            target.write(content)
            flush(target)
        beside.rename(place)
        flush_folder(place.parent)

    def forget_prepared(self, document_id: str) -> None:
        for each in (self.folder / document_id).glob("prepared-*"):
            each.unlink(missing_ok=True)

    def remove(self, document_id: str) -> None:
        shutil.rmtree(self.folder / document_id, ignore_errors=True)

    def _incoming(self) -> Path:
        self._make(self.folder)
        return self.folder / f".{new_id()}"

    def _make(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def copy(source: IO[bytes], target: IO[bytes], limit: int) -> None:
    length = 0
    while chunk := source.read(CHUNK):
        length += len(chunk)
        if length > limit:
            raise PdfTooLarge(limit)
        target.write(chunk)
    flush(target)


def flush(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """A rename is only durable with its folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
