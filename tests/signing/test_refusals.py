"""What the desk refuses: it leads on, and nothing is signed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from signing.documents import State
from signing.session import Officer
from signing.signing_act import SigningAct
from tests.authenticator import SoftwareAuthenticator
from tests.signing.conftest import OfficerAtDesk
from tests.signing.looking import events, state_of
from tests.signing.provider_double import assertion_over


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
        SigningAct(services).authorize(person(officer, services), taken[0], "code")
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
