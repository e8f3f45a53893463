"""A request that came without a browser (RFC 8628 section 3.3, CIBA Core section 8), decided by the person it is for.

Sign-in and step-up come before, by the same policy as everywhere; what would be released stands on the page like at
any consent, beside the code on the device or the words that the service sent along. Decided once, in one transaction
with the grant, the audit entry and the ping to the client; a second tab sees how it ended.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from core import audit
from core.assurance import acr_value
from core.clock import timestamp
from core.web import page
from idp.interaction import consent
from idp.interaction.prompting import names_to_allow
from idp.interaction.visit import Visit
from idp.models.decoupled_request import APPROVED, DENIED, Waiting, decide, keep_authorized, load_request
from idp.models.grant import record_grant
from idp.oidc.ciba_ping import enqueue_ping
from idp.oidc.subject import issue_subject


def context(visit: Visit) -> dict[str, object]:
    """The consent page's lines, and the words and the time by which the person knows the request again."""
    asked = load(visit)
    when = asked.created_at if asked is not None else visit.progress.created_at
    return consent.context(visit) | {"decoupled": decoupled(visit), "asked_at": when}


def approve(visit: Visit) -> None:
    """Nothing is written where it was decided before, or is too late: the page says which."""
    assert visit.session and visit.request and visit.client  # noqa: S101, PT018 - login comes first
    services, session, now = visit.services, visit.session, visit.services.ground.clock.now()
    names = names_to_allow(visit.request, visit.client)
    with services.ground.database.write() as connection:
        if not decide(connection, request_id(visit), APPROVED, account_id=session.account_id, now=now):
            return
        sub = issue_subject(connection, visit.client, session.account_id, now=now)
        grant = record_grant(
            connection,
            account_id=session.account_id,
            client_id=visit.client.client_id,
            scope=visit.request.scope,
            claims=names - {"offline_access"},
            now=now,
        )
        authorized = {"sub": sub, "grant_id": grant.id, "auth_time": timestamp(session.auth_time)}
        authorized |= {"acr": acr_value(session.acr, sandbox=services.ground.settings.sandbox)}
        keep_authorized(connection, request_id(visit), authorized | {"amr": list(session.amr)})
        services.interactions.note(connection, visit.progress, account_id=session.account_id, consented_at=now)
        close(visit, connection, "request.approved", {"claims": " ".join(sorted(names))})


def deny(visit: Visit) -> None:
    """RFC 8628 section 3.5: the client hears access_denied at its next poll."""
    assert visit.session is not None  # noqa: S101 - whoever is not signed in decides nothing
    services, now = visit.services, visit.services.ground.clock.now()
    with services.ground.database.write() as connection:
        if decide(connection, request_id(visit), DENIED, account_id=visit.session.account_id, now=now):
            close(visit, connection, "request.denied", {})


def close(visit: Visit, connection: Connection, event: str, detail: Mapping[str, str]) -> None:
    """What both decisions end with, in their transaction."""
    assert visit.session is not None  # noqa: S101 - checked by both
    services, account_id = visit.services, visit.session.account_id
    services.interactions.answer(connection, visit.progress.id)
    enqueue_ping(connection, services.outbox, services.accounts.envelope, request_id(visit))
    audit.record(
        connection,
        services.ground.clock,
        event=event,
        actor=account_id,
        subject=account_id,
        client_id=visit.progress.client_id,
        detail={"request": request_id(visit), **detail},
    )


def ended(visit: Visit) -> ResponseReturnValue | None:
    """None while it can be decided. Then how it ended, to whoever decided it; to anybody else, that it is over."""
    asked = load(visit)
    now = visit.services.ground.clock.now()
    if asked is not None and asked.is_open(now) and not visit.services.interactions.is_expired(visit.progress):
        return None
    mine = asked is not None and visit.session is not None and visit.session.account_id == asked.account_id
    outcome = asked.decision if asked is not None and mine else ""
    return page("interaction/decided.html", 200 if outcome else 410, visit=visit, outcome=outcome)


def load(visit: Visit) -> Waiting | None:
    with visit.services.ground.database.read() as connection:
        return load_request(connection, request_id(visit))


def request_id(visit: Visit) -> str:
    return decoupled(visit)["id"]


def decoupled(visit: Visit) -> Mapping[str, str]:
    assert visit.request is not None  # noqa: S101 - our own pages have none
    return visit.request.decoupled
