"""The officer's way through the desk, by its pages, with a provider behind its protocol."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256

from sqlalchemy import select

from signing.models.document import SigningDocument
from tests.authenticator import SoftwareAuthenticator
from tests.signing.conftest import OfficerAtDesk, identity, passkey_of
from tests.signing.looking import events


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


def test_a_document_can_be_removed_before_it_is_signed_and_not_after(officer, letter, services):
    page = officer.document(letter)
    assert officer.browser.submit(f"{page}/remove").location == "/sign?notice=removed"
    assert officer.browser.submit(f"{page}/remove").location == "/sign"
    assert officer.browser.get(page).status_code == 404
    assert list(services.files.folder.glob("*")) == []
    signed = officer.document(letter)
    officer.signs(signed)
    assert officer.browser.submit(f"{signed}/remove").location == f"{signed}?notice=moved-on"


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
