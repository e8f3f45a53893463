"""What is asked, in which order: OpenID Connect Core section 3.1.2, RFC 9470."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.assurance import AAL, IAL, Acr
from idp.interaction.policy import PROMPTS, Asked, Demand, Done, Situation, next_prompt
from idp.interaction.session_row import SignedIn
from tests.protocol.requirement import requirement

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
SOMCHAI = SignedIn(
    "sid", "somchai", "key", Acr(IAL.IAL2_1, AAL.AAL2), ("pop",), NOW - timedelta(minutes=10), NOW, False
)
NAME = frozenset({"name"})
HIGHER, STRONGER = Acr(IAL.IAL3, AAL.AAL2), Acr(IAL.IAL1_3, AAL.AAL3)


def asked(demand: Demand | None = None, **values) -> Asked | None:
    situation = Situation(demand or Demand(claims=NAME), SOMCHAI, NOW, granted=NAME)
    return next_prompt(replace(situation, **values))


@requirement("OIDC Core", "3.1.2.3", "MUST")
def test_nothing_is_asked_of_somebody_signed_in_whose_consent_stands():
    assert asked() is None


def test_the_order_of_the_prompts():
    names = ["login", "select_account", "raise_identity", "step_up", "consent", "approve"]
    assert [prompt.name for prompt in PROMPTS] == names


@pytest.mark.parametrize(
    ("values", "prompt", "reason", "error"),
    [
        ({"signed_in": None}, "login", "no_session", "login_required"),
        ({"demand": Demand(hinted_account_id="malee")}, "login", "hint_names_another", "login_required"),
        ({"demand": Demand(max_age=timedelta(minutes=9))}, "login", "max_age_exceeded", "login_required"),
        ({"demand": Demand(prompt=frozenset({"login"}))}, "login", "prompt_is_login", "login_required"),
        ({"demand": Demand(prompt=frozenset({"select_account"}))}, "select_account", "prompt_is_select_account",
         "account_selection_required"),
        ({"demand": Demand(acr=(HIGHER,))}, "raise_identity", "identity_below_wanted", "interaction_required"),
        ({"demand": Demand(acr=(STRONGER,))}, "step_up", "acr_above_session", "interaction_required"),
        ({"demand": Demand(signing=True)}, "step_up", "signing_requested", "interaction_required"),
        ({"granted": None}, "consent", "claims_not_granted", "consent_required"),
        ({"granted": frozenset({"email"})}, "consent", "claims_not_granted", "consent_required"),
        ({"demand": Demand(prompt=frozenset({"consent"}))}, "consent", "prompt_is_consent", "consent_required"),
        ({"demand": Demand(unproven_app=True)}, "consent", "app_not_proven", "consent_required"),
        ({"demand": Demand(approval=True, consent=False)}, "approve", "approval_requested", "consent_required"),
    ],
)  # fmt: skip
def test_each_reason_has_its_prompt_and_its_error(values, prompt, reason, error):
    assert asked(**values) == Asked(prompt, reason, error)


@requirement("OIDC Core", "3.1.2.4", "MUST")
def test_consent_is_asked_for_new_claims_only():
    wider = Demand(claims=frozenset({"name", "email"}))
    assert asked(wider, granted=frozenset({"name", "email", "birthdate"})) is None
    assert asked(wider) == Asked("consent", "claims_not_granted", "consent_required")
    assert asked(wider, done=Done(consented=True)) is None


def test_one_alternative_within_reach_is_enough():
    assert asked(Demand(acr=(HIGHER, Acr(IAL.IAL2_1, AAL.AAL2)))) is None
    assert asked(Demand(acr=(HIGHER, STRONGER))).prompt == "step_up"


@requirement("OIDC Core", "5.5.1.1", "SHOULD")
def test_a_wish_for_a_level_keeps_nobody_out_who_goes_on_without_it():
    assert asked(Demand(acr=(HIGHER,)), done=Done(level_accepted=True)) is None
    assert asked(Demand(acr=(STRONGER,)), done=Done(level_accepted=True)) is None
    assert asked(Demand(acr=(HIGHER,), acr_essential=True), done=Done(level_accepted=True)).prompt == "raise_identity"
    assert asked(Demand(acr=(STRONGER,), acr_essential=True), done=Done(level_accepted=True)).prompt == "step_up"


@pytest.mark.parametrize("demand", [Demand(max_age=timedelta()), Demand(prompt=frozenset({"login", "select_account"}))])
@requirement("OIDC Core", "3.1.2.1", "MUST")
def test_prompt_login_and_max_age_zero_ask_once_and_not_for_ever(demand):
    began_before = Done(began_at=SOMCHAI.auth_time - timedelta(seconds=5))
    began_after = Done(began_at=SOMCHAI.auth_time + timedelta(seconds=5))
    assert asked(demand, done=began_before) is None
    assert asked(demand, done=began_after).prompt == "login"


def test_a_signature_is_never_covered_by_a_session_however_strong_and_fresh():
    strongest = replace(SOMCHAI, acr=Acr(IAL.IAL3, AAL.AAL3), auth_time=NOW)
    assert asked(Demand(signing=True), signed_in=strongest).reason == "signing_requested"
    assert asked(Demand(signing=True), signed_in=strongest, done=Done(signed=True)) is None


def test_our_own_pages_ask_for_no_consent():
    assert asked(Demand(consent=False), granted=None) is None


def test_a_request_without_a_browser_is_approved_anew_whatever_was_allowed_before():
    demand = Demand(approval=True, consent=False, claims=NAME, acr=(STRONGER,))
    assert asked(demand) == Asked("step_up", "acr_above_session", "interaction_required")
    assert asked(replace(demand, acr=())) == Asked("approve", "approval_requested", "consent_required")
    assert asked(replace(demand, acr=()), done=Done(consented=True)) is None
