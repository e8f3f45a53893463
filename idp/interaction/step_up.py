"""A stronger or a fresher passkey: for a level that the session has not, and for every signature.

A signature's challenge is a hash over the documents (house rule 2): the page shows what is signed and the passkey
signs just that. The assertion is kept with the interaction and travels on in the token response (RFC 9396 section
7.1), where the signing module verifies it itself.
"""

from __future__ import annotations

import json

from sqlalchemy import Connection

from core import audit, webauthn
from core.assurance import AAL
from core.errors import PersonError
from enrollment import webauthn_authentication as passkeys
from enrollment.webauthn_authentication import AuthenticatedPasskey
from idp.interaction import signed_in
from idp.interaction.login import verified
from idp.interaction.signing_request import PaymentRequest, ToSign, read_to_sign
from idp.interaction.visit import Visit

TOO_WEAK = "This passkey is not strong enough for this step. Please use one of the security keys named on this page."
OUT_OF_TIME = "The time to sign has run out. Nothing was signed. Please start again at the signing desk."


def wanted_aal(visit: Visit) -> AAL:
    """AAL3 for a document, AAL2 for a payment; else the least that one of the wanted levels takes."""
    if visit.is_signing:
        return signing_request(visit).aal
    demand = visit.services.prompting.demand(visit.request, visit.client, visit.progress)
    return min((acr.aal for acr in demand.acr), default=AAL.AAL2)


def strong_passkeys(visit: Visit) -> list[tuple[str, str]]:
    """(credential_id, name) of the person's passkeys that reach the level."""
    assert visit.session is not None  # noqa: S101 - step_up comes after login
    least = wanted_aal(visit)
    rows = visit.services.accounts.passkeys(visit.session.account_id)
    return [(row["credential_id"], row["name"]) for row in rows if row["aal"] >= least]


def options(visit: Visit) -> str:
    """Only passkeys that reach the level are offered; a signature's challenge is its documents'."""
    assert visit.session is not None  # noqa: S101 - step_up comes after login
    challenge = signing_request(visit).challenge if visit.is_signing else None
    ground, account_id = visit.services.ground, visit.session.account_id
    made = passkeys.begin_authentication(ground, bound_to=visit.bound_to, challenge=challenge, account_id=account_id)
    strong, parsed = {each for each, _name in strong_passkeys(visit)}, json.loads(made)
    parsed["allowCredentials"] = [each for each in parsed["allowCredentials"] if each["id"] in strong]
    return json.dumps(parsed)


def step_up_with_passkey(visit: Visit, credential_json: str) -> None:
    """The level is checked before the ceremony is finished: finishing spends a challenge that cannot be made anew."""
    assert visit.session is not None  # noqa: S101 - step_up comes after login
    check_strong(visit, credential_json)
    if visit.is_signing:
        check_in_time(visit)
    passkey = verified(visit, credential_json, account_id=visit.session.account_id)
    signed_in.step_up(visit.services, visit.session, passkey)
    if visit.is_signing:
        keep_assertion(visit, passkey)


def check_strong(visit: Visit, credential_json: str) -> None:
    try:
        used = webauthn.encode(webauthn.unverified_credential_id(credential_json))
    except webauthn.WebAuthnRefused as error:
        raise PersonError(passkeys.NOT_SIGNED_IN) from error
    if used not in {each for each, _name in strong_passkeys(visit)}:
        raise PersonError(TOO_WEAK)


def check_in_time(visit: Visit) -> None:
    if visit.services.ground.clock.now() >= signing_request(visit).expires_at:
        raise PersonError(OUT_OF_TIME)


def keep_assertion(visit: Visit, passkey: AuthenticatedPasskey) -> None:
    """Only an assertion over this request's documents: one over a random challenge signs nothing. What is done with a
    signed document the signing module writes into the trail; a payment is signed here and nowhere else.
    """
    signed, services = signing_request(visit), visit.services
    client_data = json.loads(webauthn.decode(passkey.assertion["clientDataJSON"]))
    if client_data["challenge"] != webauthn.encode(signed.challenge):
        raise PersonError(passkeys.NOT_SIGNED_IN)
    assertion = json.dumps(passkey.assertion)
    with services.ground.database.write() as connection:
        services.interactions.note(connection, visit.progress, account_id=passkey.account_id, assertion=assertion)
        if isinstance(signed, PaymentRequest):
            record_payment(connection, visit, signed, account_id=passkey.account_id)


def record_payment(connection: Connection, visit: Visit, signed: PaymentRequest, *, account_id: str) -> None:
    """The challenge stands for amount and payee: whoever holds the details can show that it was these."""
    audit.record(
        connection,
        visit.services.ground.clock,
        event="payment.signed",
        actor=account_id,
        subject=account_id,
        client_id=visit.progress.client_id,
        detail={"reference": signed.reference, "challenge": webauthn.encode(signed.challenge)},
    )


def signing_request(visit: Visit) -> ToSign:
    assert visit.request is not None  # noqa: S101 - only an authorization request asks for a signature
    return read_to_sign(visit.request.signing_details)


def context(visit: Visit) -> dict[str, object]:
    passkey_names = [name for _id, name in strong_passkeys(visit)]
    signing = signing_request(visit) if visit.is_signing else None
    out_of_time = signing is not None and visit.services.ground.clock.now() >= signing.expires_at
    usable = passkey_names and not out_of_time
    return {
        "options_json": options(visit) if usable else "",
        "passkey_names": passkey_names,
        "signing": signing,
        "payment": signing if isinstance(signing, PaymentRequest) else None,
        "out_of_time": out_of_time,
        "may_go_on": may_go_on(visit),
        "sandbox_user": sandbox_user(visit),
    }


def may_go_on(visit: Visit) -> bool:
    """A level that was only wished for (OpenID Connect Core section 5.5.1.1) keeps nobody out."""
    demand = visit.services.prompting.demand(visit.request, visit.client, visit.progress)
    return not (demand.signing or demand.acr_essential)


def sandbox_user(visit: Visit) -> str:
    """The list stands at whoever is signed in."""
    sandbox, session = visit.services.sandbox, visit.session
    return sandbox.name_of(session.account_id) if sandbox and session else ""
