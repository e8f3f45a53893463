"""Accounts and their passkeys: sealed, found by a keyed hash, never without a way in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from core.assurance import IAL
from core.errors import NotFound, PersonError
from core.ground import Ground
from enrollment import passkeys
from enrollment.account import AccountStore, AlreadyEnrolled, PersonAttributes
from enrollment.civil_registry.fictional_people import people
from enrollment.identities import Reevaluated, reevaluate_all
from enrollment.models import Account, Identity, Passkey
from enrollment.services import EnrolmentServices
from enrollment.webauthn_registration import begin_registration, finish_registration
from keys.data_key import WrappedKey
from keys.errors import EnvelopeError
from tests.authenticator import SoftwareAuthenticator
from tests.enrollment.seeded import seed_citizen

SOMCHAI = PersonAttributes(
    citizen_number="1101700203450", given_name_th="สมชาย", family_name_th="สมมติวงศ์", title_th="นาย"
)


@pytest.fixture
def accounts(services: EnrolmentServices) -> AccountStore:
    return services.accounts


def with_passkeys(ground: Ground, accounts: AccountStore, number: int) -> tuple[str, list[str]]:
    account_id = accounts.create(PersonAttributes())
    held = []
    for _ in range(number):
        options = begin_registration(ground, account_id, bound_to="t", user_name="a", display_name="a")
        answer = SoftwareAuthenticator().create(options)
        held.append(finish_registration(ground, account_id, answer, bound_to="t", name="Key").credential_id)
    return account_id, held


def test_what_is_known_of_a_person_comes_back_as_it_was_given(accounts: AccountStore):
    account_id = accounts.create(SOMCHAI, name="somchai")
    assert accounts.attributes(account_id) == SOMCHAI
    assert accounts.attributes(account_id).name_th == "นายสมชาย สมมติวงศ์"
    assert accounts.find_by_name("somchai") == account_id
    assert accounts.find_by_citizen_number("1101700203450") == account_id
    assert accounts.identity(account_id) is None


def test_nobody_is_found_by_nothing(accounts: AccountStore):
    accounts.create(SOMCHAI)
    assert accounts.find_by_name("") is None
    assert accounts.find_by_citizen_number("1234567890121") is None
    with pytest.raises(NotFound):
        accounts.attributes("nobody")


def test_one_citizen_number_has_one_account(accounts: AccountStore):
    accounts.create(SOMCHAI)
    with pytest.raises(AlreadyEnrolled):
        accounts.create(replace(SOMCHAI, given_name_th="อื่น"))


def test_attributes_moved_to_another_account_do_not_open(accounts: AccountStore, ground: Ground):
    one, other = accounts.create(SOMCHAI), accounts.create(PersonAttributes())
    with ground.database.write() as connection:
        attributes = connection.execute(select(Account.attributes).where(Account.id == one)).scalar_one()
        connection.execute(update(Account).where(Account.id == other).values(attributes=attributes))
    with pytest.raises(EnvelopeError):
        accounts.attributes(other)


def test_not_even_together_with_the_data_key(accounts: AccountStore, ground: Ground):
    one, other = accounts.create(SOMCHAI), accounts.create(PersonAttributes())
    with ground.database.write() as connection:
        attributes = connection.execute(select(Account.attributes).where(Account.id == one)).scalar_one()
        wrapped = connection.execute(select(WrappedKey.wrapped).where(WrappedKey.owner_id == one)).scalar_one()
        connection.execute(update(Account).where(Account.id == other).values(attributes=attributes))
        connection.execute(update(WrappedKey).where(WrappedKey.owner_id == other).values(wrapped=wrapped))
    with pytest.raises(EnvelopeError, match="sealed for another place"):
        accounts.attributes(other)


def test_staff_have_accounts_without_an_identity(accounts: AccountStore):
    account_id = accounts.create_staff(PersonAttributes(given_name_th="เจ้าหน้าที่"), invited_by="admin")
    assert accounts.is_active(account_id)
    assert accounts.identity(account_id) is None


# ---------------------------------------------------------------- passkeys


def test_a_passkey_is_named_by_its_owner_alone(accounts: AccountStore, ground: Ground):
    account_id, (held,) = with_passkeys(ground, accounts, 1)
    passkeys.rename(ground, account_id, held, "  My   phone ")
    assert accounts.passkeys(account_id)[0]["name"] == "My phone"
    with pytest.raises(NotFound):
        passkeys.rename(ground, accounts.create(PersonAttributes()), held, "Mine now")
    for name in ("", "   ", "x" * 81, "a\u202eb", "a\x00b"):
        with pytest.raises(PersonError):
            passkeys.rename(ground, account_id, held, name)


def test_the_last_passkey_is_never_removed(accounts: AccountStore, ground: Ground):
    account_id, (first, second) = with_passkeys(ground, accounts, 2)
    passkeys.remove(ground, account_id, first)
    with pytest.raises(PersonError, match="only passkey"):
        passkeys.remove(ground, account_id, second)
    with pytest.raises(NotFound):
        passkeys.remove(ground, account_id, first)
    assert [each["credential_id"] for each in accounts.passkeys(account_id)] == [second]


def test_another_s_passkey_is_not_found(accounts: AccountStore, ground: Ground):
    _, (held, _) = with_passkeys(ground, accounts, 2)
    stranger, _ = with_passkeys(ground, accounts, 2)
    with pytest.raises(NotFound):
        passkeys.remove(ground, stranger, held)


@pytest.mark.both_backends
def test_of_parallel_removals_one_passkey_is_left(accounts: AccountStore, ground: Ground):
    account_id, held = with_passkeys(ground, accounts, 3)

    def remove(credential_id: str) -> bool:
        try:
            passkeys.remove(ground, account_id, credential_id)
        except PersonError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(remove, held * 2)) == 2
    assert len(accounts.passkeys(account_id)) == 1


# ---------------------------------------------------------------- levels under a later policy


def test_every_level_of_the_policy_can_be_held(services: EnrolmentServices):
    for number, ial in enumerate(IAL):
        account_id = seed_citizen(services, people()[number], ial, name=f"citizen-{number}")
        identity = services.accounts.identity(account_id)
        assert (identity.ial if identity else IAL.IAL1_1) == ial


def test_awards_are_judged_again_under_a_later_policy(
    services: EnrolmentServices, monkeypatch: pytest.MonkeyPatch, tmp_path
):
    """A corrected policy that no longer takes two officers for IAL2.1: those awards are found and lowered."""
    raised = seed_citizen(services, people()[0], IAL.IAL2_1, name="raised")
    plain = seed_citizen(services, people()[1], IAL.IAL1_3, name="plain")
    from enrollment import policy

    stricter = (policy.FOLDER / "provisional-1.toml").read_text("utf-8").replace("provisional-1", "provisional-2")
    stricter = stricter.replace(
        '{ method = "card_inspected", evidence = "th_id_card" }', '{ method = "chip_read", evidence = "th_id_card" }'
    )
    (tmp_path / "provisional-2.toml").write_text(stricter, "utf-8")
    monkeypatch.setattr(policy, "FOLDER", tmp_path)
    policy.load_policy.cache_clear()

    assert reevaluate_all(services.ground, "provisional-2", actor="test") == Reevaluated(0, 1, 1)
    lowered, same = services.accounts.identity(raised), services.accounts.identity(plain)
    assert lowered is not None
    assert same is not None
    assert (lowered.ial, lowered.policy) == (IAL.IAL1_1, "provisional-2")
    assert (same.ial, same.policy) == (IAL.IAL1_3, "provisional-2")
    with services.ground.database.read() as connection:
        versions = select(Identity.version).where(Identity.account_id == raised).order_by(Identity.version)
        assert connection.execute(versions).scalars().all() == [1, 2]
    assert reevaluate_all(services.ground, "provisional-2", actor="test") == Reevaluated(0, 0, 2)
    policy.load_policy.cache_clear()


def test_a_passkey_row_says_what_its_authenticator_is(accounts: AccountStore, ground: Ground):
    account_id, _ = with_passkeys(ground, accounts, 1)
    with ground.database.read() as connection:
        row = connection.execute(select(Passkey.__table__).where(Passkey.account_id == account_id)).mappings().one()
    assert (row["backup_eligible"], row["attestation_trusted"], row["aal"], row["last_used_at"]) == (
        False,
        False,
        2,
        None,
    )
