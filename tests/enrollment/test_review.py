"""Journey 1, step 2: officers raise a citizen to IAL2.1. Who opened or captured a case does not decide it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from core.assurance import IAL
from core.audit import AuditEntry
from core.clock import SetClock
from core.errors import NotAllowed, NotFound, PersonError, TooMany, Unavailable
from enrollment.account import PersonAttributes
from enrollment.civil_registry.fictional_people import FictionalPerson, people
from enrollment.civil_registry.simulator import Mode
from enrollment.dual_control import Officer
from enrollment.evidence.contact import Contact
from enrollment.models import Account, Decision, Identity, Passkey, ProofingCase
from enrollment.proofing import State, StepTaken
from enrollment.review import Review
from enrollment.services import EnrolmentServices
from enrollment.verification.officer import Face, Feature, Inspection
from tests.enrollment.citizen import Citizen
from tests.enrollment.conftest import Provider, Registry
from tests.enrollment.seeded import seed_citizen

OFFICE = ("district/counter",)


@pytest.fixture
def review(services: EnrolmentServices) -> Review:
    return Review(services)


@pytest.fixture
def officers(services: EnrolmentServices) -> list[Officer]:
    return [Officer(services.accounts.create(PersonAttributes(given_name_th=name)), OFFICE) for name in ("ก", "ข", "ค")]


@pytest.fixture
def citizen(services: EnrolmentServices, person: FictionalPerson) -> str:
    """An account at IAL1.3."""
    return seed_citizen(services, person, IAL.IAL1_3, name="somchai")


def inspection(person: FictionalPerson, **changed: object) -> Inspection:
    made = Inspection(
        laser_code=person.laser_code,
        card_expires=person.card_expires,
        features=frozenset(Feature),
        face=Face.SAME,
        title_th=person.title_th,
        title=person.title,
        given_name=person.given_name,
        family_name=person.family_name,
        note="",
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def captured(review: Review, officer: Officer, person: FictionalPerson, **changed: object) -> str:
    case_id = review.open(officer, person.citizen_number)
    review.capture(officer, case_id, inspection(person, **changed))
    return case_id


def test_two_officers_raise_a_citizen_to_ial2_1(
    review: Review, officers: list[Officer], citizen: str, person: FictionalPerson, services: EnrolmentServices
):
    case_id = captured(review, officers[0], person)
    review.decide(officers[1], case_id, approve=True, reason="")
    identity = services.accounts.identity(citizen)
    assert identity is not None
    assert (identity.ial, identity.unverified_mapping) == (IAL.IAL2_1, True)
    attributes = services.accounts.attributes(citizen)
    assert attributes.given_name == person.given_name
    assert attributes.title_th == person.title_th
    assert any("IAL2.1" in message.body for message in services.outbox.messages())


def test_who_opened_the_case_does_not_decide_it(
    review: Review, officers: list[Officer], citizen: str, person: FictionalPerson
):
    case_id = review.open(officers[0], person.citizen_number)
    review.capture(officers[1], case_id, inspection(person))
    for barred in officers[:2]:
        with pytest.raises(NotAllowed):
            review.decide(barred, case_id, approve=True, reason="")
    review.decide(officers[2], case_id, approve=True, reason="")


def test_who_opened_the_case_does_not_refuse_it_either(
    review: Review, officers: list[Officer], citizen: str, person: FictionalPerson
):
    case_id = captured(review, officers[0], person)
    with pytest.raises(NotAllowed):
        review.decide(officers[0], case_id, approve=False, reason="no")


def test_an_officer_never_touches_a_case_about_oneself(
    review: Review, officers: list[Officer], citizen: str, person: FictionalPerson
):
    oneself = Officer(citizen, OFFICE)
    with pytest.raises(NotAllowed):
        review.open(oneself, person.citizen_number)
    case_id = captured(review, officers[0], person)
    for act in (
        lambda: review.load(oneself, case_id),
        lambda: review.file(oneself, case_id),
        lambda: review.decide(oneself, case_id, approve=True, reason=""),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert review.listed(oneself) == []


def test_another_office_s_case_does_not_exist(
    review: Review, officers: list[Officer], citizen: str, person: FictionalPerson
):
    case_id = captured(review, officers[0], person)
    stranger = replace(officers[1], offices=("other/counter",))
    for act in (
        lambda: review.load(stranger, case_id),
        lambda: review.file(stranger, case_id),
        lambda: review.capture(stranger, case_id, inspection(person)),
        lambda: review.decide(stranger, case_id, approve=True, reason=""),
        lambda: review.close(stranger, case_id, "x"),
    ):
        with pytest.raises(NotFound):
            act()
    assert review.listed(stranger) == []
    with pytest.raises(PersonError):
        review.open(stranger, person.citizen_number)


def test_an_enrolment_s_case_is_no_officer_s(
    provider: Provider, review: Review, officers: list[Officer], person: FictionalPerson
):
    Citizen(person, provider).proves_identity()
    with provider.services.ground.database.read() as connection:
        case_id = connection.execute(select(ProofingCase.id)).scalar_one()
    with pytest.raises(NotFound):
        review.load(officers[0], case_id)


@pytest.mark.parametrize(
    "changed",
    [
        {"face": Face.DIFFERENT},
        {"face": Face.UNSURE},
        {"features": frozenset({Feature.PHOTO})},
        {"features": frozenset()},
        {"card_expires": "25650101"},
    ],
)
def test_a_check_that_was_not_passed_cannot_be_approved_away(
    review: Review, officers: list[Officer], citizen: str, person: FictionalPerson, services: EnrolmentServices,
    changed: dict[str, object],
):  # fmt: skip
    case_id = captured(review, officers[0], person, **changed)
    with pytest.raises(PersonError, match="cannot be approved"):
        review.decide(officers[1], case_id, approve=True, reason="")
    assert review.load(officers[1], case_id).state == State.CAPTURED
    review.decide(officers[1], case_id, approve=False, reason="ภาพไม่ตรง")
    identity = services.accounts.identity(citizen)
    assert identity is not None
    assert identity.ial == IAL.IAL1_3
    assert review.file(officers[0], case_id).reason == "ภาพไม่ตรง"


def test_a_card_that_the_register_does_not_confirm_is_not_captured(
    review: Review, officers: list[Officer], citizen: str, person: FictionalPerson
):
    case_id = review.open(officers[0], person.citizen_number)
    with pytest.raises(PersonError) as refused:
        review.capture(officers[0], case_id, inspection(person, laser_code="ZT0000000000"))
    assert refused.value.field == "laser_code"
    assert review.load(officers[0], case_id).state == State.OPENED


def test_a_register_that_does_not_answer_loses_nothing(
    review: Review, officers: list[Officer], citizen: str, person: FictionalPerson, registry: Registry
):
    case_id = review.open(officers[0], person.citizen_number)
    registry.simulator.mode = Mode.MAINTENANCE
    with pytest.raises(Unavailable):
        review.capture(officers[0], case_id, inspection(person))
    registry.simulator.mode = Mode.ANSWERS
    review.capture(officers[0], case_id, inspection(person))


def test_a_refusal_needs_its_reason(review: Review, officers: list[Officer], citizen: str, person: FictionalPerson):
    case_id = captured(review, officers[0], person)
    for reason in ("", "  ", "x" * 2001):
        with pytest.raises(PersonError) as refused:
            review.decide(officers[1], case_id, approve=False, reason=reason)
        assert refused.value.field == "reason"


def test_steps_out_of_order_lead_on(review: Review, officers: list[Officer], citizen: str, person: FictionalPerson):
    case_id = review.open(officers[0], person.citizen_number)
    with pytest.raises(StepTaken):
        review.decide(officers[1], case_id, approve=True, reason="")
    review.capture(officers[0], case_id, inspection(person))
    with pytest.raises(StepTaken):
        review.capture(officers[0], case_id, inspection(person))
    with pytest.raises(StepTaken):
        review.close(officers[0], case_id, "too late")
    review.decide(officers[1], case_id, approve=True, reason="")
    with pytest.raises(StepTaken):
        review.decide(officers[2], case_id, approve=False, reason="later")


def test_opening_again_leads_to_the_case_under_way(
    review: Review, officers: list[Officer], citizen: str, person: FictionalPerson
):
    case_id = review.open(officers[0], person.citizen_number)
    assert review.open(officers[1], person.citizen_number) == case_id
    review.close(officers[0], case_id, "the wrong citizen")
    assert review.open(officers[1], person.citizen_number) != case_id


def test_a_case_that_nobody_decides_runs_out(
    review: Review, officers: list[Officer], citizen: str, person: FictionalPerson, clock: SetClock
):
    case_id = captured(review, officers[0], person)
    clock.advance(timedelta(days=31))
    with pytest.raises(StepTaken):
        review.decide(officers[1], case_id, approve=True, reason="")
    assert review.load(officers[1], case_id).state == State.EXPIRED


def test_somebody_without_an_account_is_sent_to_enrol_first(
    review: Review, officers: list[Officer], services: EnrolmentServices
):
    seed_citizen(services, people()[5], IAL.IAL1_1, name="nobody-proven")
    for person in (people()[6], people()[5]):
        with pytest.raises(PersonError, match="enrols first"):
            review.open(officers[0], person.citizen_number)


def test_every_look_up_is_counted_and_recorded(review: Review, officers: list[Officer], services: EnrolmentServices):
    for _ in range(60):
        with pytest.raises(PersonError, match="enrols first"):
            review.open(officers[0], people()[6].citizen_number)
    with pytest.raises(TooMany):
        review.open(officers[0], people()[6].citizen_number)
    with services.ground.database.read() as connection:
        looked_up = select(func.count()).where(AuditEntry.event == "officer.looked_up")
        assert connection.execute(looked_up).scalar() == 60


@pytest.mark.both_backends
def test_of_parallel_decisions_one_counts(
    review: Review, officers: list[Officer], citizen: str, person: FictionalPerson, services: EnrolmentServices
):
    case_id = captured(review, officers[0], person)

    def decide(number: int) -> bool:
        try:
            review.decide(officers[1 + number % 2], case_id, approve=number % 2 == 0, reason="r")
        except PersonError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(decide, range(8))) == 1
    with services.ground.database.read() as connection:
        ours = select(func.count()).where(Decision.case_id == case_id)
        assert connection.execute(ours).scalar() == 1
        living = select(func.count()).where(Identity.account_id == citizen, Identity.superseded_at.is_(None))
        assert connection.execute(living).scalar() == 1


@pytest.mark.both_backends
def test_of_parallel_openings_one_case_comes_to_be(
    review: Review, officers: list[Officer], citizen: str, person: FictionalPerson
):
    with ThreadPoolExecutor(6) as pool:
        opened = list(pool.map(lambda _: review.open(officers[0], person.citizen_number), range(6)))
    assert len(set(opened)) == 1


# ---------------------------------------------------------------- access given back


def test_officers_give_access_back_to_somebody_who_lost_every_way_in(
    provider: Provider, review: Review, officers: list[Officer], person: FictionalPerson
):
    enrolled = Citizen(person, provider)
    enrolled.enrolls()
    case_id = captured(review, officers[0], person, new_contact=Contact("email", "new@example.com"))
    review.decide(officers[1], case_id, approve=True, reason="")
    link = (
        next(body for to, body in provider.letters() if to == "new@example.com").split("/enroll/return/")[1].split()[0]
    )

    returning = Citizen(person, provider, email="new@example.com")
    assert returning.browser.get(f"/enroll/return/{link}").status_code == 200
    assert returning.browser.submit(f"/enroll/return/{link}").status_code == 303
    assert returning.browser.submit(f"/enroll/return/{link}").status_code == 404
    assert returning.creates_passkey().status_code == 303
    assert len(returning.recovery_codes()) == 8
    assert provider.services.accounts.attributes(enrolled.account_id).email == "new@example.com"
    with provider.services.ground.database.read() as connection:
        living = connection.execute(select(func.count()).where(Passkey.revoked_at.is_(None))).scalar()
    assert living == 1


def test_a_link_for_a_new_passkey_dies_after_a_day(
    provider: Provider, review: Review, officers: list[Officer], person: FictionalPerson, clock: SetClock
):
    Citizen(person, provider).enrolls()
    case_id = captured(review, officers[0], person, new_contact=Contact("email", "new@example.com"))
    review.decide(officers[1], case_id, approve=True, reason="")
    link = (
        next(body for to, body in provider.letters() if to == "new@example.com").split("/enroll/return/")[1].split()[0]
    )
    clock.advance(timedelta(hours=24))
    assert provider.browser().get(f"/enroll/return/{link}").status_code == 404


def test_an_approval_ends_a_hold(
    review: Review, officers: list[Officer], citizen: str, person: FictionalPerson, services: EnrolmentServices
):
    with services.ground.database.write() as connection:
        connection.execute(update(Account).where(Account.id == citizen).values(status="suspended"))
    case_id = captured(review, officers[0], person)
    assert review.file(officers[1], case_id).on_hold
    assert not services.accounts.is_active(citizen)
    review.decide(officers[1], case_id, approve=True, reason="")
    assert services.accounts.is_active(citizen)
