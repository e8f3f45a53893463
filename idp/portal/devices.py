"""A person's passkeys: add one, name it, remove it, and be told of each change (SP 800-63B-4 section 4.1.2)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from enrollment import passkeys, webauthn_registration
from enrollment.evidence.contact import Contact
from enrollment.notices import Notices, contact_of
from idp.interaction.session import Session
from idp.models.membership import Role, has_role
from idp.portal.services import PortalServices
from keys.envelope import DataKey

ADDED = (
    "มีการเพิ่มพาสคีย์ใหม่ในบัญชีของท่าน",
    "A new passkey was added to your account.",
)
REMOVED = (
    "มีการนำพาสคีย์ออกจากบัญชีของท่าน",
    "A passkey was removed from your account.",
)
RENEWED = (
    "มีการออกรหัสกู้คืนชุดใหม่สำหรับบัญชีของท่าน รหัสชุดเดิมใช้ไม่ได้อีก",
    "New recovery codes were made for your account. The old ones no longer work.",
)


@dataclass(frozen=True)
class Letter:
    """To the person who is there. The address is opened before the transaction that adds the letter."""

    notices: Notices
    key: DataKey
    contact: Contact | None

    @classmethod
    def to(cls, services: PortalServices) -> Letter:
        account_id = services.account_id
        contact = contact_of(services.accounts.attributes(account_id))
        return cls(services.notices, services.accounts.key(account_id), contact)

    def tell(self, connection: Connection, what: tuple[str, str]) -> None:
        if self.contact is not None:
            self.notices.tell(connection, self.key, self.contact, what)


def bound_to(services: PortalServices) -> str:
    """What a registration challenge of this browser is bound to."""
    return f"session:{services.session().sid}"


def creation_options(services: PortalServices) -> str:
    """Of signing officers the maker's attestation is asked for: only so can the passkey reach AAL3."""
    name = services.accounts.attributes(services.account_id).name_th
    with services.ground.database.read() as connection:
        signs = has_role(connection, services.account_id, Role.SIGNING_OFFICER)
    return webauthn_registration.begin_registration(
        services.ground,
        services.account_id,
        bound_to=bound_to(services),
        user_name=name,
        display_name=name,
        attestation=signs,
    )


def add(services: PortalServices, credential_json: str, *, name: str) -> None:
    """The passkey and its notification in one transaction."""
    account_id = services.account_id
    passkey = webauthn_registration.verify_registration(
        services.ground, account_id, credential_json, bound_to=bound_to(services)
    )
    letter = Letter.to(services)
    with services.ground.database.write() as connection:
        webauthn_registration.bind(connection, services.ground, passkey, name=name, actor=account_id)
        letter.tell(connection, ADDED)


def remove(services: PortalServices, credential_id: str) -> None:
    """Never the last one. Whoever signed in with it elsewhere is signed out: the device may be in other hands."""
    session = services.session()
    passkeys.remove(services.ground, session.account_id, credential_id)
    letter = Letter.to(services)
    with services.ground.database.write() as connection:
        query = select(Session.sid).where(Session.account_id == session.account_id, Session.ended_at.is_(None))
        for sid in connection.execute(query.where(Session.credential_id == credential_id)).scalars().all():
            if sid != session.sid:
                services.interaction.sessions.end(connection, sid, reason="passkey removed")
        letter.tell(connection, REMOVED)
