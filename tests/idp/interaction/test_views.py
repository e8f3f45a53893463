"""The pages of an interaction, step by step and out of step: complaints about "session not found" end here."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from idp.interaction.interaction import Interaction
from idp.interaction.views import in_its_language
from idp.models.grant import load_grant
from tests.idp.interaction.site import REDIRECT_URI, SOMCHAI
from tests.protocol.requirement import requirement


def onward(path: str) -> str:
    return path.replace("interaction", "authorize")


def allow(browser, path: str):
    return browser.submit(path, {"step": "consent", "decision": "allow"})


def row_of(site, path: str):
    query = select(Interaction.__table__).where(Interaction.id == path.rsplit("/", 1)[1])
    with site.ground.database.read() as connection:
        return connection.execute(query).mappings().one()


def test_signing_in_leads_back_to_the_page_that_asked(site, browser):
    path = site.begin(browser, "/me")
    assert b'id="sandbox-sign-in"' in browser.get(path).data
    answer = site.sign_in(browser, "somchai", path)
    assert (answer.status_code, answer.location) == (303, path)
    assert browser.get(path).location == "/me"
    assert browser.get("/me").text == "me"


@pytest.mark.parametrize(
    "return_to", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:1", ""]
)
def test_signing_in_leads_to_no_other_site(site, browser, return_to):
    path = site.begin(browser, return_to)
    site.sign_in(browser, "somchai", path)
    assert browser.get(path).location == "/me"


@pytest.mark.both_backends
def test_a_citizen_signs_in_consents_and_the_request_is_answered(site, browser):
    path = site.ask()
    assert site.sign_in(browser, "somchai", path).location == onward(path)
    consent = browser.get(path)
    assert b'id="consent-allow"' in consent.data
    assert browser.get(allow(browser, path).location).json["refused"] == ""


def test_the_login_page_names_who_asks_and_leads_to_enrolment_and_recovery(site, browser):
    path = site.ask()
    shown = browser.get(path).text
    assert "เบี้ยยังชีพผู้สูงอายุ" in shown
    assert f'href="/enroll?return_to={path}"' in shown
    assert f'href="/enroll/recover?return_to={path}"' in shown
    assert 'data-passkey="get"' in shown
    assert 'autocomplete="username webauthn"' in shown


@pytest.mark.parametrize("hint", ["malee", "malee@example.test", "+66812345678", "1-9900-00000-01-9"])
def test_a_hint_that_may_be_a_name_is_shown(site, browser, hint):
    assert f": {hint}</p>" in browser.get(site.ask(login_hint=hint)).text


@pytest.mark.parametrize(
    "hint",
    ["Call 1234 and read out your code", "https://evil.example", "evil.example", "โทร 1234", "x" * 65, "a@b c.d"],
)
def test_words_that_anybody_put_into_a_link_are_not_shown_as_ours(site, browser, hint):
    """Content spoofing: `login_hint` is in an address that anybody can write."""
    assert hint not in browser.get(site.ask(login_hint=hint)).text


@requirement("RFC 9700", "4.16", "MUST")
def test_form_action_names_ourselves_and_this_interaction_s_agency(site, browser):
    policy = browser.get(site.ask()).headers["Content-Security-Policy"]
    assert "form-action 'self' http://agency-a.localhost:8081;" in policy
    assert REDIRECT_URI not in policy


@requirement("OIDC Core", "3.1.2.4", "MUST")
def test_consent_shows_each_claim_with_value_purpose_and_legal_basis(site, browser):
    path = site.ask(scope="openid profile email")
    site.sign_in(browser, "somchai", path)
    shown = browser.get(path).text
    for text in ("นายสมชาย สมมติวงศ์", "13 เมษายน 2533", "somchai@example.test", "เพื่อตรวจสอบอายุ", "มาตรา 24(6)"):
        assert text in shown
    assert "สำนักงานสวัสดิการตัวอย่าง" in shown


def test_a_name_that_is_known_in_thai_alone_is_not_called_english(site, browser):
    """Core section 5.2: `name` is then the Thai one, and the page says so."""
    thai_alone = replace(SOMCHAI, title="", given_name="", family_name="")
    key = site.accounts.key(site.ids["somchai"])
    with site.ground.database.write() as connection:
        site.accounts.update(connection, key, thai_alone)
    path = site.ask()
    site.sign_in(browser, "somchai", path)
    shown = browser.get(path).text
    assert "ชื่อ–สกุลภาษาไทย" in shown
    assert "ชื่อ–สกุลภาษาอังกฤษ" not in shown
    (claims,) = re.findall(r'data-claims="([^"]*\bname\b[^"]*)"', shown)
    assert {"name", "name#th"} <= set(claims.split()), "both are named all the same"


def test_thai_on_a_page_in_english_says_that_it_is_thai(site, browser):
    """WCAG 2.2, 3.1.2: a screen reader changes its voice."""
    path = site.ask(ui_locales=("en",))
    site.sign_in(browser, "somchai", path)
    shown = browser.get(path).text
    assert '<html class="govuk-template" lang="en">' in shown
    assert '<strong><span lang="th">นายสมชาย สมมติวงศ์</span></strong>' in shown
    assert "<strong>Mr. Somchai Sommutwong</strong>" in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A task: มาตรา 24(4) of <b>", 'A task: <span lang="th">มาตรา 24(4)</span> of &lt;b&gt;'),
        ("5 ปี", '5 <span lang="th">ปี</span>'),
        ("plain & simple", "plain &amp; simple"),
        ("ก and ข", '<span lang="th">ก</span> and <span lang="th">ข</span>'),
    ],
)
def test_each_run_of_thai_is_marked_and_all_is_escaped(site, text, shown):
    with site.app.test_request_context(headers={"Cookie": "prajak-lang=en"}):
        assert in_its_language(text) == shown


def test_a_year_of_birth_alone_is_shown_in_the_buddhist_era(site, browser):
    path = site.ask()
    site.sign_in(browser, "malee", path)
    assert "2528" in browser.get(path).text


def test_allowing_keeps_a_grant_for_what_was_shown_and_asks_no_second_time(site, browser):
    path = site.ask()
    site.sign_in(browser, "somchai", path)
    allow(browser, path)
    with site.ground.database.read() as connection:
        grant = load_grant(connection, site.ids["somchai"], "demo-a")
    assert "birthdate" in grant.claims
    assert "email" not in grant.claims
    assert browser.get(site.ask()).status_code == 303


@requirement("OIDC Core", "3.1.2.4", "MUST")
def test_a_new_claim_is_asked_for_and_the_old_ones_stand_apart(site, browser):
    path = site.ask()
    site.sign_in(browser, "somchai", path)
    allow(browser, path)
    wider = browser.get(site.ask(scope="openid profile email")).text
    new, old = wider.split("<details", 1)
    assert "somchai@example.test" in new
    assert "13 เมษายน 2533" not in new
    assert "13 เมษายน 2533" in old


@requirement("OIDC Core", "3.1.2.4", "MUST")
@requirement("OIDC Core", "3.1.2.6", "MUST")
def test_denying_is_access_denied_and_no_grant(site, browser):
    path = site.ask()
    site.sign_in(browser, "somchai", path)
    answer = browser.submit(path, {"step": "consent", "decision": "deny"})
    assert browser.get(answer.location).json["refused"] == "access_denied"
    with site.ground.database.read() as connection:
        assert load_grant(connection, site.ids["somchai"], "demo-a") is None


def test_cancelling_at_the_sign_in_is_access_denied(site, browser):
    path = site.ask()
    answer = browser.submit(path, {"step": "leave"})
    assert browser.get(answer.location).json["refused"] == "access_denied"


def test_a_refused_passkey_shows_the_page_again_with_the_reason_and_keeps_the_interaction(site, browser):
    path = site.ask()
    answer = browser.submit(path, {"step": "passkey", "credential": "{}"})
    assert answer.status_code == 400
    assert "data-error-summary" in answer.text
    assert site.sign_in(browser, "somchai", path).status_code == 303


@pytest.mark.parametrize(
    "credential",
    ["", "null", "[]", '{"response": {}}', "{" * 5000, "x" * 40_000, '{"id": 3, "response": {"clientDataJSON": 4}}'],
)
def test_odd_credentials_are_a_refusal_and_never_an_error(site, browser, credential):
    assert browser.submit(site.ask(), {"step": "passkey", "credential": credential}).status_code == 400


@pytest.mark.parametrize(
    "form", [{}, {"step": "no-such-step"}, {"step": "consent"}, {"step": "account"}, {"step": "level"}]
)
def test_steps_that_are_not_due_lead_on_and_do_nothing(site, browser, form):
    path = site.ask()
    assert browser.submit(path, form).status_code == 303
    assert b'id="use-passkey"' in browser.get(path).data


def test_an_unknown_sandbox_name_is_refused(site, browser):
    assert browser.submit(site.ask(), {"step": "sandbox", "user": "nobody"}).status_code == 400


def test_back_from_the_consent_page_meets_the_consent_page(site, browser):
    path = site.ask()
    site.sign_in(browser, "somchai", path)
    assert b'id="consent-allow"' in browser.get(path).data
    assert b'id="consent-allow"' in browser.get(path).data


def test_a_double_click_on_allow_answers_the_same_request_again(site, browser):
    path = site.ask()
    site.sign_in(browser, "somchai", path)
    first, second = allow(browser, path), allow(browser, path)
    assert first.location == second.location == onward(path)
    assert browser.get(first.location).json["refused"] == ""
    assert browser.get(path).location == onward(path)


def test_back_after_the_end_says_so_and_leads_to_the_agency(site, browser, clock):
    path = site.ask()
    site.sign_in(browser, "somchai", path)
    browser.get(allow(browser, path).location)
    clock.advance(timedelta(minutes=2))
    shown = browser.get(path)
    assert shown.status_code == 410
    assert 'href="http://agency-a.localhost:8081/"' in shown.text
    assert browser.submit(path, {"step": "consent", "decision": "deny"}).status_code == 410
    assert row_of(site, path)["refused"] == ""


def test_a_stale_sign_in_page_leads_on_when_another_tab_signed_in(site, browser):
    stale = site.ask()
    browser.get(stale)
    site.sign_in(browser, "somchai", site.ask())
    assert b'id="consent-allow"' in browser.get(stale).data


def test_many_tabs_walk_side_by_side(site, browser):
    first, second = site.ask(), site.ask(scope="openid profile email")
    site.sign_in(browser, "somchai", first)
    assert allow(browser, second).location == onward(second)
    assert allow(browser, first).location == onward(first)
    assert browser.get(onward(first)).json == browser.get(onward(second)).json


def test_what_one_person_allowed_in_a_tab_is_not_another_s_doing(site, browser):
    path = site.ask(prompt=("consent",))
    site.sign_in(browser, "somchai", path)
    allow(browser, path)
    other = site.browser()
    site.sign_in(other, "malee", path)
    assert b'id="consent-allow"' in other.get(path).data


def test_an_expired_step_says_what_happened_and_leads_back_with_an_error(site, browser, clock):
    path = site.ask()
    clock.advance(timedelta(minutes=31))
    shown = browser.get(path)
    assert shown.status_code == 410
    assert b'id="go-back"' in shown.data
    assert browser.submit(path, {"step": "sandbox", "user": "somchai"}).status_code == 410
    answer = browser.submit(path, {"step": "leave"})
    assert browser.get(answer.location).json["refused"] == "access_denied"


def test_an_expired_sign_in_of_our_own_begins_anew_by_itself(site, browser, clock):
    path = site.begin(browser, "/me")
    clock.advance(timedelta(minutes=31))
    assert browser.get(path).location == "/me"
    assert browser.get("/me").location.startswith("/interaction/")


@pytest.mark.parametrize("odd", ["unknown", "x" * 3000, "%E0%B8%81"])
def test_an_unknown_interaction_says_what_to_do(site, browser, odd):
    assert browser.get(f"/interaction/{odd}").status_code == 404


@requirement("OIDC Core", "3.1.2.1", "SHOULD")
def test_select_account_offers_to_go_on_and_asks_once(site, browser, clock):
    site.sign_in(browser, "somchai")
    clock.advance(timedelta(seconds=1))
    path = site.ask(prompt=("select_account",))
    assert b'id="account-continue"' in browser.get(path).data
    browser.submit(path, {"step": "account"})
    assert b'id="consent-allow"' in browser.get(path).data


@requirement("OIDC Core", "3.1.2.1", "SHOULD")
@requirement("OIDC Core", "3.1.2.3", "MUST")
def test_prompt_login_asks_somebody_signed_in_and_once(site, browser, clock):
    site.sign_in(browser, "somchai")
    clock.advance(timedelta(seconds=1))
    path = site.ask(prompt=("login",))
    assert b'id="use-passkey"' in browser.get(path).data
    clock.advance(timedelta(seconds=1))
    site.sign_in(browser, "somchai", path)
    assert b'id="consent-allow"' in browser.get(path).data


def test_a_level_out_of_reach_is_explained_and_may_be_gone_without(site, browser):
    site.sign_in(browser, "somchai")
    path = site.ask(acr_values=("urn:prajak:sandbox:ial2.1:aal2",))
    assert b'id="level-accept"' in browser.get(path).data
    browser.submit(path, {"step": "level"})
    assert b'id="consent-allow"' in browser.get(path).data


@requirement("Unmet Authentication Requirements", "2", "SHOULD")
@requirement("OIDC Core", "5.5.1.1", "MUST")
def test_an_essential_level_out_of_reach_is_said_to_the_agency(site, browser):
    site.sign_in(browser, "somchai")
    essential = {"id_token": {"acr": {"essential": True, "values": ["urn:prajak:sandbox:ial2.1:aal2"]}}}
    path = site.ask(claims=essential)
    assert b'id="level-accept"' not in browser.get(path).data
    answer = browser.submit(path, {"step": "leave"})
    assert browser.get(answer.location).json["refused"] == "unmet_authentication_requirements"


@requirement("OIDC Core", "3.1.2.1", "MAY")
def test_ui_locales_choose_the_language_and_the_person_s_own_choice_stays_above(site, browser):
    path = site.ask(ui_locales=("en",))
    assert "Sign in" in browser.get(path).text
    browser.set_cookie("prajak-lang", "th", domain="localhost")
    assert "เข้าสู่ระบบ" in browser.get(path).text


def test_old_interactions_are_purged_a_day_after_their_end(site, clock):
    site.ask()
    clock.advance(timedelta(hours=24))
    assert site.services.interactions.purge() == 0
    clock.advance(timedelta(hours=1))
    assert site.services.interactions.purge() == 1


def hidden(page: str, name: str) -> str:
    return re.search(rf'name="{name}" value="([^"]*)"', page)[1]


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_a_consent_that_was_shown_to_somebody_else_is_not_given_by_who_is_here_now(site, browser, decision):
    """Two tabs of one browser, two people: what one of them read is not allowed by the other."""
    path = site.ask()
    site.sign_in(browser, "somchai", path)
    shown_to_somchai = hidden(browser.get(path).text, "seen_by")
    site.sign_in(browser, "malee", site.ask(prompt=("login",)))
    answer = browser.submit(path, {"step": "consent", "decision": decision, "seen_by": shown_to_somchai})
    assert answer.status_code == 409
    assert "มีผู้อื่นเข้าสู่ระบบในเบราว์เซอร์นี้" in answer.text
    with site.ground.database.read() as connection:
        assert load_grant(connection, site.ids["malee"], "demo-a") is None
    again = hidden(answer.text, "seen_by")
    browser.submit(path, {"step": "consent", "decision": decision, "seen_by": again})
    assert row_of(site, path)["consented_at" if decision == "allow" else "refused"]


def test_who_goes_on_is_who_was_named_on_the_button(site, browser):
    site.sign_in(browser, "somchai")
    path = site.ask(prompt=("select_account",))
    shown_to_somchai = hidden(browser.get(path).text, "seen_by")
    site.sign_in(browser, "malee", site.ask(prompt=("login",)))
    assert browser.submit(path, {"step": "account", "seen_by": shown_to_somchai}).status_code == 409
    assert not row_of(site, path)["account_chosen"]
