"""The citizen's place: what one sees and may change, and what nobody else may."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from core.audit_origin import pseudonymiser
from enrollment import recovery
from idp.models.grant import load_grants, record_grant
from idp.models.issued_token import IssuedToken


def allow(site, name: str, client_id: str = "demo-a") -> str:
    with site.ground.database.write() as connection:
        grant = record_grant(
            connection, account_id=site.ids[name], client_id=client_id, scope=["openid"], claims=["name#th", "birthdate"],
            now=site.ground.clock.now(),
        )  # fmt: skip
    return grant.id


def grants(site, name: str):
    with site.ground.database.read() as connection:
        return load_grants(connection, site.ids[name])


@pytest.mark.parametrize(
    "page", ["", "/services", "/devices", "/activity", "/profile", "/recovery-codes", "/devices/add"]
)
def test_every_page_shows_and_wants_a_session(site, browser, page):
    assert browser.get(f"/me{page}").status_code == 200
    assert site.browser().get(f"/me{page}").status_code == 303


def test_the_services_say_who_has_what_since_when(site, browser):
    allow(site, "somchai")
    shown = browser.get("/me/services").text
    for text in ("เบี้ยยังชีพผู้สูงอายุ", "สำนักงานสวัสดิการตัวอย่าง", "วันเดือนปีเกิด", "22 พฤศจิกายน 2569"):
        assert text in shown


@pytest.mark.both_backends
def test_withdrawing_ends_the_grant_and_its_tokens_at_once(site, browser):
    grant_id = allow(site, "somchai")
    now = site.ground.clock.now()
    token = {"token_hash": b"h" * 32, "jti": "j", "client_id": "demo-a", "account_id": site.ids["somchai"], "sub": "s"}
    token |= {
        "audience": "a",
        "scope": "openid",
        "requested_claims": "",
        "jkt": "",
        "family_id": "c",
        "x5t_s256": "",
        "grant_id": grant_id,
    }
    token |= {"session_id": "s", "issued_at": now, "expires_at": now + timedelta(minutes=5)}
    with site.ground.database.write() as connection:
        connection.execute(insert(IssuedToken), token)
    assert browser.submit(f"/me/services/{grant_id}/withdraw").status_code == 303
    assert grants(site, "somchai") == []
    with site.ground.database.read() as connection:
        assert connection.execute(select(IssuedToken.revoked_at)).scalar_one() == now
    assert browser.submit(f"/me/services/{grant_id}/withdraw").status_code == 303


def test_a_stranger_s_permission_cannot_be_withdrawn(site, browser):
    grant_id = allow(site, "malee")
    browser.submit(f"/me/services/{grant_id}/withdraw")
    assert [each.id for each in grants(site, "malee")] == [grant_id]


def test_withdrawing_is_a_post_of_our_own_page(site, browser):
    grant_id = allow(site, "somchai")
    assert browser.get(f"/me/services/{grant_id}/withdraw").status_code == 405
    assert browser.post(f"/me/services/{grant_id}/withdraw").status_code == 403


def test_the_last_passkey_cannot_be_removed(site, browser):
    (passkey,) = site.accounts.passkeys(site.ids["somchai"])
    assert "remove-passkey" not in browser.get(f"/me/devices/{passkey['credential_id']}").text
    answer = browser.submit(f"/me/devices/{passkey['credential_id']}", {"act": "remove"})
    assert answer.status_code == 400
    assert len(site.accounts.passkeys(site.ids["somchai"])) == 1


def second_passkey(site, browser) -> str:
    """Added as the page does it, with the sandbox's software."""
    shown = browser.get("/me/devices/add").text
    options = shown.split("data-options='", 1)[1].split("'", 1)[0].replace("&#34;", '"')
    credential_id, signer = site.authenticators.make_key("another")
    answer = site.authenticators.register(options, credential_id=credential_id, signer=signer, attestation=None)
    taken = browser.submit("/me/devices/add", {"name": "โทรศัพท์", "credential": answer})
    assert taken.location == "/me/devices?added"
    return credential_id


def test_a_passkey_is_added_and_the_person_is_told(site, browser):
    second_passkey(site, browser)
    assert "โทรศัพท์" in browser.get("/me/devices").text
    assert [letter.recipient for letter in site.letters()] == ["somchai@example.test"]


def test_removing_a_passkey_signs_out_whoever_used_it(site, browser):
    first = site.accounts.passkeys(site.ids["somchai"])[0]["credential_id"]
    second_passkey(site, browser)
    elsewhere = site.browser()
    site.sign_in(elsewhere, "somchai", site.begin(elsewhere))
    assert browser.submit(f"/me/devices/{first}", {"act": "remove"}).location == "/me/devices?removed"
    assert site.current(elsewhere) is None
    assert site.current(browser) is not None


def test_another_person_s_passkey_can_be_neither_seen_nor_touched(site, browser):
    (passkey,) = site.accounts.passkeys(site.ids["malee"])
    path = f"/me/devices/{passkey['credential_id']}"
    assert browser.get(path).location == "/me/devices"
    browser.submit(path, {"act": "rename", "name": "mine"})
    browser.submit(path, {"act": "remove"})
    (after,) = site.accounts.passkeys(site.ids["malee"])
    assert after["name"] == passkey["name"]


def test_changing_passkeys_takes_a_fresh_passkey(site, browser, clock):
    clock.advance(timedelta(minutes=6))
    assert browser.get("/me/devices").status_code == 200
    assert browser.get("/me/devices/add").status_code == 303
    assert browser.submit("/me/recovery-codes").status_code == 303


def test_new_recovery_codes_are_shown_for_a_while_to_their_owner_alone(site, browser, clock):
    shown = browser.submit("/me/recovery-codes").location
    page = browser.get(shown)
    assert page.text.count("<li><code>") == recovery.CODES
    assert browser.get(shown).text.count("<li><code>") == recovery.CODES
    other = site.browser()
    site.sign_in(other, "malee", site.begin(other))
    assert other.get(shown).location == "/me/recovery-codes"
    assert recovery.codes_left(site.ground, site.ids["somchai"]) == recovery.CODES


def test_signing_out_everywhere_ends_every_session(site, browser):
    elsewhere = site.browser()
    site.sign_in(elsewhere, "somchai", site.begin(elsewhere))
    assert browser.submit("/me/sign-out-everywhere").status_code == 303
    assert site.current(browser) is site.current(elsewhere) is None


def test_the_activity_is_one_s_own_in_plain_words(site, browser):
    elsewhere = site.browser()
    site.sign_in(elsewhere, "malee", site.begin(elsewhere))
    allow_id = allow(site, "somchai")
    browser.submit(f"/me/services/{allow_id}/withdraw")
    shown = browser.get("/me/activity").text
    assert shown.count("ท่านเข้าสู่ระบบ") == 1
    assert "ท่านถอนการอนุญาต" in shown


@pytest.mark.parametrize("before", ["", "x", "-1", "๑๒", "9" * 30, "1"])
def test_odd_page_numbers_are_no_error(site, browser, before):
    assert browser.get("/me/activity", query_string={"before": before}).status_code == 200


def test_a_registration_begun_in_another_session_is_not_taken(site, browser):
    """The challenge is bound to the browser's session: a planted credential adds nothing."""
    other = site.browser()
    site.sign_in(other, "malee", site.begin(other))
    options = other.get("/me/devices/add").text.split("data-options='", 1)[1].split("'", 1)[0].replace("&#34;", '"')
    credential_id, signer = site.authenticators.make_key("planted")
    planted = site.authenticators.register(options, credential_id=credential_id, signer=signer, attestation=None)
    answer = browser.submit("/me/devices/add", {"name": "x", "credential": planted})
    assert answer.status_code == 400
    assert len(site.accounts.passkeys(site.ids["somchai"])) == 1


def test_the_activity_tells_one_s_own_network_from_another(site, browser):
    web = site.app.extensions["prajak_web"]
    site.app.extensions["prajak_web"] = replace(web, pseudonym=pseudonymiser(b"k" * 32))
    for address in ("192.0.2.1", "192.0.2.2"):  # beside the fixture's browser, of which nothing is known
        elsewhere = site.browser()
        elsewhere.environ_base = {**elsewhere.environ_base, "REMOTE_ADDR": address}
        site.sign_in(elsewhere, "somchai", site.begin(elsewhere, "/me"))
    shown = elsewhere.get("/me/activity").text
    assert shown.count("เครือข่ายที่ท่านใช้อยู่ในขณะนี้") == 1
    assert shown.count("เครือข่ายอื่น") == 1
    assert "192.0.2" not in shown
