"""What `prajak verify`, `prajak sign` and `prajak augment` do; `idp/cli.py` parses and prints."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from cryptography import x509

from core.settings import Settings
from keys.signer import Signer
from signing.appearance import NATURAL_HEIGHT, NATURAL_WIDTH, Appearance
from signing.errors import PageNotThere, PdfTooLarge
from signing.pades import Level, augment, sign
from signing.pdf_input import check_pdf
from signing.prepared import Placement
from signing.trust_anchors import load_trust_anchors
from signing.trust_material import TrustMaterial
from signing.validation import ValidationReport, validate

MARGIN = 36.0  # points, half an inch
READABLE_BY_ALL = 0o644


def verify_file(
    file: Path,
    *,
    settings: Settings,
    at: datetime,
    trust: Sequence[Path] = (),
    own: Sequence[x509.Certificate] = (),
    revocation: Sequence[bytes] = (),
) -> ValidationReport:
    """`prajak verify`: `report.to_json(name)` is what it prints, `report.exit_code` how it ends.

    `trust` are the `--trust` options, `own` our roots where there is an installation; with no anchor at all
    NoTrustAnchors is raised. A file over the limit is read by nobody: it ends with 2, as what is no PDF does.
    """
    anchors = load_trust_anchors(settings.trust_anchors, *trust, own=own)
    try:
        return validate(file, settings=settings, anchors=anchors, at=at, revocation=revocation)
    except PdfTooLarge as refusal:
        reason = refusal.message % refusal.values
        return ValidationReport(readable=False, signatures=(), sha256="", reasons=(reason,))


def sign_file(
    source: Path,
    destination: Path,
    *,
    settings: Settings,
    signer: Signer,
    certificate: x509.Certificate,
    trust: TrustMaterial,
    level: Level = Level.B_LTA,
    field_name: str = "",
    page: int | None = None,
    appearance: Appearance | None = None,
) -> None:
    """`prajak sign` with a seal. `page` (`--visible`) shows `appearance` at the lower right of that page; the
    destination appears whole or not at all, and the source stays as it is.
    """
    pdf = read_file(source, settings)
    placement = lower_right(pdf, page, settings) if page is not None else None
    signed = sign(
        pdf,
        settings=settings,
        signer=signer,
        certificate=certificate,
        trust=trust,
        level=level,
        field_name=field_name,
        placement=placement,
        appearance=replace(appearance, at=trust.clock.now()) if appearance else None,
    )
    write_whole(destination, signed)


def augment_file(
    source: Path, destination: Path, *, settings: Settings, trust: TrustMaterial, level: Level = Level.B_LTA
) -> None:
    """`prajak augment`; source and destination may be the same file."""
    write_whole(destination, augment(read_file(source, settings), settings=settings, trust=trust, level=level))


def read_file(source: Path, settings: Settings) -> bytes:
    """Raises PdfTooLarge before a byte is read."""
    if source.stat().st_size > settings.max_pdf_bytes:
        raise PdfTooLarge(settings.max_pdf_bytes)
    return source.read_bytes()


def lower_right(pdf: bytes, page: int, settings: Settings) -> Placement:
    """The natural size, or smaller on a small page."""
    sizes = check_pdf(pdf, settings=settings).page_sizes
    if not 1 <= page <= len(sizes):
        raise PageNotThere(len(sizes))
    width, height = sizes[page - 1]
    scale = min(1.0, width / (NATURAL_WIDTH + 2 * MARGIN), height / (NATURAL_HEIGHT + 2 * MARGIN))
    return Placement(
        page=page,
        left=width - (NATURAL_WIDTH + MARGIN) * scale,
        bottom=MARGIN * scale,
        width=NATURAL_WIDTH * scale,
        height=NATURAL_HEIGHT * scale,
    )


def write_whole(destination: Path, content: bytes) -> None:
    """Into a file beside it, synced, then renamed: a crash leaves no half document."""
    with tempfile.NamedTemporaryFile(dir=destination.parent, prefix=".prajak-", delete=False) as file:
        written = Path(file.name)
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            written.chmod(destination.stat().st_mode & 0o777 if destination.exists() else READABLE_BY_ALL)
            written.replace(destination)
        except BaseException:
            written.unlink(missing_ok=True)
            raise
