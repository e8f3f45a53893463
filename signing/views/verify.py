"""The public verifier: a page and an API. No sign-in, and nothing that is uploaded is kept."""

from __future__ import annotations

from datetime import timedelta

from flask import jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from werkzeug.datastructures import FileStorage

from core.errors import PersonError
from core.web import ANYONE, callers, machine, page, source, takes_upload
from signing.documents import grouped_reference, typed_reference
from signing.errors import EncryptedPdf, UnreadablePdf
from signing.refusals import NoFile, NoSuchDocument
from signing.report import plain
from signing.validation import ValidationReport
from signing.verification import validate_upload
from signing.views.installed import services
from signing.workflow import title_from

PER_MINUTE = 30  # files from one address: far above any person, below what would keep a server busy
LOOK_UPS_PER_MINUTE = 60


@callers(ANYONE)
def show_verifier() -> ResponseReturnValue:
    """With `?reference=`, as typed from paper, on to that reference's page."""
    if request.args.get("reference", "").strip():
        reference = typed_reference(request.args["reference"])
        if reference.isascii() and reference.isalnum():
            return redirect(f"/verify/{reference}", 303)
        return verifier_page({"reference": gettext("A reference has letters and digits only.")}, 400)
    return verifier_page({})


@callers(ANYONE)
@takes_upload
def verify_file() -> ResponseReturnValue:
    try:
        file, report = validate_request()
    except PersonError as refusal:
        return verifier_page({refusal.field or "": gettext(refusal.message, **refusal.values)}, refusal.status)
    title = title_from(file.filename or "")
    return page("signing/verified.html", title=title, report=report, plain=plain(report))


@callers(ANYONE)
@machine
@takes_upload
def api_verify() -> ResponseReturnValue:
    """The same JSON as `prajak verify --json`; refusals as `{"error", "error_description"}` with a 4xx status."""
    file, report = validate_request()
    return jsonify(report.to_json(title_from(file.filename or "")))


@callers(ANYONE)
def show_reference(reference: str) -> ResponseReturnValue:
    """From the QR code on paper: what to compare. Unknown and not yet signed are the same to a stranger."""
    given = services()
    given.throttle.check("verify-reference", source(), limit=LOOK_UPS_PER_MINUTE, window=timedelta(minutes=1))
    try:
        document = given.documents.load_signed(typed_reference(reference))
    except NoSuchDocument:
        return page("signing/reference_unknown.html", 404, reference=reference)
    credential = given.credentials.load(document.credential_id or "")
    grouped = grouped_reference(document.reference)
    return page("signing/reference.html", document=document, credential=credential, reference=grouped)


def validate_request() -> tuple[FileStorage, ValidationReport]:
    """The uploaded file and its report; raises the refusals of the contract: no file, too large, no PDF, encrypted."""
    given = services()
    given.throttle.check("verify", source(), limit=PER_MINUTE, window=timedelta(minutes=1))
    file = request.files.get("file")
    if file is None or not file.filename:
        raise NoFile
    report = validate_upload(given, file.stream)
    if not report.readable:
        raise EncryptedPdf if report.encrypted else UnreadablePdf
    return file, report


def verifier_page(errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    megabytes = services().ground.settings.max_pdf_bytes // (1024 * 1024)
    return page(
        "signing/verify.html", status, errors=errors, megabytes=megabytes, reference=request.args.get("reference")
    )
