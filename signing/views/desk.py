"""The officer's desk: the list, one document and its steps, the files."""

from __future__ import annotations

from flask import Response, redirect, request, send_file
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from core.errors import PersonError, Unavailable
from core.web import ANYONE, allow_form_action, callers, get_cookie, local_path, page, takes_upload
from signing.documents import Document, State, grouped_reference
from signing.placement import CORNERS, placement_from_form, size_on
from signing.refusals import NoFile, NoSuchDocument, StepNotPossible
from signing.signing_act import SigningAct
from signing.views.installed import SESSION_COOKIE, SIGNER, browser_of, current_officer, officer, services
from signing.views.notices import notice_of
from signing.workflow import Workflow

BUSY_REFRESH = 3  # seconds


@callers(ANYONE)
def show_desk() -> ResponseReturnValue:
    if current_officer() is None:
        return_to = local_path(request.args.get("return_to", ""), "/sign")
        allow_provider()
        return page("signing/welcome.html", return_to=return_to, notice=notice_of(request.args))
    return desk_page()


@callers(SIGNER)
@takes_upload
def upload() -> ResponseReturnValue:
    file = request.files.get("file")
    try:
        if file is None or not file.filename:
            raise NoFile
        document_id = Workflow(services()).upload(officer(), file.stream, file.filename)
    except Unavailable:
        raise
    except PersonError as refusal:
        return desk_page(refusal)
    return redirect(f"/sign/documents/{document_id}", 303)


@callers(SIGNER)
def show_document(document_id: str) -> ResponseReturnValue:
    return document_page(own(document_id))


@callers(SIGNER)
def ask(document_id: str) -> ResponseReturnValue:
    """The signature's place was chosen: on to the provider."""
    document = own(document_id)
    try:
        placement = placement_from_form(request.form, document.facts.page_sizes)
        browser = browser_of(get_cookie(SESSION_COOKIE))
        return redirect(Workflow(services()).ask(officer(), document_id, placement, browser=browser), 303)
    except StepNotPossible:
        return redirect(f"/sign/documents/{document_id}?notice=moved-on", 303)
    except PersonError as refusal:
        return document_page(document, refusal)


@callers(SIGNER)
def complete(document_id: str) -> ResponseReturnValue:
    """Goes on where a signature that the officer has authorized was interrupted."""
    own(document_id)
    try:
        SigningAct(services()).complete(document_id)
    except PersonError:
        return redirect(f"/sign/documents/{document_id}?notice=not-completed", 303)
    return redirect(f"/sign/documents/{document_id}", 303)


@callers(SIGNER)
def remove(document_id: str) -> ResponseReturnValue:
    try:
        Workflow(services()).remove(officer(), document_id)
    except NoSuchDocument:  # a second click
        return redirect("/sign", 303)
    except StepNotPossible:
        return redirect(f"/sign/documents/{document_id}?notice=moved-on", 303)
    return redirect("/sign?notice=removed", 303)


@callers(SIGNER)
def uploaded_file(document_id: str) -> ResponseReturnValue:
    document = own(document_id)
    path = services().files.uploaded(document.id)
    return send_file(path.absolute(), "application/pdf", as_attachment=True, download_name=document.title)


@callers(SIGNER)
def signed_file(document_id: str) -> ResponseReturnValue:
    document = own(document_id)
    if document.result_hash is None:
        raise NoSuchDocument
    path = services().files.signed(document.id, document.result_hash)
    name = signed_name(document.title)
    return send_file(path.absolute(), "application/pdf", as_attachment=True, download_name=name)


def own(document_id: str) -> Document:
    return services().documents.load(document_id, sub=officer().sub)


def desk_page(refusal: PersonError | None = None) -> Response:
    given, person = services(), officer()
    return page(
        "signing/desk.html",
        refusal.status if refusal else 200,
        officer=person,
        credential=given.credentials.active_for(person.sub),
        documents=given.documents.of(person.sub),
        errors=errors_of(refusal),
        notice=notice_of(request.args),
        megabytes=given.ground.settings.max_pdf_bytes // (1024 * 1024),
    )


def document_page(document: Document, refusal: PersonError | None = None) -> Response:
    """One template a state; the browser is sent on to the provider from here."""
    given, person = services(), officer()
    allow_provider()
    busy = document.busy_until is not None and document.busy_until > given.ground.clock.now()
    sizes = document.facts.page_sizes
    response = page(
        f"signing/document_{TEMPLATES[document.state]}.html",
        refusal.status if refusal else 200,
        officer=person,
        document=document,
        credential=signing_credential(document, person.sub),
        corners=CORNERS,
        place=request.form.get("place", "bottom-right"),
        page_number=request.form.get("page", str(document.pages)),
        form=request.form,
        natural_size=size_on(sizes[-1]),
        page_sizes=[sizes[0]] if len(set(sizes)) == 1 else sizes,
        reference=grouped_reference(document.reference),
        busy=busy,
        errors=errors_of(refusal),
        notice=notice_of(request.args),
    )
    if document.state is State.AUTHORIZED and busy:
        response.headers["Refresh"] = str(BUSY_REFRESH)
    return response


TEMPLATES = {
    State.UPLOADED: "place",
    State.PREPARED: "place",
    State.AUTHORIZED: "authorized",
    State.SIGNED: "signed",
}


def signing_credential(document: Document, sub: str) -> object:
    """The one that signed, or the one that would sign now."""
    credentials = services().credentials
    if document.state in (State.AUTHORIZED, State.SIGNED) and document.credential_id:
        return credentials.load(document.credential_id)
    return credentials.active_for(sub)


def errors_of(refusal: PersonError | None) -> dict[str, str]:
    return {refusal.field or "": gettext(refusal.message, **refusal.values)} if refusal else {}


def signed_name(title: str) -> str:
    """letter.pdf becomes letter-signed.pdf, so that nobody mixes the two up."""
    stem = title[:-4] if title.lower().endswith(".pdf") else title
    return f"{stem}-signed.pdf"


def allow_provider() -> None:
    """Where the form's answer leads: or the browser blocks the way to the provider, if that is another origin."""
    allow_form_action(services().ground.settings.issuer)
