"""The provider's keys in the console: one administrator mends, two undo what cannot be undone, an auditor looks."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from core.errors import NotAllowed
from idp.admin.independence import check_independent
from keys import two_person
from keys.endings import SETTLED
from keys.key_states import State
from keys.purposes import Purpose
from keys.two_person import COMMAND, Act
from tests.idp.admin.site import PEOPLE, errors

KEYS = "/console/keys"
SECOND = "approver-kaew"
SELF = "dev-boon"  # the same person, for all that anybody knows


@pytest.fixture
def keystore(site):
    return site.provider.trust.keystore


@pytest.fixture
def anong(site):
    return site.browser("admin-anong")


@pytest.fixture
def second(site):
    """Another administrator."""
    site.grant(SECOND, "administrator")
    yield site.browser(SECOND)
    site.end_role(SECOND, "administrator")


@pytest.fixture
def replaced(site, keystore):
    """A key that another followed a minute ago."""
    return followed(site, keystore, Purpose.USERINFO)


def followed(site, keystore, purpose):
    kid = keystore.ensure(purpose)
    keystore.rotate(purpose, at_once=True)
    site.provider.ground.clock.advance(SETTLED)
    return kid


def asked_for(answer_or_text):
    return re.search(r"/console/keys/approvals/[\w-]{22}", answer_or_text)[0]


def ask(browser, kid, act="ask-destroy"):
    """The approval's path."""
    answer = browser.submit(f"{KEYS}/{kid}", {"act": act, "reason": "its time is over"})
    assert answer.status_code == 303, errors(answer)
    return asked_for(browser.get(f"{KEYS}/{kid}").text)


def asked_by_command(site, kid):
    ground = site.provider.ground
    with ground.database.write() as connection:
        asked_id = two_person.ask(connection, ground.clock, Act.DESTROY_KEY, kid, by=COMMAND, reason="from the shell")
    return f"{KEYS}/approvals/{asked_id}"


@pytest.mark.parametrize("name", [name for name, *_, role in PEOPLE if role not in ("administrator", "auditor")])
def test_nobody_else_opens_it(site, keystore, name):
    kid = keystore.ensure(Purpose.ID_TOKEN)
    browser = site.browser(name)
    for path in (KEYS, f"{KEYS}/{kid}", f"{KEYS}/approvals"):
        assert browser.get(path).status_code == 403
    assert browser.submit(f"{KEYS}/{kid}", {"act": "compromise", "reason": "mine"}).status_code == 403


def test_an_auditor_looks_and_changes_nothing(site, keystore):
    kid = keystore.ensure(Purpose.ID_TOKEN)
    auditor = site.browser("auditor-arun")
    assert kid in auditor.get(KEYS).text
    assert "What you can do" not in auditor.get(f"{KEYS}/{kid}").text
    assert auditor.submit(f"{KEYS}/{kid}", {"act": "compromise", "reason": "look"}).status_code == 403
    assert keystore.record(kid).state is State.ACTIVE


def test_the_list_says_what_each_is_for_and_how_often_it_was_used(anong, keystore):
    keystore.ensure(Purpose.LOGOUT)
    for _ in range(1234):
        keystore.active(Purpose.LOGOUT).sign(b"data")
    keystore.tend()
    text = anong.get(KEYS).text
    assert "logout" in text
    assert "1,234 times" in text


def test_the_list_says_how_far_the_data_keys_are_wrapped_anew(anong):
    assert "are wrapped by the envelope key in use" in anong.get(KEYS).text


def test_holders_keys_are_a_page_of_their_own(anong, keystore):
    kid = keystore.create(Purpose.SEAL, label="agency-x").kid
    assert kid not in anong.get(KEYS).text
    assert kid in anong.get(f"{KEYS}?purpose=seal").text
    assert "seal" in anong.get(f"{KEYS}?purpose=id-token&before=yesterday").text


def test_a_compromised_key_is_out_of_use_by_one_button(anong, keystore):
    kid = keystore.ensure(Purpose.INTROSPECTION)
    answer = anong.submit(f"{KEYS}/{kid}", {"act": "compromise", "reason": "seen elsewhere"})
    assert answer.status_code == 303
    assert keystore.record(kid).state is State.COMPROMISED
    assert keystore.active(Purpose.INTROSPECTION).kid != kid


def test_a_suspicion_comes_and_goes(anong, keystore):
    kid = keystore.create(Purpose.OFFICER, label="credential").kid
    anong.submit(f"{KEYS}/{kid}", {"act": "suspend", "reason": "odd"})
    assert keystore.record(kid).state is State.SUSPENDED
    anong.submit(f"{KEYS}/{kid}", {"act": "restore", "reason": "nothing"})
    assert keystore.record(kid).state is State.ACTIVE


def test_a_reason_is_asked_for(anong, keystore):
    kid = keystore.ensure(Purpose.ID_TOKEN)
    assert list(errors(anong.submit(f"{KEYS}/{kid}", {"act": "suspend", "reason": " "}))) == ["reason"]
    assert keystore.record(kid).state is State.ACTIVE


@pytest.mark.parametrize("act", ["ask-destroy", "restore", "ask-retire", "destroy", ""])
def test_what_no_button_offers_is_not_done(anong, keystore, act):
    kid = keystore.ensure(Purpose.ID_TOKEN)
    assert anong.submit(f"{KEYS}/{kid}", {"act": act, "reason": "by hand"}).status_code == 303
    assert keystore.record(kid).state is State.ACTIVE
    assert "Waits for two people" not in anong.get(f"{KEYS}/{kid}").text


def test_two_administrators_destroy_a_key(site, anong, second, keystore, replaced):
    approval = ask(anong, replaced)
    assert "Another person must agree" in anong.get(approval).text
    assert anong.submit(approval, {"decision": "agree"}).status_code == 403
    assert keystore.record(replaced).state is State.DEACTIVATED
    assert second.submit(approval, {"decision": "agree"}).status_code == 303
    assert keystore.record(replaced).state is State.DESTROYED
    assert ("key.destroyed", SECOND) in site.events()
    assert "Done" in second.get(approval).text


def test_what_the_command_asked_for_needs_two_accounts(site, anong, second, keystore, replaced):
    approval = asked_by_command(site, replaced)
    assert "The command line" in anong.get(approval).text
    assert anong.submit(approval, {"decision": "agree"}).status_code == 303
    assert keystore.record(replaced).state is State.DEACTIVATED
    assert anong.submit(approval, {"decision": "agree"}).status_code == 403
    second.submit(approval, {"decision": "agree"})
    assert keystore.record(replaced).state is State.DESTROYED


def test_each_thing_that_is_agreed_to_stands_there_to_be_compared(site, anong):
    """With the minutes of a ceremony: the root's, the issuing certificate's and the list's fingerprint."""
    ground = site.provider.ground
    with ground.database.write() as connection:
        told = {"by": COMMAND, "reason": "a new generation", "detail": f"{'a' * 64} {'b' * 64} {'c' * 64}"}
        asked_id = two_person.ask(connection, ground.clock, Act.IMPORT_AUTHORITY, "issuing-g9", **told)
    text = anong.get(f"{KEYS}/approvals/{asked_id}").text
    assert all(f"<code>{each * 64}</code>" in text for each in "abc")


@pytest.mark.parametrize("first_by", ["admin-anong", COMMAND])
def test_nobody_is_two_by_inviting_a_second_self(site, anong, keystore, replaced, first_by):
    """By the link alone anybody holds the office: an administrator could invite an address of their own."""
    invited = site.browser(SELF)
    site.grant(SELF, "administrator", granted_by=site.ids["admin-anong"])
    try:
        approval = ask(anong, replaced) if first_by != COMMAND else asked_by_command(site, replaced)
        if first_by == COMMAND:
            assert anong.submit(approval, {"decision": "agree"}).status_code == 303
        answer = invited.submit(approval, {"decision": "agree"})
        assert answer.status_code == 403
        assert "let in by others" in answer.text
        assert keystore.record(replaced).state is State.DEACTIVATED
        with site.provider.ground.database.read() as connection:
            assert not two_person.load(connection, approval.rpartition("/")[2]).second_by
    finally:
        site.forget_role(SELF, "administrator")


def test_a_later_invitation_moves_nobody_to_another_line(site):
    """Else one administrator could keep another from ever agreeing, or hide whom they let in."""
    anongs = site.ids["admin-anong"]
    others = {SELF: (anongs, COMMAND), "dev-dao": (COMMAND, anongs)}
    for name, granted_by in others.items():
        for agency_id, by in zip(("agency-a", "agency-b"), granted_by, strict=True):
            site.grant(name, "administrator", agency_id, granted_by=by)
            site.provider.ground.clock.advance(timedelta(seconds=1))
    try:
        with site.provider.ground.database.read() as connection:
            check_independent(connection, site.ids["admin-anong"], site.ids["dev-dao"])
            for other in ("admin-anong", SELF):
                with pytest.raises(NotAllowed):
                    check_independent(connection, site.ids[SELF], site.ids[other])
    finally:
        for name in others:
            site.forget_role(name, "administrator")


def test_an_auditor_agrees_to_nothing(site, anong, keystore, replaced):
    approval = ask(anong, replaced)
    auditor = site.browser("auditor-arun")
    assert "I agree" not in auditor.get(approval).text
    assert auditor.submit(approval, {"decision": "agree"}).status_code == 403
    assert keystore.record(replaced).state is State.DEACTIVATED


def test_a_decision_takes_a_fresh_passkey(site, anong, second, keystore, replaced):
    approval, clock = ask(anong, replaced), site.provider.ground.clock
    clock.advance(timedelta(minutes=5, seconds=1))
    try:
        answer = second.submit(approval, {"decision": "agree"})
        assert "/interaction/" in answer.location
        assert keystore.record(replaced).state is State.DEACTIVATED
    finally:
        clock.advance(-timedelta(minutes=5, seconds=1))


def test_a_refusal_is_told_with_its_reason_and_nothing_is_done(anong, second, keystore, replaced):
    approval = ask(anong, replaced)
    assert list(errors(second.submit(approval, {"decision": "refuse", "reason": ""}))) == ["reason"]
    assert second.submit(approval, {"decision": "refuse", "reason": "We need it."}).status_code == 303
    assert "Refused" in anong.get(approval).text
    assert "decided before you" in second.submit(approval, {"decision": "agree"}).text
    assert keystore.record(replaced).state is State.DEACTIVATED


def test_what_stood_against_it_is_said_and_it_can_be_done_later(site, anong, second, keystore):
    kid = followed(site, keystore, Purpose.DPOP_NONCE)
    approval = ask(anong, kid)
    needs, keystore.needs = keystore.needs, (lambda record: "3 rows are sealed under it" if record.kid == kid else "",)
    try:
        answer = second.submit(approval, {"decision": "agree"})
        assert answer.status_code == 409
        assert "3 rows are sealed under it" in answer.text
    finally:
        keystore.needs = needs
    assert keystore.record(kid).state is State.DEACTIVATED
    assert anong.submit(approval, {"decision": "do"}).status_code == 303
    assert keystore.record(kid).state is State.DESTROYED


def test_it_is_asked_for_once(anong, second, replaced):
    ask(anong, replaced)
    assert 'id="ask-destroy"' not in second.get(f"{KEYS}/{replaced}").text
    assert "asked for already" in second.submit(f"{KEYS}/{replaced}", {"act": "ask-destroy", "reason": "me too"}).text


@pytest.mark.parametrize("path", [f"{KEYS}/nobody", f"{KEYS}/approvals/nothing"])
def test_what_is_not_there_is_not_found(anong, path):
    assert anong.get(path).status_code == 404
    assert anong.submit(path, {"act": "suspend", "decision": "agree", "reason": "x"}).status_code == 404


def test_the_pages_speak_thai(site, replaced, keystore):
    thai = site.browser("admin-anong", language="th")
    text = thai.get(KEYS).text + thai.get(f"{KEYS}/{replaced}").text + thai.get(ask(thai, replaced)).text
    for words in ("กุญแจแต่ละดอก", "เลิกใช้แล้ว", "การดำเนินการนี้ย้อนกลับไม่ได้"):
        assert words in text
