"""Four eyes: nobody decides what they asked for, and what is decided is what was asked."""

from __future__ import annotations

import pytest

from tests.idp.admin.site import FORM, errors


@pytest.fixture
def client_id(site, developer):
    return site.register(developer)


@pytest.fixture
def asked(site, developer, client_id):
    """The path of an open approval of the client."""
    return site.ask_for_go_live(developer, client_id)


def status(site, client_id):
    return site.client(client_id)["status"]


@pytest.mark.parametrize("name", ["approver-kaew", "admin-anong"])
def test_another_person_lets_a_client_go_live(site, client_id, asked, name):
    assert site.browser(name).submit(asked, {"decision": "approve"}).status_code == 303
    assert status(site, client_id) == "live"
    assert ("approval.approved", name) in site.events()


def test_who_asked_cannot_decide_even_with_the_role(site, developer, client_id, asked):
    site.grant("dev-dao", "administrator")
    try:
        answer = developer.submit(asked, {"decision": "approve"})
        assert answer.status_code == 403
        assert "Another person must decide" in answer.text
    finally:
        site.end_role("dev-dao", "administrator")
    assert status(site, client_id) == "sandbox"


def test_a_developer_without_the_role_cannot_decide(developer, asked):
    assert developer.submit(asked, {"decision": "approve"}).status_code == 403


def test_another_agency_s_approver_does_not_even_see_it(site, client_id, asked):
    stranger = site.browser("approver-bua")
    assert stranger.get(asked).status_code == 404
    assert stranger.submit(asked, {"decision": "approve"}).status_code == 404
    assert asked not in stranger.get("/console/approvals").text
    assert status(site, client_id) == "sandbox"


def test_a_refusal_needs_a_reason_and_tells_it(site, developer, client_id, asked):
    approver = site.browser("approver-kaew")
    assert "reason" in errors(approver.submit(asked, {"decision": "refuse", "reason": " "}))
    assert approver.submit(asked, {"decision": "refuse", "reason": "The purpose is unclear."}).status_code == 303
    assert "The purpose is unclear." in developer.get(f"/console/clients/{client_id}").text
    assert status(site, client_id) == "sandbox"


def test_it_is_decided_once(site, client_id, asked):
    site.browser("approver-kaew").submit(asked, {"decision": "refuse", "reason": "Not yet."})
    late = site.browser("admin-anong").submit(asked, {"decision": "approve"})
    assert "Somebody decided this before you" in late.text
    assert status(site, client_id) == "sandbox"


def test_it_is_asked_for_once(site, developer, client_id, asked):
    again = developer.submit(f"/console/clients/{client_id}", {"act": "go-live", "note": "Please."})
    assert again.status_code == 400
    assert "asked for already" in again.text


def test_the_approver_is_told_something(developer, client_id):
    assert "note" in errors(developer.submit(f"/console/clients/{client_id}", {"act": "go-live", "note": " "}))


def test_a_change_takes_back_what_was_asked(site, developer, client_id, asked):
    developer.submit(f"/console/clients/{client_id}/edit", FORM | {"name_en": "Something else"})
    late = site.browser("approver-kaew").submit(asked, {"decision": "approve"})
    assert "Somebody decided this before you" in late.text
    assert status(site, client_id) == "sandbox"


def test_a_live_client_changes_only_by_approval(site, developer, client_id, asked):
    approver = site.browser("approver-kaew")
    approver.submit(asked, {"decision": "approve"})
    changed = FORM | {"redirect_uris": "http://localhost:9000/other", "note": "A new address"}
    assert developer.submit(f"/console/clients/{client_id}/edit", changed).status_code == 303
    assert site.provider.server.clients.load(client_id).redirect_uris == ["http://localhost:9000/callback"]
    change = site.open_approval(client_id)
    assert "Compared with what is live now" in approver.get(change).text
    assert approver.submit(change, {"decision": "approve"}).status_code == 303
    assert site.provider.server.clients.load(client_id).redirect_uris == ["http://localhost:9000/other"]


def test_what_was_taken_back_cannot_be_approved(site, developer, client_id, asked):
    assert developer.submit(f"/console/clients/{client_id}", {"act": "take-back"}).status_code == 303
    assert site.browser("approver-kaew").submit(asked, {"decision": "approve"}).status_code == 400
    assert status(site, client_id) == "sandbox"
