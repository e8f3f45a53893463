"""The officer's way through the desk, by its pages, with a provider behind its protocol."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from core.audit import AuditEntry
from signing import csc
from signing.documents import State
from signing.errors import LevelNotReached
from signing.models.document import SigningDocument
from signing.session import Officer
from signing.signing_act import BUSY, SigningAct
from signing.workflow import title_from
from tests.authenticator import SoftwareAuthenticator
from tests.signing.conftest import OfficerAtDesk, identity, passkey_of, simple_pdf
from tests.signing.provider_double import assertion_over


def events(ground):
    with ground.database.read() as connection:
        rows = connection.execute(select(AuditEntry.event, AuditEntry.reason).order_by(AuditEntry.number)).all()
    return [(row.event, row.reason) for row in rows if row.event.startswith("signing.")]


def state_of(services, page):
    return services.documents.load_any(page.rsplit("/", 1)[1]).state


def test_an_officer_signs_a_document(officer, letter, services, ground):
    page = officer.document(letter)
    assert officer.browser.get(page).status_code == 200
    done = officer.signs(page)
    assert done.location == page
    shown = officer.browser.get(page).text
    assert "ลงลายมือชื่อในเอกสารแล้ว" in shown
    assert "อนันต์ ทดสอบ" in shown
    signed = officer.downloads(f"{page}/signed.pdf")
    assert signed.startswith(letter)
    assert sha256(signed).hexdigest() in shown
    assert [event for event, _ in events(ground)] == [
        "signing.credential.issued",
        "signing.session.started",
        "signing.document.uploaded",
        "signing.document.prepared",
        "signing.document.authorized",
        "signing.document.signed",
    ]


def test_the_signed_file_verifies_and_names_the_officer(officer, letter):
    page = officer.document(letter)
    officer.signs(page)
    answer = officer.verifies(officer.downloads(f"{page}/signed.pdf"))
    (signature,) = answer.json["signatures"]
    assert signature["indication"] == "TOTAL-PASSED"
    assert signature["level"] == "PAdES-BASELINE-LTA"
    assert signature["signer"] == "อนันต์ ทดสอบ"


def test_the_provider_is_shown_the_name_and_the_hash_of_the_uploaded_file(officer, letter, double):
    page = officer.document(letter)
    officer.asks(page)
    (pushed,) = double.pushed.values()
    (detail,) = json.loads(pushed["authorization_details"])
    (digest,) = detail["documentDigests"]
    assert digest["prajak_document_name"] == "หนังสือ.pdf"
    assert digest["prajak_document_hash"] == b64encode(sha256(letter).digest()).decode()
    assert digest["hash"] != digest["prajak_document_hash"]
    assert pushed["acr_values"] == "urn:prajak:sandbox:ial1.1:aal3"


def test_a_chosen_place_is_kept(officer, letter, services):
    page = officer.document(letter)
    officer.asks(page, place="chosen", x="100", y="200.5")
    placement = services.documents.load_any(page.rsplit("/", 1)[1]).placement
    assert (placement.page, placement.left, placement.bottom) == (1, 100, 200.5)


# ---------------------------------------------------------------- refusals lead on, and nothing is signed


def refused_with(officer, page, notice, services, reason):
    response = officer.signs(page)
    assert response.location == f"{page}?notice={notice}"
    assert officer.browser.get(response.location).status_code == 200
    assert state_of(services, page) is State.PREPARED
    assert events(services.ground)[-1] == ("signing.refused", reason)
    assert officer.browser.get(f"{page}/signed.pdf").status_code == 404


def test_a_lying_provider_gets_no_signature(officer, letter, double, services):
    page = officer.document(letter)
    forger = SoftwareAuthenticator(credential_id=double.authenticator.credential_id)
    double.lies.details = lambda detail: detail | {"prajak_assertion": assertion_over(detail, forger)}
    refused_with(officer, page, "not-authorized", services, "assertion")


def test_a_provider_without_an_assertion_gets_no_signature(officer, letter, double, services):
    page = officer.document(letter)
    double.lies.details = lambda detail: {k: v for k, v in detail.items() if k != "prajak_assertion"}
    refused_with(officer, page, "not-authorized", services, "prajak_assertion")


def test_another_officer_who_answers_gets_no_signature(officer, letter, double, services):
    page = officer.document(letter)
    double.sub = "officer-malee"
    refused_with(officer, page, "not-authorized", services, "sub")


def test_a_replayed_assertion_gets_no_second_signature(officer, letter, double, services):
    """The provider keeps an answer and gives it again for the same document, prepared a second time."""
    page = officer.document(letter)
    kept = []
    double.lies.answer = lambda answer: kept.append(answer) or answer
    officer.signs(page)
    second = officer.document(letter)
    double.lies.answer = lambda _answer: kept[0]
    refused_with(officer, second, "not-authorized", services, "authorization_details")


def test_one_answer_is_spent_once_even_when_it_comes_twice_at_once(officer, letter, double, services, monkeypatch):
    """The same request and the same assertion on two workers: one signature, one refusal, one spent assertion."""
    page = officer.document(letter)
    taken, answers = [], []
    take = type(services.pending).take
    monkeypatch.setattr(type(services.pending), "take", lambda *given: taken.append(take(*given)) or taken[0])
    double.lies.answer = lambda answer: answers.append(answer) or answer
    officer.signs(page)
    double.lies.answer = lambda _answer: answers[0]
    document_id = page.rsplit("/", 1)[1]
    with services.ground.database.write() as connection:
        back = {"state": State.PREPARED, "signature_value": None, "signed_attributes_hash": None}
        services.documents.change(connection, document_id, **back)
    monkeypatch.setattr(services.provider, "redeem", lambda *_given, **_named: answers[0])
    with pytest.raises(Exception, match="assertion"):
        SigningAct(services).authorize(person(officer, services), taken[0], "code", "test")
    assert state_of(services, page) is State.PREPARED


def person(officer, services):
    return Officer(session_id="x", sub=officer.double.sub, name_th="", name_en="")


def test_a_document_that_was_prepared_again_is_not_signed_with_the_older_answer(officer, letter, services, clock):
    """Two tabs: the officer confirms the first, but the second has moved the signature since."""
    page = officer.document(letter)
    first = officer.returns(officer.asks(page))
    clock.advance(timedelta(seconds=1))
    officer.asks(page, place="top-left")
    assert officer.browser.get(first).location == f"{page}?notice=not-authorized"
    assert events(services.ground)[-1] == ("signing.refused", "digests")


def test_an_officer_who_takes_too_long_is_asked_again(officer, letter, services, clock):
    page = officer.document(letter)
    back = officer.returns(officer.asks(page))
    clock.advance(timedelta(minutes=11))
    assert officer.browser.get(back).location == f"{page}?notice=expired"
    assert officer.signs(page).location == page
    assert state_of(services, page) is State.SIGNED


def test_a_declined_signing_keeps_the_document(officer, letter, double, services):
    page = officer.document(letter)
    double.refuses = "access_denied"
    assert officer.signs(page).location == f"{page}?notice=declined"
    assert "ไม่มีการลงลายมือชื่อ" in officer.browser.get(f"{page}?notice=declined").text
    double.refuses = ""
    assert officer.signs(page).location == page


def test_a_revoked_credential_signs_no_more(officer, letter, services, credential):
    page = officer.document(letter)
    back = officer.returns(officer.asks(page))
    services.credentials.revoke(credential.id)
    assert officer.browser.get(back).location == f"{page}?notice=not-authorized"
    assert officer.asks(page).status_code == 403


def test_an_officer_whose_certificate_has_expired_is_told_before_confirming(officer, letter, double, clock):
    page = officer.document(letter)
    clock.advance(timedelta(days=366))
    officer.signs_in()
    assert officer.asks(page).status_code == 403
    assert not double.pushed


def test_an_authenticator_whose_counter_goes_back_is_refused(officer, letter, double, services):
    """WebAuthn Level 3 section 7.2 step 22: a copy of the authenticator."""
    officer.signs(officer.document(letter))
    double.authenticator.sign_count = 0
    refused_with(officer, officer.document(letter), "not-authorized", services, "assertion")


def test_an_answer_of_another_issuer_is_not_looked_at(officer, letter, double, services):
    """RFC 9207: the mix-up attack."""
    page = officer.document(letter)
    double.lies.redirect = lambda parameters: parameters | {"iss": "https://elsewhere.example"}
    assert officer.signs(page).location == page
    assert state_of(services, page) is State.PREPARED


def test_an_answer_in_another_browser_is_not_taken(officer, letter, desk_app, double, services):
    """An officer's answer, sent to a second officer who is signed in elsewhere."""
    page = officer.document(letter)
    back = officer.returns(officer.asks(page))
    other = OfficerAtDesk(desk_app.test_client(), double)
    other.signs_in()
    assert other.browser.get(back).location == page
    assert state_of(services, page) is State.PREPARED


# ---------------------------------------------------------------- Back, double click, crash


def test_a_second_click_on_the_answer_leads_to_the_signed_document(officer, letter, services):
    page = officer.document(letter)
    back = officer.returns(officer.asks(page))
    assert officer.browser.get(back).location == page
    before = officer.downloads(f"{page}/signed.pdf")
    assert officer.browser.get(back).location == page
    assert officer.downloads(f"{page}/signed.pdf") == before


def test_back_and_sign_again_after_signing_leads_to_the_signed_document(officer, letter):
    page = officer.document(letter)
    officer.signs(page)
    assert officer.asks(page).location == f"{page}?notice=moved-on"


def test_a_signature_that_was_interrupted_is_completed_without_asking_again(
    officer, letter, services, double, monkeypatch
):
    page = officer.document(letter)
    values = []

    def fails(*given, **named):
        signer = named["signer"]
        values.append(signer.made)
        raise LevelNotReached("the time-stamp authority is away")

    with monkeypatch.context() as away:
        away.setattr(csc.sign_doc, "finish", fails)
        assert officer.signs(page).location == f"{page}?notice=not-completed"
    assert state_of(services, page) is State.AUTHORIZED
    assert "complete" in officer.browser.get(page).text
    asked = len(double.pushed)
    assert officer.browser.submit(f"{page}/complete").location == page
    assert state_of(services, page) is State.SIGNED
    assert len(double.pushed) == asked


def test_the_key_signs_once_even_when_completing_is_tried_again(officer, letter, services, monkeypatch):
    """The value that the key made before the crash is the one in the file."""
    page = officer.document(letter)
    real = csc.sign_doc.finish

    def after_the_key(*given, **named):
        real(*given, **named)
        raise LevelNotReached("the disk is full")

    with monkeypatch.context() as full:
        full.setattr(csc.sign_doc, "finish", after_the_key)
        officer.signs(page)
    document_id = page.rsplit("/", 1)[1]
    made = services.documents.load_any(document_id).signature_value
    assert made is not None
    officer.browser.submit(f"{page}/complete")
    assert services.documents.load_any(document_id).signature_value == made
    assert made.hex() in officer.downloads(f"{page}/signed.pdf").decode("latin-1").lower()


def test_a_job_completes_what_a_dead_worker_left(officer, letter, services, monkeypatch, clock):
    page = officer.document(letter)
    with monkeypatch.context() as dying:
        dying.setattr(SigningAct, "complete", lambda *_given: False)
        officer.signs(page)
    assert state_of(services, page) is State.AUTHORIZED
    clock.advance(BUSY + timedelta(seconds=1))
    SigningAct(services).complete_interrupted()
    assert state_of(services, page) is State.SIGNED


def test_an_authorization_nobody_completed_in_time_is_worth_nothing(officer, letter, services, monkeypatch, clock):
    page = officer.document(letter)
    with monkeypatch.context() as dying:
        dying.setattr(SigningAct, "complete", lambda *_given: False)
        officer.signs(page)
    clock.advance(timedelta(minutes=20))
    SigningAct(services).complete_interrupted()
    assert state_of(services, page) is State.UPLOADED


@pytest.mark.both_backends
def test_of_two_workers_that_complete_at_once_one_does(officer, letter, services, monkeypatch, clock):
    page = officer.document(letter)
    with monkeypatch.context() as dying:
        dying.setattr(SigningAct, "complete", lambda *_given: False)
        officer.signs(page)
    start, done = Barrier(2), []

    def work():
        start.wait()
        done.append(SigningAct(services).complete(page.rsplit("/", 1)[1]))

    workers = [Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(done) == [False, True]
    assert state_of(services, page) is State.SIGNED


# ---------------------------------------------------------------- bad input


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


def test_a_document_can_be_removed_before_it_is_signed_and_not_after(officer, letter, services):
    page = officer.document(letter)
    assert officer.browser.submit(f"{page}/remove").location == "/sign?notice=removed"
    assert officer.browser.submit(f"{page}/remove").location == "/sign"
    assert officer.browser.get(page).status_code == 404
    assert list(services.files.folder.glob("*")) == []
    signed = officer.document(letter)
    officer.signs(signed)
    assert officer.browser.submit(f"{signed}/remove").location == f"{signed}?notice=moved-on"


# ---------------------------------------------------------------- whose desk it is


def test_another_officers_document_does_not_exist(officer, letter, desk_app, double, services):
    page = officer.document(letter)
    double.sub = "officer-malee"
    services.credentials.issue(identity("officer-malee"), passkey_of(SoftwareAuthenticator()))
    other = OfficerAtDesk(desk_app.test_client(), double)
    other.signs_in()
    for path in (page, f"{page}/uploaded.pdf", f"{page}/signed.pdf"):
        assert other.browser.get(path).status_code == 404
    for action in ("sign", "complete"):
        assert other.browser.submit(f"{page}/{action}", {"page": "1", "place": "top-left"}).status_code == 404
    assert other.browser.submit(f"{page}/remove").location == "/sign"
    assert officer.browser.get(page).status_code == 200


def test_without_a_session_every_page_leads_to_the_sign_in(desk_app, officer, letter):
    page = officer.document(letter)
    stranger = desk_app.test_client()
    assert stranger.get("/sign").status_code == 200
    assert stranger.get(page).location == f"/sign?return_to={page}"
    assert stranger.submit("/sign/documents").location == "/sign?notice=signed-out"
    assert stranger.get(f"{page}/uploaded.pdf").status_code == 303


def test_an_officer_without_a_credential_is_told_which_authenticator_signs(desk_app, double):
    person = OfficerAtDesk(desk_app.test_client(), double)
    person.signs_in()
    shown = person.browser.get("/sign").text
    assert "ท่านยังไม่มีสิทธิลงลายมือชื่อ" in shown
    assert "AAL3" in shown


def test_an_upload_without_a_credential_is_kept_but_not_signed(desk_app, double, letter):
    person = OfficerAtDesk(desk_app.test_client(), double)
    person.signs_in()
    page = person.document(letter)
    assert person.asks(page).status_code == 403


def test_states_survive_a_restart(officer, letter, ground, services):
    """Everything stands in rows and files: another process shows the same."""
    page = officer.document(letter)
    officer.asks(page)
    document = services.documents.load_any(page.rsplit("/", 1)[1])
    assert services.files.uploaded(document.id).read_bytes() == letter
    with ground.database.read() as connection:
        row = connection.execute(select(SigningDocument.__table__)).mappings().one()
    assert row["state"] == "prepared"
    assert "หนังสือ".encode() not in row["title_sealed"]


def test_the_signing_form_may_lead_to_the_provider(officer, letter, services):
    """Content Security Policy Level 3 `form-action`: or the browser blocks the way."""
    page = officer.browser.get(officer.document(letter))
    assert "form-action 'self' http://localhost:8080" in page.headers["Content-Security-Policy"]
