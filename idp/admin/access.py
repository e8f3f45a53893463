"""Who may do what in the console. Every page of a client asks `load_own_client`; nobody is trusted with an id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from core.errors import NotAllowed, NotFound
from core.web import Guard
from idp.admin.services import ConsoleServices
from idp.interaction import signed_in
from idp.interaction.guards import ask
from idp.models.client import RegisteredClient, load_client
from idp.models.membership import Role, load_memberships

AGENCY_STAFF = "agency staff"
APPROVER = "approver"
KEY_STAFF = "key staff"
FRESH_ADMINISTRATOR = "administrator, freshly signed in"
WORDS: Mapping[str, tuple[Role, ...]] = {
    AGENCY_STAFF: (Role.DEVELOPER, Role.AGENCY_APPROVER, Role.ADMINISTRATOR, Role.AUDITOR),
    APPROVER: (Role.AGENCY_APPROVER, Role.ADMINISTRATOR),
    KEY_STAFF: (Role.ADMINISTRATOR, Role.AUDITOR),
    FRESH_ADMINISTRATOR: (Role.ADMINISTRATOR,),
}


@dataclass(frozen=True)
class Staff:
    """The person at the console: which office they hold where."""

    account_id: str
    roles: tuple[tuple[str, Role], ...]  # (agency_id, role)

    def agencies(self, role: Role) -> list[str]:
        return sorted({agency_id for agency_id, held in self.roles if held is role})

    def holds(self, *roles: Role) -> bool:
        return any(held in roles for _, held in self.roles)

    @property
    def approves_for(self) -> list[str] | None:
        """The agencies they decide for; None for an administrator, who decides for all."""
        return None if self.holds(Role.ADMINISTRATOR) else self.agencies(Role.AGENCY_APPROVER)


def guards(services: ConsoleServices) -> Mapping[str, Guard]:
    """For `core.web.Web`, beside the words of each single role."""
    fresh = int(services.ground.settings.fresh_authentication.total_seconds())

    def holds(roles: tuple[Role, ...], max_age: int | None) -> Guard:
        def check_role() -> ResponseReturnValue | None:
            way_to_sign_in = ask(services.interaction, max_age=max_age)
            if way_to_sign_in is None:
                refuse_without(services, roles)
            return way_to_sign_in

        return check_role

    return {word: holds(roles, fresh if word == FRESH_ADMINISTRATOR else None) for word, roles in WORDS.items()}


def refuse_without(services: ConsoleServices, roles: tuple[Role, ...]) -> None:
    if not current_staff(services).holds(*roles):
        raise NotAllowed("This page is for officers with another role. You are signed in, but not as one of them.")


def current_staff(services: ConsoleServices) -> Staff:
    """Only behind a guard: somebody is signed in."""
    session = signed_in.current(services.interaction)
    if session is None:
        raise NotAllowed("Please sign in.")
    with services.ground.database.read() as connection:
        memberships = load_memberships(connection, session.account_id)
    return Staff(session.account_id, tuple((agency_id, role) for agency_id, _office, role in memberships))


def load_own_client(connection: Connection, staff: Staff, client_id: str) -> RegisteredClient:
    """A client of an agency they develop for. Another agency's does not exist for them: NotFound, not NotAllowed."""
    client = load_client(connection, client_id)
    if client is None or client.agency_id not in staff.agencies(Role.DEVELOPER):
        raise NotFound("There is no such client.")
    return client
