"""Registration and sign-in with what only storage knows: one-time challenges, ownership, counters, AAL."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import select, update

from core.assurance import AAL
from core.audit import AuditEntry
from core.clock import SetClock
from core.errors import PersonError
from core.ground import Ground
from core.settings import SettingsError
from enrollment.account import AccountStore, PersonAttributes
from enrollment.models import Account, Passkey
from enrollment.services import EnrolmentServices
from enrollment.webauthn_authentication import (
    AuthenticatedPasskey,
    authentication_challenge,
    begin_authentication,
    finish_authentication,
)
from enrollment.webauthn_registration import attestation_roots, begin_registration, finish_registration
from tests.authenticator import AttestationAuthority, SoftwareAuthenticator, decode, encode

BROWSER = "interaction:1"
AUTHORITY = AttestationAuthority()
PARTS = ("attestationObject", "clientDataJSON")


@pytest.fixture
def accounts(services: EnrolmentServices) -> AccountStore:
    return services.accounts


@pytest.fixture
def account_id(accounts: AccountStore) -> str:
    return accounts.create(PersonAttributes(given_name_th="สมชาย"))


def register(
    ground: Ground, account_id: str, authenticator: SoftwareAuthenticator, *, attestation: bool = False
) -> AuthenticatedPasskey:
    options = begin_registration(
        ground, account_id, bound_to=BROWSER, user_name="a", display_name="a", attestation=attestation
    )
    return finish_registration(ground, account_id, authenticator.create(options), bound_to=BROWSER, name="Phone")


def sign_in(ground: Ground, authenticator: SoftwareAuthenticator, **known: str) -> AuthenticatedPasskey:
    answer = authenticator.get(begin_authentication(ground, bound_to=BROWSER))
    challenge = authentication_challenge(ground, answer, bound_to=BROWSER)
    return finish_authentication(ground, answer, expected_challenge=challenge, **known)


def test_a_registered_passkey_signs_its_owner_in(ground: Ground, account_id: str):
    authenticator = SoftwareAuthenticator()
    register(ground, account_id, authenticator)
    signed_in = sign_in(ground, authenticator)
    assert (signed_in.account_id, signed_in.aal) == (account_id, AAL.AAL2)
    assert signed_in.amr == ("pop", "user", "mfa")
    assert set(signed_in.assertion) == {"id", "clientDataJSON", "authenticatorData", "signature"}


def test_a_synced_passkey_says_that_it_is_software(ground: Ground, account_id: str):
    authenticator = SoftwareAuthenticator(backup_eligible=True)
    register(ground, account_id, authenticator)
    assert sign_in(ground, authenticator).amr == ("swk", "user", "mfa")


def test_options_ask_for_user_verification_and_a_discoverable_key_and_no_attestation(ground: Ground, account_id: str):
    options = json.loads(begin_registration(ground, account_id, bound_to="x", user_name="a", display_name="a"))
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["attestation"] == "none"


def test_an_officer_s_registration_asks_for_direct_attestation(ground: Ground, account_id: str):
    options = begin_registration(ground, account_id, bound_to="x", user_name="a", display_name="a", attestation=True)
    assert json.loads(options)["attestation"] == "direct"


def test_a_second_registration_excludes_the_first_passkey(ground: Ground, account_id: str):
    passkey = register(ground, account_id, SoftwareAuthenticator())
    options = json.loads(begin_registration(ground, account_id, bound_to="x", user_name="a", display_name="a"))
    assert [each["id"] for each in options["excludeCredentials"]] == [passkey.credential_id]


# ---------------------------------------------------------------- AAL3


@pytest.fixture
def authority() -> AttestationAuthority:
    return AttestationAuthority()


@pytest.fixture
def trusting(ground: Ground, authority: AttestationAuthority, tmp_path: Path) -> Ground:
    """The ground with the maker's root in `PRAJAK_ATTESTATION_ROOTS`."""
    roots = tmp_path / "roots"
    roots.mkdir()
    (roots / "maker.pem").write_bytes(authority.root_pem)
    return replace(ground, settings=replace(ground.settings, attestation_roots=roots))


def test_a_key_that_cannot_leave_and_whose_maker_is_trusted_reaches_aal3(
    trusting: Ground, account_id: str, authority: AttestationAuthority
):
    authenticator = SoftwareAuthenticator(authority=authority)
    assert register(trusting, account_id, authenticator, attestation=True).aal == AAL.AAL3
    assert sign_in(trusting, authenticator).amr == ("hwk", "user", "mfa")


def test_without_roots_nothing_is_aal3(ground: Ground, account_id: str, authority: AttestationAuthority):
    assert register(ground, account_id, SoftwareAuthenticator(authority=authority)).aal == AAL.AAL2


def test_another_maker_is_not_aal3(trusting: Ground, account_id: str):
    other = SoftwareAuthenticator(authority=AttestationAuthority("Another Manufacturer"))
    assert register(trusting, account_id, other).aal == AAL.AAL2


def test_a_maker_of_the_same_name_is_not_aal3(trusting: Ground, account_id: str):
    assert register(trusting, account_id, SoftwareAuthenticator(authority=AttestationAuthority())).aal == AAL.AAL2


def test_a_backup_eligible_key_of_a_trusted_maker_is_not_aal3(
    trusting: Ground, account_id: str, authority: AttestationAuthority
):
    authenticator = SoftwareAuthenticator(authority=authority, backup_eligible=True)
    assert register(trusting, account_id, authenticator).aal == AAL.AAL2


def test_a_file_of_roots_that_holds_none_is_a_wrong_setting(tmp_path: Path):
    file = tmp_path / "roots.pem"
    file.write_text("nothing")
    with pytest.raises(SettingsError, match="PRAJAK_ATTESTATION_ROOTS"):
        attestation_roots(file)


# ---------------------------------------------------------------- refusals of a registration


def test_a_registration_without_user_verification_is_refused(ground: Ground, account_id: str):
    with pytest.raises(PersonError):
        register(ground, account_id, SoftwareAuthenticator(user_verified=False))


def test_a_registration_from_another_origin_is_refused(ground: Ground, account_id: str):
    with pytest.raises(PersonError):
        register(ground, account_id, SoftwareAuthenticator(origin="https://evil.example"))


def test_a_registration_answer_works_once(ground: Ground, account_id: str):
    options = begin_registration(ground, account_id, bound_to=BROWSER, user_name="a", display_name="a")
    answer = SoftwareAuthenticator().create(options)
    finish_registration(ground, account_id, answer, bound_to=BROWSER, name="a")
    with pytest.raises(PersonError):
        finish_registration(ground, account_id, answer, bound_to=BROWSER, name="a")


def test_a_challenge_of_another_browser_or_account_is_refused(ground: Ground, account_id: str):
    options = begin_registration(ground, account_id, bound_to=BROWSER, user_name="a", display_name="a")
    answer = SoftwareAuthenticator().create(options)
    for owner, browser in ((account_id, "interaction:2"), ("another-account", BROWSER)):
        with pytest.raises(PersonError):
            finish_registration(ground, owner, answer, bound_to=browser, name="a")


def test_an_expired_challenge_is_refused(ground: Ground, account_id: str, clock: SetClock):
    options = begin_registration(ground, account_id, bound_to=BROWSER, user_name="a", display_name="a")
    clock.advance(timedelta(minutes=11))
    with pytest.raises(PersonError):
        finish_registration(ground, account_id, SoftwareAuthenticator().create(options), bound_to=BROWSER, name="a")


def test_a_credential_id_is_bound_once_for_everybody(ground: Ground, accounts: AccountStore, account_id: str):
    authenticator = SoftwareAuthenticator()
    register(ground, account_id, authenticator)
    thief = accounts.create(PersonAttributes())
    with pytest.raises(PersonError):
        register(ground, thief, replace(authenticator))


def test_a_removed_credential_id_is_not_bound_again(ground: Ground, account_id: str):
    authenticator = SoftwareAuthenticator()
    register(ground, account_id, authenticator)
    with ground.database.write() as connection:
        connection.execute(update(Passkey).values(revoked_at=ground.clock.now()))
    with pytest.raises(PersonError):
        register(ground, account_id, authenticator)


# ---------------------------------------------------------------- refusals of a sign-in


def test_an_answer_signs_in_once(ground: Ground, account_id: str):
    authenticator = SoftwareAuthenticator()
    register(ground, account_id, authenticator)
    answer = authenticator.get(begin_authentication(ground, bound_to=BROWSER))
    challenge = authentication_challenge(ground, answer, bound_to=BROWSER)
    finish_authentication(ground, answer, expected_challenge=challenge)
    with pytest.raises(PersonError):
        finish_authentication(ground, answer, expected_challenge=challenge)


@pytest.mark.both_backends
def test_of_parallel_uses_of_one_answer_one_wins(ground: Ground, account_id: str):
    authenticator = SoftwareAuthenticator()
    register(ground, account_id, authenticator)
    answer = authenticator.get(begin_authentication(ground, bound_to=BROWSER))
    challenge = authentication_challenge(ground, answer, bound_to=BROWSER)

    def use(_: int) -> bool:
        try:
            finish_authentication(ground, answer, expected_challenge=challenge)
        except PersonError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(use, range(16))) == 1


def test_a_counter_that_goes_back_is_a_copied_key(ground: Ground, account_id: str):
    authenticator = SoftwareAuthenticator()
    register(ground, account_id, authenticator)
    copy = replace(authenticator)
    sign_in(ground, authenticator)
    with pytest.raises(PersonError):
        sign_in(ground, copy)


def test_an_authenticator_that_never_counts_works_again_and_again(ground: Ground, account_id: str):
    authenticator = SoftwareAuthenticator()
    register(ground, account_id, authenticator)
    for _ in range(2):
        authenticator.sign_count = -1
        assert sign_in(ground, authenticator).account_id == account_id


def test_another_account_s_user_handle_is_refused(ground: Ground, account_id: str):
    authenticator = SoftwareAuthenticator()
    register(ground, account_id, authenticator)
    answer = authenticator.get(begin_authentication(ground, bound_to=BROWSER), user_handle=b"somebody else")
    with pytest.raises(PersonError):
        finish_authentication(
            ground, answer, expected_challenge=authentication_challenge(ground, answer, bound_to=BROWSER)
        )


def test_a_step_up_takes_only_the_person_expected(ground: Ground, accounts: AccountStore, account_id: str):
    authenticator = SoftwareAuthenticator()
    register(ground, account_id, authenticator)
    with pytest.raises(PersonError):
        sign_in(ground, authenticator, account_id=accounts.create(PersonAttributes()))


def test_a_suspended_account_does_not_sign_in(ground: Ground, account_id: str):
    authenticator = SoftwareAuthenticator()
    register(ground, account_id, authenticator)
    with ground.database.write() as connection:
        connection.execute(update(Account).values(status="suspended"))
    with pytest.raises(PersonError):
        sign_in(ground, authenticator)


def test_the_challenge_expected_must_be_the_one_signed(ground: Ground, account_id: str):
    authenticator = SoftwareAuthenticator()
    register(ground, account_id, authenticator)
    answer = authenticator.get(begin_authentication(ground, bound_to=BROWSER))
    with pytest.raises(PersonError):
        finish_authentication(ground, answer, expected_challenge=b"a document's challenge")


def test_a_given_challenge_is_signed_as_it_is(ground: Ground, account_id: str):
    authenticator = SoftwareAuthenticator()
    register(ground, account_id, authenticator)
    given_challenge = b"\x01" * 32
    options = begin_authentication(ground, bound_to=BROWSER, challenge=given_challenge, account_id=account_id)
    assert len(json.loads(options)["allowCredentials"]) == 1
    answer = authenticator.get(options)
    assert finish_authentication(ground, answer, expected_challenge=given_challenge).account_id == account_id


def test_a_refusal_leaves_its_trace(ground: Ground, account_id: str):
    authenticator = SoftwareAuthenticator()
    register(ground, account_id, authenticator)
    with pytest.raises(PersonError):
        sign_in(ground, replace(authenticator, user_verified=False))
    with ground.database.read() as connection:
        refused = connection.execute(select(AuditEntry.subject).where(AuditEntry.event == "passkey.refused")).scalars()
        assert list(refused) == [account_id]


@pytest.mark.parametrize(
    "answer",
    ["", "{}", "[]", "null", "1", '{"id": 1}', '{"response": {}}', '{"id": "a", "response": {"clientDataJSON": "!"}}',
     '{"id": "\\ud800", "response": {"clientDataJSON": "e30"}}', "[" * 30_000, '{"response": {"clientDataJSON": 5}}',
     ('{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "e30", "authenticatorData": "AA",'
     ' "signature": "AA"}}'), "x" * 40_000],
)  # fmt: skip
def test_nonsense_is_refused_in_a_sentence(ground: Ground, account_id: str, answer: str):
    with pytest.raises(PersonError):
        authentication_challenge(ground, answer, bound_to=BROWSER)
    with pytest.raises(PersonError):
        finish_authentication(ground, answer, expected_challenge=b"x")
    with pytest.raises(PersonError):
        finish_registration(ground, account_id, answer, bound_to=BROWSER, name="a")


@examples(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), new=st.binary(min_size=1, max_size=3), part=st.sampled_from(PARTS))
def test_a_registration_with_any_bytes_changed_is_never_another_error(
    ground: Ground, account_id: str, place: int, new: bytes, part: str
):
    """The parsers of JSON, CBOR, COSE and X.509 meet what an attacker sends: it is refused, or it was harmless."""
    options = begin_registration(ground, account_id, bound_to=BROWSER, user_name="a", display_name="a")
    answer = json.loads(SoftwareAuthenticator(authority=AUTHORITY).create(options))
    sent = decode(answer["response"][part])
    place %= len(sent)
    answer["response"][part] = encode(sent[:place] + new + sent[place + 1 :])
    try:
        finish_registration(ground, account_id, json.dumps(answer), bound_to=BROWSER, name="a")
    except PersonError:
        return
