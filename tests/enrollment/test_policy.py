"""Levels as data: what is awarded follows from a policy, evidence and checks, and from nothing else."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.assurance import IAL
from enrollment.policy import (
    CURRENT_POLICY,
    CheckMade,
    EvidenceHeld,
    PolicyError,
    award,
    load_policy,
    missing,
    read_inputs,
    read_policy,
    write_inputs,
)

POLICY = load_policy(CURRENT_POLICY)
AT = "2026-11-22T03:00:00+00:00"
CARD_DATA = EvidenceHeld("e1", "th_id_card_data", "self", AT)
CONTACT = EvidenceHeld("e2", "contact_address", "email", AT)
CARD = EvidenceHeld("e3", "th_id_card", "officers-desk", AT)


def check(method: str, evidence: EvidenceHeld, outcome: str = "pass") -> CheckMade:
    return CheckMade(f"{evidence.id}-{method}-{outcome}", evidence.id, "validation", method, outcome, AT)


ENROLLED = (check("checksum", CARD_DATA), check("register_status", CARD_DATA), check("contact_confirmed", CONTACT))
AT_THE_DESK = (
    check("card_inspected", CARD),
    check("register_status", CARD),
    check("face_compared_in_person", CARD),
    check("second_officer_approved", CARD),
)


def test_nothing_proven_is_ial1_1():
    assert award(POLICY, (), ()).ial == IAL.IAL1_1


def test_card_data_confirmed_by_the_register_and_a_contact_are_ial1_3():
    awarded = award(POLICY, (CARD_DATA, CONTACT), ENROLLED)
    assert (awarded.ial, awarded.policy, awarded.unverified_mapping) == (IAL.IAL1_3, "provisional-1", True)


@pytest.mark.parametrize("left_out", ENROLLED)
def test_every_check_of_ial1_3_is_needed(left_out: CheckMade):
    checks = [each for each in ENROLLED if each is not left_out]
    assert award(POLICY, (CARD_DATA, CONTACT), checks).ial == IAL.IAL1_1


def test_a_card_inspected_and_a_face_compared_by_two_officers_are_ial2_1():
    awarded = award(POLICY, (CARD_DATA, CONTACT, CARD), ENROLLED + AT_THE_DESK)
    assert (awarded.ial, awarded.unverified_mapping) == (IAL.IAL2_1, True)


@pytest.mark.parametrize("left_out", AT_THE_DESK)
def test_every_check_of_ial2_1_is_needed(left_out: CheckMade):
    checks = [each for each in ENROLLED + AT_THE_DESK if each is not left_out]
    assert award(POLICY, (CARD_DATA, CONTACT, CARD), checks).ial == IAL.IAL1_3


@pytest.mark.parametrize("outcome", ["fail", "inconclusive", "unavailable"])
def test_only_a_passed_check_counts(outcome: str):
    face = check("face_compared_in_person", CARD, outcome)
    checks = [*ENROLLED, *(each for each in AT_THE_DESK if each.method != face.method), face]
    assert award(POLICY, (CARD_DATA, CONTACT, CARD), checks).ial == IAL.IAL1_3


def test_a_failed_check_is_not_mended_by_a_passed_one():
    checks = [*ENROLLED, *AT_THE_DESK, check("face_compared_in_person", CARD, "fail")]
    assert award(POLICY, (CARD_DATA, CONTACT, CARD), checks).ial == IAL.IAL1_3


def test_a_check_of_other_evidence_does_not_count():
    checks = [*ENROLLED, *(each for each in AT_THE_DESK if each.method != "register_status")]
    assert award(POLICY, (CARD_DATA, CONTACT, CARD), checks).ial == IAL.IAL1_3


def test_a_check_of_erased_evidence_does_not_count():
    assert award(POLICY, (CARD_DATA,), ENROLLED).ial == IAL.IAL1_1


def test_a_row_says_what_is_missing():
    row = next(row for row in POLICY.rows if row.ial == IAL.IAL2_1)
    needed = {each.method for each in missing(row, (CARD_DATA, CONTACT, CARD), ENROLLED)}
    assert needed == {each.method for each in AT_THE_DESK}


def test_every_row_of_the_current_policy_is_marked_unverified():
    assert all(row.unverified_mapping for row in POLICY.rows)
    assert [row.ial for row in POLICY.rows] == sorted(IAL, key=lambda ial: -ial.rank)


@given(st.sets(st.sampled_from(ENROLLED + AT_THE_DESK)), st.sets(st.sampled_from(ENROLLED + AT_THE_DESK)))
def test_more_passed_checks_never_lower_the_level(some: set[CheckMade], more: set[CheckMade]):
    evidence = (CARD_DATA, CONTACT, CARD)
    assert award(POLICY, evidence, list(some | more)).ial.rank >= award(POLICY, evidence, list(some)).ial.rank


@given(st.permutations(ENROLLED + AT_THE_DESK))
def test_the_order_of_checks_changes_nothing(checks: list[CheckMade]):
    assert award(POLICY, (CARD, CONTACT, CARD_DATA), checks) == award(
        POLICY, (CARD_DATA, CONTACT, CARD), ENROLLED + AT_THE_DESK
    )


def test_inputs_come_back_as_they_were_written():
    evidence, checks = read_inputs(write_inputs((CARD_DATA, CONTACT), ENROLLED))
    assert award(POLICY, evidence, checks) == award(POLICY, (CARD_DATA, CONTACT), ENROLLED)


def test_other_inputs_have_another_hash():
    hashes = {award(POLICY, (CARD_DATA, CONTACT), some).inputs_hash for some in combinations(ENROLLED, 2)}
    assert len(hashes) == 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name = 'x'",
        "name='x'\ntrust_framework='t'\nrow=[]",
        "name='x'\ntrust_framework='t'\n[[row]]\nial='9'\nrule='r'\nmapping='unverified'\nevidence=[]\nchecks=[]",
        "name='x'\ntrust_framework='t'\n[[row]]\nial='1.3'\nrule='r'\nmapping='unverified'\nevidence=['a']\nchecks=[]",
        (
            "name='x'\ntrust_framework='t'\n[[row]]\nial='1.3'\nrule='r'\nmapping='unverified'\nevidence=[]\n"
            "checks=[{method='m', evidence='other'}]\n[[row]]\nial='1.1'\nrule='n'\nmapping='unverified'\nevidence=[]\nchecks=[]"
        ),
        (
            "name='x'\ntrust_framework='t'\n[[row]]\nial='1.1'\nrule='n'\nmapping='unverified'\nevidence=[]\nchecks=[]\n"
            "[[row]]\nial='1.3'\nrule='r'\nmapping='unverified'\nevidence=['a']\nchecks=[{method='m'}]"
        ),
        (
            "name='x'\ntrust_framework='t'\n[[row]]\nial='1.2'\nrule='r'\nmapping='unverified'\nevidence=['a']\nchecks=[]\n"
            "[[row]]\nial='1.1'\nrule='n'\nmapping='unverified'\nevidence=[]\nchecks=[]"
        ),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(text: str):
    with pytest.raises(PolicyError):
        read_policy(text)


def test_a_policy_that_does_not_exist_is_refused():
    with pytest.raises(PolicyError):
        load_policy("../provisional-1")
