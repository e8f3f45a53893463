"""A person is erased whole, when two people have agreed to it (`keys/two_person.py`), and stays erased after a restore.

1. what must be asked outside a transaction: the officer's credentials are revoked
2. one transaction: the agreement is spent; sessions end, and agencies hear of it; consents, tokens, requests, offices
   and letters go; the account and its cases are emptied; the data key is deleted; the erasure is written down
3. what lies outside the database: files that nobody signed; the list of erasures

Either all of 2 happens or nothing. What remains, and why: docs/data-protection.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog
from sqlalchemy import Connection, delete, select, update

from core import audit
from core.errors import NotFound, PersonError
from enrollment.erasure import erase_person
from enrollment.models import Account
from enrollment.models.account import AccountStatus
from idp.admin.invitation import Invitation
from idp.composition import Provider
from idp.interaction.interaction import Interaction
from idp.interaction.session import Session
from idp.models.decoupled_request import DecoupledRequest
from idp.models.grant import Grant, load_grants, revoke_grant
from idp.models.membership import Membership
from idp.models.refresh_token import RefreshToken
from idp.models.session_client import SessionClient
from idp.models.subject import Subject
from idp.oidc.subject import load_subject
from idp.sandbox.authenticator import SandboxAuthenticator
from keys import two_person
from keys.data_key import ACCOUNT, Owner, delete_data_key
from keys.erasure import ErasedPerson
from keys.errors import KeystoreError, NotAgreed
from keys.two_person import Act

log = structlog.get_logger()

NOBODY = "There is no such account, or it was erased already."
ROWS = (Grant, RefreshToken, DecoupledRequest, Interaction, Invitation, Subject, SandboxAuthenticator)


class Desk(Protocol):
    """What is needed of signing, which knows the person by its own `sub`."""

    def before(self, sub: str, *, actor: str) -> None: ...

    def erase(self, connection: Connection, sub: str, *, now: datetime) -> list[str]: ...

    def after(self, document_ids: list[str]) -> None: ...


@dataclass(frozen=True)
class PersonErasure:
    """`desk_client` is what signing is called as a client."""

    provider: Provider
    desk: Desk
    desk_client: str

    def ask(self, account_id: str, *, by: str, reason: str) -> str:
        """Opens the approval, and returns its id. Raises NotFound, and PersonError where one is open already."""
        self._check_there(account_id)
        with self.provider.ground.database.write() as connection:
            clock = self.provider.ground.clock
            return two_person.ask(connection, clock, Act.ERASE_PERSON, account_id, by=by, reason=reason)

    def erase(self, account_id: str, *, actor: str) -> None:
        """Raises NotAgreed unless two people agreed, NotFound for nobody."""
        self._check_there(account_id)
        with self.provider.ground.database.read() as connection:
            agreed = two_person.load_open(connection, Act.ERASE_PERSON, account_id)
        approval = agreed.id if agreed else ""
        erased = self.provider.trust.erasures.proven(account_id, approval, self.provider.ground.clock.now())
        self._erase(erased, actor=actor, agreed=True)

    def again(self, listed: Sequence[ErasedPerson], *, actor: str) -> int:
        """After a restore: whoever was erased and is there again. Two people agreed to it, then. How many they were."""
        there = [erased for erased in listed if self.is_there(erased.account_id)]
        for erased in there:
            self._erase(erased, actor=actor, agreed=False)
        return len(there)

    def is_there(self, account_id: str) -> bool:
        with self.provider.ground.database.read() as connection:
            status = connection.execute(select(Account.status).where(Account.id == account_id)).scalar()
        return status is not None and status != AccountStatus.ERASED

    def _check_there(self, account_id: str) -> None:
        if not self.is_there(account_id):
            raise NotFound(NOBODY)

    def _erase(self, erased: ErasedPerson, *, actor: str, agreed: bool) -> None:
        account_id, ground, erasures = erased.account_id, self.provider.ground, self.provider.trust.erasures
        if agreed:  # before anything is revoked
            self._check_agreed(account_id)
        sub = self._desk_sub(account_id)
        if sub:
            self.desk.before(sub, actor=actor)  # 1
        with ground.database.write() as connection:  # 2
            if agreed:
                two_person.spend(connection, ground.clock, Act.ERASE_PERSON, account_id)
            now = ground.clock.now()
            self._end_all(connection, account_id, actor=actor, now=now)
            if not erase_person(connection, account_id, now=now):
                raise PersonError(NOBODY)
            files = self.desk.erase(connection, sub, now=now) if sub else []
            self.provider.outbox.erase(connection, account_id)
            delete_data_key(connection, Owner(ACCOUNT, account_id))
            erasures.record(connection, erased)
            event, detail = "person.erased" if agreed else "person.erased_again", {"approval": erased.approval}
            audit.record(connection, ground.clock, event=event, actor=actor, subject=account_id, detail=detail)
        self.desk.after(files)  # 3
        try:
            erasures.keep_list()
        except (KeystoreError, OSError):  # the job tries again, and the doctor says why
            log.exception("erasure_not_listed")

    def _check_agreed(self, account_id: str) -> None:
        ground = self.provider.ground
        with ground.database.read() as connection:
            asked = two_person.load_open(connection, Act.ERASE_PERSON, account_id)
        if asked is None or not asked.is_agreed(ground.clock.now()):
            raise NotAgreed(f"two people must agree first: {Act.ERASE_PERSON} {account_id}")

    def _end_all(self, connection: Connection, account_id: str, *, actor: str, now: datetime) -> None:
        """What is in force ends first, with all that hangs on it; then the rows go."""
        self.provider.sessions.end_all(connection, account_id, reason="erased", actor=actor)
        for grant in load_grants(connection, account_id):
            revoke_grant(connection, grant.id, account_id=account_id, now=now)
        in_office = (Membership.account_id == account_id, Membership.ended_at.is_(None))
        connection.execute(update(Membership).where(*in_office).values(ended_at=now))
        sids = select(Session.sid).where(Session.account_id == account_id)
        connection.execute(delete(SessionClient).where(SessionClient.session_id.in_(sids)))
        connection.execute(delete(Session).where(Session.account_id == account_id))
        for row in ROWS:
            connection.execute(delete(row).where(row.account_id == account_id))

    def _desk_sub(self, account_id: str) -> str | None:
        client = self.provider.server.clients.load(self.desk_client)
        if client is None:
            return None
        with self.provider.ground.database.read() as connection:
            return load_subject(connection, client, account_id)
