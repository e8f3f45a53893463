"""What is still to be asked before an answer may go out: one ordered table, asked again until nothing is left.

OpenID Connect Core section 3.1.2.3 (`prompt`, `max_age`), RFC 9470 (`acr_values`), RFC 9396 (signing requests).
Pure: `Situation` in, the first `Asked` out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.assurance import Acr, satisfies
from idp.interaction.session_row import SignedIn


@dataclass(frozen=True)
class Demand:
    """What a request wants of the person. `claims` are names that would be released; `acr` are alternatives."""

    prompt: frozenset[str] = frozenset()
    max_age: timedelta | None = None
    acr: tuple[Acr, ...] = ()
    acr_essential: bool = False  # OpenID Connect Core section 5.5.1.1: else `acr_values` are a wish
    signing: bool = False
    details: bool = False  # of a kind that is consented to each time anew (RFC 9396)
    consent: bool = True  # False for our own pages, which release nothing
    unproven_app: bool = False  # nothing proves which app asks (RFC 8252 section 8.6)
    approval: bool = False  # a request without a browser: asked of itself, consent with it
    claims: frozenset[str] = frozenset()
    hinted_account_id: str = ""  # whom id_token_hint names


@dataclass(frozen=True)
class Done:
    """What the person has already done for this one request. `began_at` is empty before there is an interaction."""

    began_at: datetime | None = None
    account_chosen: bool = False
    level_accepted: bool = False  # goes on although the wished-for level is out of reach
    consented: bool = False
    signed: bool = False  # the passkey's assertion over the documents is kept with the interaction


@dataclass(frozen=True)
class Situation:
    """`granted` are the claims this person already allowed this client; None when there is no grant at all."""

    demand: Demand
    signed_in: SignedIn | None
    now: datetime
    done: Done = field(default_factory=Done)
    granted: frozenset[str] | None = None


@dataclass(frozen=True)
class Asked:
    """The next thing to ask and why; `error` is what a request with prompt=none gets instead."""

    prompt: str
    reason: str
    error: str


Check = Callable[[Situation], bool]


@dataclass(frozen=True)
class Prompt:
    name: str
    when: tuple[Check, ...]
    error: str


def next_prompt(situation: Situation) -> Asked | None:
    """The first prompt with a reason; None when the request can be answered."""
    for prompt in PROMPTS:
        for check in prompt.when:
            if check(situation):
                return Asked(prompt.name, check.__name__, prompt.error)
    return None


def no_session(situation: Situation) -> bool:
    return situation.signed_in is None


def hint_names_another(situation: Situation) -> bool:
    """Section 3.1.2.1: id_token_hint. Another person's session does not answer for the one who is named."""
    hinted = situation.demand.hinted_account_id
    return bool(hinted) and situation.signed_in is not None and situation.signed_in.account_id != hinted


def max_age_exceeded(situation: Situation) -> bool:
    max_age, signed_in = situation.demand.max_age, situation.signed_in
    if max_age is None or signed_in is None or authenticated_here(situation):
        return False
    return situation.now - signed_in.auth_time > max_age


def prompt_is_login(situation: Situation) -> bool:
    return "login" in situation.demand.prompt and not authenticated_here(situation)


def prompt_is_select_account(situation: Situation) -> bool:
    if "select_account" not in situation.demand.prompt:
        return False
    return not (situation.done.account_chosen or authenticated_here(situation))


def authenticated_here(situation: Situation) -> bool:
    """Authenticated since this interaction began: so that prompt=login and max_age=0 ask once and not for ever."""
    began_at, signed_in = situation.done.began_at, situation.signed_in
    return began_at is not None and signed_in is not None and signed_in.auth_time >= began_at


def identity_below_wanted(situation: Situation) -> bool:
    """No alternative asks for as little identity as was proven; an authenticator cannot help."""
    if situation.signed_in is None or not situation.demand.acr:
        return False
    if situation.done.level_accepted and not situation.demand.acr_essential:
        return False
    ial = situation.signed_in.ial
    return all(wanted.ial.rank > ial.rank for wanted in situation.demand.acr)


def acr_above_session(situation: Situation) -> bool:
    """An alternative is within reach of the proven identity, by a stronger or a fresher authenticator."""
    signed_in = situation.signed_in
    if signed_in is None or not situation.demand.acr:
        return False
    if any(satisfies(signed_in.acr, wanted) for wanted in situation.demand.acr):
        return False
    if situation.done.level_accepted and not situation.demand.acr_essential:
        return False
    return any(wanted.ial.rank <= signed_in.ial.rank for wanted in situation.demand.acr)


def signing_requested(situation: Situation) -> bool:
    """A signature always takes a fresh passkey over the documents themselves: a session is never enough."""
    return situation.demand.signing and not situation.done.signed


def claims_not_granted(situation: Situation) -> bool:
    if not situation.demand.consent or situation.done.consented:
        return False
    return situation.granted is None or not situation.demand.claims <= situation.granted


def details_requested(situation: Situation) -> bool:
    """One request, one consent: what was allowed before does not open another agency's record again."""
    return situation.demand.details and not situation.done.consented


def app_not_proven(situation: Situation) -> bool:
    """RFC 6749 section 10.2: what was allowed to one app is not given to whichever comes in its name, unseen."""
    return situation.demand.unproven_app and situation.demand.consent and not situation.done.consented


def prompt_is_consent(situation: Situation) -> bool:
    return "consent" in situation.demand.prompt and situation.demand.consent and not situation.done.consented


def approval_requested(situation: Situation) -> bool:
    """RFC 8628 section 5.4, CIBA Core section 8: whoever holds the code may be a deceiver, so it is always asked."""
    return situation.demand.approval and not situation.done.consented


PROMPTS = (
    Prompt("login", (no_session, hint_names_another, max_age_exceeded, prompt_is_login), "login_required"),
    Prompt("select_account", (prompt_is_select_account,), "account_selection_required"),
    Prompt("raise_identity", (identity_below_wanted,), "interaction_required"),
    Prompt("step_up", (acr_above_session, signing_requested), "interaction_required"),
    Prompt("consent", (claims_not_granted, details_requested, app_not_proven, prompt_is_consent), "consent_required"),
    Prompt("approve", (approval_requested,), "consent_required"),
)
