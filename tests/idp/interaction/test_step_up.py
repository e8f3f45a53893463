"""Stepping up, and signing: the passkey's challenge is a hash over the documents (house rule 2)."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256

import pytest

from core.signing_challenge import signing_challenge
from core.webauthn import decode, encode, verify_authentication
from tests.idp.interaction.test_views import onward

DIGESTS = [sha256(b"first").digest(), sha256(b"second").digest()]


def details(site, *, lives: timedelta = timedelta(minutes=5)) -> tuple[dict, ...]:
    documents = [
        {
            "hash": b64encode(digest).decode(),
            "label": "x",
            "prajak_document_hash": b64encode(sha256(digest).digest()).decode(),
            "prajak_document_name": f"คำสั่งที่ {number}.pdf",
        }
        for number, digest in enumerate(DIGESTS, 1)
    ]
    expires_at = int((site.ground.clock.now() + lives).timestamp())
    detail = {"type": "credential", "credentialID": "c1", "documentDigests": documents, "prajak_nonce": "n0nce"}
    return ({**detail, "hashAlgorithmOID": "2.16.840.1.101.3.4.2.1", "prajak_expires_at": expires_at},)


def test_the_page_shows_each_document_s_name_and_both_hashes(site, browser):
    site.sign_in(browser, "officer-anan")
    shown = browser.get(site.ask(scope="openid", authorization_details=details(site))).text
    for digest in DIGESTS:
        assert f'data-hash="{digest.hex()}"' in shown
        assert f'data-hash="{sha256(digest).hexdigest()}"' in shown
    assert "คำสั่งที่ 1.pdf" in shown
    assert "Sandbox security key" in shown


def test_an_officer_signs_and_the_assertion_over_the_documents_travels_on(site, browser):
    site.sign_in(browser, "officer-anan")
    path = site.ask(scope="openid", authorization_details=details(site))
    assert site.sign_in(browser, "officer-anan", path).location == onward(path)
    browser.submit(path, {"step": "consent", "decision": "allow"})
    assertion = browser.get(onward(path)).json["assertion"]
    wanted = signing_challenge(
        credential_id="c1",
        digests=DIGESTS,
        expires_at=site.ground.clock.now() + timedelta(minutes=5),
        nonce="n0nce",
    )
    (passkey,) = site.accounts.passkeys(site.ids["officer-anan"])
    credential = {"id": assertion["id"], "rawId": assertion["id"], "type": "public-key"}
    response = {name: value for name, value in assertion.items() if name != "id"}
    verified = verify_authentication(
        json.dumps(credential | {"response": response}),
        expected_challenge=wanted,
        expected_origin="http://localhost:8080",
        expected_rp_id="localhost",
        public_key=passkey["public_key"],
        sign_count=0,
    )
    assert encode(verified.credential_id) == passkey["credential_id"]


def test_a_fresh_session_at_aal3_does_not_sign(site, browser):
    site.sign_in(browser, "officer-anan")
    path = site.ask(scope="openid", authorization_details=details(site))
    assert browser.get(onward(path)).location == path


def test_another_officer_s_passkey_does_not_sign(site, browser):
    site.sign_in(browser, "officer-anan")
    path = site.ask(scope="openid", authorization_details=details(site))
    assert site.sign_in(browser, "somchai", path).status_code == 400


def test_an_assertion_over_another_challenge_signs_nothing(site, browser, clock):
    """A sign-in page's challenge is random: its assertion must not be taken for a signature."""
    site.sign_in(browser, "officer-anan")
    path = site.ask(scope="openid", authorization_details=details(site))
    clock.advance(timedelta(seconds=1))
    elsewhere = browser.get(site.ask(prompt=("login",))).text
    foreign = site.authenticators.answer("officer-anan", options_of(elsewhere))
    assert browser.submit(path, {"step": "passkey", "credential": foreign}).status_code == 400
    assert browser.get(onward(path)).location == path


def test_who_has_no_key_at_aal3_is_told_which_kind_it_takes(site, browser):
    site.sign_in(browser, "somchai")
    shown = browser.get(site.ask(scope="openid", authorization_details=details(site))).text
    assert "AAL3" in shown
    assert "use-passkey" not in shown


def test_an_outdated_signing_request_is_told_and_cannot_be_signed(site, browser, clock):
    site.sign_in(browser, "officer-anan")
    path = site.ask(scope="openid", authorization_details=details(site, lives=timedelta(minutes=2)))
    credential = site.authenticators.answer("officer-anan", options_of(browser.get(path).text))
    clock.advance(timedelta(minutes=3))
    assert "use-passkey" not in browser.get(path).text
    assert browser.submit(path, {"step": "passkey", "credential": credential}).status_code == 400


def test_not_signing_is_access_denied(site, browser):
    site.sign_in(browser, "officer-anan")
    path = site.ask(scope="openid", authorization_details=details(site))
    assert 'id="consent-deny"' in browser.get(path).text
    answer = browser.submit(path, {"step": "leave"})
    assert browser.get(answer.location).json == {"assertion": None, "refused": "access_denied"}


def test_a_second_try_after_a_wrong_passkey_still_works(site, browser):
    """The documents' challenge cannot be made anew, so a refusal must not spend it."""
    site.sign_in(browser, "officer-anan")
    path = site.ask(scope="openid", authorization_details=details(site))
    assert site.sign_in(browser, "somchai", path).status_code == 400
    assert site.sign_in(browser, "officer-anan", path).status_code == 303


@pytest.mark.parametrize("name", ["somchai", "officer-anan"])
def test_a_wish_for_aal3_is_met_where_the_person_can(site, browser, name):
    site.sign_in(browser, name)
    path = site.ask(acr_values=("urn:prajak:sandbox:ial1.1:aal3",))
    shown = browser.get(path).text
    assert ("level-accept" in shown) == (name == "somchai")
    assert ('id="consent-allow"' in shown) == (name == "officer-anan")


def options_of(page: str) -> str:
    return page.split("data-options='", 1)[1].split("'", 1)[0].replace("&#34;", '"')


def test_the_offered_passkeys_are_those_that_reach_the_level(site, browser):
    site.sign_in(browser, "officer-anan")
    shown = browser.get(site.ask(scope="openid", authorization_details=details(site))).text
    offered = json.loads(options_of(shown))
    (passkey,) = site.accounts.passkeys(site.ids["officer-anan"])
    assert [each["id"] for each in offered["allowCredentials"]] == [passkey["credential_id"]]
    assert len(decode(offered["challenge"])) == 32
