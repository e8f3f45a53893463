"""A stranger's file, validated against our own root and the anchors of the deployment, and forgotten."""

from __future__ import annotations

from typing import IO

from signing.services import SigningServices
from signing.validation import ValidationReport, validate


def validate_upload(services: SigningServices, source: IO[bytes]) -> ValidationReport:
    """In the limited child; the file is gone when the report is there. Raises PdfTooLarge."""
    with services.files.arriving(source) as arrived:
        return validate(
            arrived,
            settings=services.ground.settings,
            anchors=services.anchors,
            at=services.ground.clock.now(),
            revocation=services.known_revocation(),
        )
