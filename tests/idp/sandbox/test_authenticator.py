"""The sandbox's software authenticator makes genuine ceremonies: WebAuthn Level 3 sections 6.3.2 and 6.3.3."""

from __future__ import annotations

import json

import pytest

from core.assurance import AAL
from core.errors import PersonError
from core.webauthn import decode
from enrollment.account import AccountStore, PersonAttributes
from enrollment.webauthn_authentication import authentication_challenge, begin_authentication, finish_authentication
from idp.sandbox.authenticator import SoftwareAuthenticators
from idp.sandbox.passkeys import Owner, PasskeyMaker
from keys.envelope import Envelope
from keys.keystore import Keystore
from keys.purposes import Purpose


@pytest.fixture
def keystore(ground) -> Keystore:
    made = Keystore(ground)
    for purpose in (Purpose.ENVELOPE, Purpose.BLIND_INDEX):
        made.ensure(purpose)
    return made


@pytest.fixture
def accounts(ground, keystore) -> AccountStore:
    return AccountStore(ground, Envelope(keystore))


@pytest.fixture
def authenticators(ground, keystore) -> SoftwareAuthenticators:
    return SoftwareAuthenticators(ground, keystore)


@pytest.fixture
def maker(ground, keystore, authenticators) -> PasskeyMaker:
    return PasskeyMaker(ground, authenticators, keystore)


def owner_of(accounts: AccountStore, name: str, *, attested: bool = False, position: int = 0) -> Owner:
    account_id = accounts.create(PersonAttributes(given_name_th="สมมติ", given_name="Sommut"), name=name)
    return Owner(account_id, name, "สมมติ", "Sommut", position, attested)


def sign_in(ground, authenticators, name, **kwargs):
    options = begin_authentication(ground, bound_to="test", **kwargs)
    credential = authenticators.answer(name, options)
    challenge = authentication_challenge(ground, credential, bound_to="test")
    return finish_authentication(ground, credential, expected_challenge=challenge)


def test_its_assertion_passes_the_verification_of_every_passkey(ground, accounts, authenticators, maker):
    owner = owner_of(accounts, "somchai")
    maker.give(owner)
    passkey = sign_in(ground, authenticators, "somchai")
    assert (passkey.account_id, passkey.aal) == (owner.account_id, AAL.AAL2)


def test_an_officer_s_attested_key_reaches_aal3_in_the_sandbox(ground, accounts, authenticators, maker):
    maker.give(owner_of(accounts, "officer-anan", attested=True))
    passkey = sign_in(ground, authenticators, "officer-anan")
    assert passkey.aal == AAL.AAL3
    assert "hwk" in passkey.amr


def test_it_signs_the_challenge_it_is_given(ground, accounts, authenticators, maker):
    maker.give(owner_of(accounts, "officer-anan", attested=True))
    passkey = sign_in(ground, authenticators, "officer-anan", challenge=bytes(range(32)))
    client_data = json.loads(decode(passkey.assertion["clientDataJSON"]))
    assert client_data["challenge"] == "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"


def test_it_does_not_answer_for_another_person_s_step_up(ground, accounts, authenticators, maker):
    somchai, malee = owner_of(accounts, "somchai"), owner_of(accounts, "malee", position=1)
    maker.give(somchai)
    maker.give(malee)
    options = begin_authentication(ground, bound_to="test", account_id=somchai.account_id)
    with pytest.raises(PersonError, match="cannot go on"):
        authenticators.answer("malee", options)


def test_an_unknown_name_is_refused(authenticators):
    with pytest.raises(PersonError, match="no such person"):
        authenticators.answer("nobody", '{"challenge": "AA", "rpId": "localhost"}')


def test_the_same_person_may_sign_in_in_two_tabs_at_once(ground, accounts, authenticators, maker):
    maker.give(owner_of(accounts, "somchai"))
    first, second = (begin_authentication(ground, bound_to="test") for _ in range(2))
    for options in (second, first):
        credential = authenticators.answer("somchai", options)
        challenge = authentication_challenge(ground, credential, bound_to="test")
        assert finish_authentication(ground, credential, expected_challenge=challenge)
