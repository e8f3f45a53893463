"""The sandbox's people and their software authenticators: a key each, and genuine ceremonies with it.

What an authenticator answers goes through the same verification as a device's answer, so that sign-in, step-up and
signing have no sandbox branch.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from secrets import token_bytes

from sqlalchemy import ForeignKey, Integer, RowMapping, String, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from core import i18n
from core.database import Base
from core.errors import PersonError
from core.ground import Ground
from core.settings import SettingsError
from core.webauthn import encode
from enrollment.webauthn_registration import origin_of
from idp.sandbox.ceremony import Attestation, assertion, registration
from keys.keystore import Keystore
from keys.purposes import Purpose
from keys.signer import Signer

NOBODY = "There is no such person in the sandbox."
NOT_THEIRS = "The person you chose cannot go on here. Please choose the one who is signed in."


class SandboxAuthenticator(Base):
    """The stable `name` stands in scripts; the labels are what the list shows. All are fictional people."""

    __tablename__ = "sandbox_authenticator"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"), unique=True)
    credential_id: Mapped[str] = mapped_column(String(100), unique=True)
    kid: Mapped[str] = mapped_column(String(64))
    label_th: Mapped[str] = mapped_column(String(200))
    label_en: Mapped[str] = mapped_column(String(200))
    position: Mapped[int] = mapped_column(Integer)


class SoftwareAuthenticators:
    """Refuses to exist outside the sandbox."""

    def __init__(self, ground: Ground, keystore: Keystore) -> None:
        if not ground.settings.sandbox:
            raise SettingsError("the sandbox's authenticators exist with PRAJAK_SANDBOX=1 only")
        self.ground = ground
        self.keystore = keystore

    def users(self) -> Sequence[tuple[str, str]]:
        """(stable name, label) of everybody who can sign in so, in the order they were seeded."""
        label = SandboxAuthenticator.label_th if i18n.language() == "th" else SandboxAuthenticator.label_en
        query = select(SandboxAuthenticator.name, label).order_by(SandboxAuthenticator.position)
        with self.ground.database.read() as connection:
            return [(name, f"{text} · {name}") for name, text in connection.execute(query)]

    def names(self) -> Sequence[str]:
        with self.ground.database.read() as connection:
            return list(connection.execute(select(SandboxAuthenticator.name)).scalars())

    def name_of(self, account_id: str) -> str:
        """The stable name; empty for somebody who enrolled by themselves."""
        query = select(SandboxAuthenticator.name).where(SandboxAuthenticator.account_id == account_id)
        with self.ground.database.read() as connection:
            return connection.execute(query).scalar_one_or_none() or ""

    def answer(self, name: str, options_json: str) -> str:
        """The assertion JSON that the person's browser would send."""
        row, allowed = self._load(name), json.loads(options_json).get("allowCredentials") or []
        if allowed and row["credential_id"] not in {each["id"] for each in allowed}:
            raise PersonError(NOT_THEIRS)
        return assertion(
            options_json,
            credential_id=row["credential_id"],
            account_id=row["account_id"],
            signer=self.keystore.load(row["kid"]),
            origin=origin_of(self.ground),
        )

    def make_key(self, name: str) -> tuple[str, Signer]:
        """A new key with its credential id, before its owner's registration."""
        return encode(token_bytes(16)), self.keystore.create(Purpose.SANDBOX_AUTHENTICATOR, "ES256", name, actor="demo")

    def register(
        self, options_json: str, *, credential_id: str, signer: Signer, attestation: Attestation | None
    ) -> str:
        """The registration JSON that the person's browser would send."""
        return registration(
            options_json,
            credential_id=credential_id,
            signer=signer,
            origin=origin_of(self.ground),
            attestation=attestation,
        )

    def remember(self, **row: object) -> None:
        with self.ground.database.write() as connection:
            connection.execute(insert(SandboxAuthenticator), row)

    def _load(self, name: str) -> RowMapping:
        query = select(SandboxAuthenticator.__table__).where(SandboxAuthenticator.name == name)
        with self.ground.database.read() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            raise PersonError(NOBODY, field="user")
        return row
