"""How somebody comes to hold an office: a link that works once, for a day, sent to one address.

Accepting makes a staff account with a passkey, or adds the role to the account of somebody who is signed in already.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import ColumnElement, Connection, ForeignKey, LargeBinary, String, Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from core import audit
from core.clock import Clock
from core.database import Base, UTCDateTime
from core.errors import NotFound, PersonError
from core.ground import Ground
from core.identifiers import hashed, new_id, new_secret
from core.sealed_column import SealedColumn
from enrollment import webauthn_registration
from enrollment.account import AccountStore, PersonAttributes
from enrollment.webauthn_authentication import AuthenticatedPasskey
from idp.models.agency import Agency
from idp.models.membership import Membership, Role
from keys.envelope import Envelope

LIFETIME = timedelta(hours=24)
TOKEN_LENGTH = 43
EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
MAX_EMAIL = 254  # RFC 5321 section 4.5.3.1.3
OPERATOR_TH = "สำนักงานผู้ให้บริการ ประจักษ์"
OPERATOR_EN = "Prajak provider's office"
NOT_VALID = "This invitation was used already, or its time is over. Ask for a new one."


class Invitation(Base):
    """`email` is sealed. `account_id` is what the new account will be called, so that the passkey can be made for it
    before it exists. `accepted_at` is empty until somebody accepted.
    """

    __tablename__ = "invitation"

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    email: Mapped[bytes] = mapped_column(LargeBinary)
    role: Mapped[str] = mapped_column(String(20))
    agency_id: Mapped[str] = mapped_column(ForeignKey("agency.id"))
    account_id: Mapped[str] = mapped_column(String(22))
    invited_by: Mapped[str] = mapped_column(String(22))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    accepted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


# An address is invited before there is a person; the row goes after a day.
EMAIL_SEALED = SealedColumn(
    cast("Table", Invitation.__table__), "email", "invitation:{id}", "the installation", once_direct=True
)


@dataclass(frozen=True)
class OpenInvitation:
    id: str
    email: str
    role: Role
    agency_id: str
    account_id: str
    invited_by: str
    expires_at: datetime

    @property
    def bound_to(self) -> str:
        """What the passkey's challenge belongs to."""
        return f"invitation:{self.id}"


def invite(
    ground: Ground, envelope: Envelope, *, email: str, role: Role, invited_by: str, agency_id: str | None = None
) -> str:
    """Returns the link. Without an agency it is an office at the provider itself, which is made when it is missing."""
    check_email(email)
    token, invitation_id, now = new_secret(), new_id(), ground.clock.now()
    sealed = envelope.seal(email.encode(), aad=EMAIL_SEALED.aad(id=invitation_id))
    with ground.database.write() as connection:
        agency_id = agency_id or find_operator(connection, ground.clock)
        row = {"id": invitation_id, "token_hash": hashed(token), "email": sealed, "role": role}
        row |= {"agency_id": agency_id, "account_id": new_id(), "invited_by": invited_by}
        connection.execute(insert(Invitation), row | {"created_at": now, "expires_at": now + LIFETIME})
        detail = {"role": role.value, "agency_id": agency_id}
        audit.record(
            connection, ground.clock, event="invitation.made", actor=invited_by, subject=invitation_id, detail=detail
        )
    return f"{ground.settings.issuer}/invitation/{token}"


def load_open(ground: Ground, envelope: Envelope, token: str) -> OpenInvitation:
    """Raises NotFound: a stranger learns nothing from a link that is used, over, or was never made."""
    mine = (Invitation.token_hash == hashed(token), *living(ground.clock))
    with ground.database.read() as connection:
        row = connection.execute(select(Invitation.__table__).where(*mine)).mappings().first()
    if len(token) != TOKEN_LENGTH or row is None:
        raise NotFound(NOT_VALID)
    email = envelope.open(row["email"], aad=EMAIL_SEALED.aad(id=row["id"])).decode()
    return OpenInvitation(
        row["id"], email, Role(row["role"]), row["agency_id"], row["account_id"], row["invited_by"], row["expires_at"]
    )


def accept_with_new_account(
    ground: Ground, accounts: AccountStore, invitation: OpenInvitation, name: PersonAttributes, credential_json: str
) -> AuthenticatedPasskey:
    """Account, passkey and role in one transaction, or nothing; the result signs in."""
    passkey = webauthn_registration.verify_registration(
        ground, invitation.account_id, credential_json, bound_to=invitation.bound_to
    )
    sealed = accounts.seal(name, key=accounts.new_key(invitation.account_id))
    with ground.database.write() as connection:
        spend_invitation(connection, ground.clock, invitation)
        accounts.add(connection, sealed)
        webauthn_registration.bind(connection, ground, passkey, name="", actor=invitation.account_id)
        grant_role(connection, ground.clock, invitation, account_id=invitation.account_id)
    return webauthn_registration.authenticated(passkey)


def accept_with_account(ground: Ground, invitation: OpenInvitation, *, account_id: str) -> None:
    """For somebody who has an account and is signed in."""
    with ground.database.write() as connection:
        spend_invitation(connection, ground.clock, invitation)
        grant_role(connection, ground.clock, invitation, account_id=account_id)


def spend_invitation(connection: Connection, clock: Clock, invitation: OpenInvitation) -> None:
    mine = update(Invitation).where(Invitation.id == invitation.id, *living(clock))
    if connection.execute(mine.values(accepted_at=clock.now())).rowcount != 1:
        raise NotFound(NOT_VALID)


def grant_role(connection: Connection, clock: Clock, invitation: OpenInvitation, *, account_id: str) -> None:
    row: dict[str, object] = {"id": new_id(), "account_id": account_id, "agency_id": invitation.agency_id, "office": ""}
    row |= {"role": invitation.role, "granted_by": invitation.invited_by, "granted_at": clock.now()}
    try:
        connection.execute(insert(Membership), row)
    except IntegrityError as error:
        raise PersonError("You hold this office already.") from error
    detail = {"role": invitation.role.value, "agency_id": invitation.agency_id}
    audit.record(
        connection, clock, event="membership.granted", actor=invitation.invited_by, subject=account_id, detail=detail
    )


def check_email(email: str) -> None:
    """Only its shape: whether it exists shows when the mail arrives."""
    if len(email) > MAX_EMAIL or not email.isprintable() or not EMAIL.fullmatch(email):
        raise PersonError("Write the e-mail address like name@example.go.th.", field="email")


def find_operator(connection: Connection, clock: Clock) -> str:
    """The provider's own office: where the first administrator works."""
    found = connection.execute(select(Agency.id).where(Agency.name_th == OPERATOR_TH)).scalar_one_or_none()
    if found is None:
        found = new_id()
        row = {"id": found, "name_th": OPERATOR_TH, "name_en": OPERATOR_EN, "sector": "identity"}
        connection.execute(insert(Agency), row | {"created_at": clock.now()})
    return str(found)


def purge_invitations(connection: Connection, before: datetime) -> int:
    """They hold an address: gone when they are of no use to anybody."""
    return connection.execute(delete(Invitation).where(Invitation.expires_at < before)).rowcount


def living(clock: Clock) -> tuple[ColumnElement[bool], ...]:
    return (Invitation.accepted_at.is_(None), Invitation.expires_at > clock.now())
