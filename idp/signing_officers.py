"""Who may sign: how the provider hands an officer, with one passkey, to the signing module.

The signing module knows neither accounts nor sessions, and this file does not know the signing module: `idp/app.py`
gives it the module's own `issue`. The module is told, once, by what `sub` the provider will call the officer towards
it, what stands in the certificate, and which passkey's public key must agree to each signature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import RowMapping

from core import webauthn
from core.assurance import AAL
from core.errors import NotAllowed, NotFound
from idp.composition import Provider
from idp.models.agency import load_agency_names
from idp.models.membership import Role, load_memberships
from idp.own_clients import sub_for_own_client


@dataclass(frozen=True)
class Position:
    """As it stands in the certificate and beside the signature."""

    th: str
    en: str


@dataclass(frozen=True, kw_only=True)
class Officer:
    """What the certificate says, and the passkey that is pinned."""

    sub: str
    name_th: str
    name_en: str
    given_name_th: str
    given_name_en: str
    family_name_th: str
    family_name_en: str
    position_th: str
    position_en: str
    agency_th: str
    agency_en: str
    passkey_id: bytes
    passkey_public_key: bytes
    passkey_aaguid: str
    passkey_name: str


class Issued(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def certificate_serial(self) -> str: ...


class SigningModule(Protocol):
    """What `idp/app.py` gives: the module's issuing, and the name by which it is our client."""

    client_id: str

    def issue(self, officer: Officer, *, actor: str) -> Issued: ...

    def request(self, officer: Officer, *, actor: str) -> tuple[Issued, bytes]: ...

    def issue_seal(self, agency_th: str, agency_en: str, organization_identifier: str, *, actor: str) -> Issued: ...


class SigningOfficers:
    def __init__(self, provider: Provider, module: SigningModule) -> None:
        self.provider = provider
        self.module = module

    def issue(self, account_id: str, position: Position, *, actor: str, passkey_id: str = "") -> Issued:
        """Raises NotAllowed for somebody who is no signing officer, NotFound for one without an AAL3 passkey."""
        return self.module.issue(self.officer(account_id, position, passkey_id=passkey_id), actor=actor)

    def request(self, account_id: str, position: Position, *, actor: str, passkey_id: str = "") -> tuple[Issued, bytes]:
        """The same, to be certified by another authority: the credential waits, and the request (PKCS#10) leaves."""
        return self.module.request(self.officer(account_id, position, passkey_id=passkey_id), actor=actor)

    def officer(self, account_id: str, position: Position, *, passkey_id: str = "") -> Officer:
        agency_th, agency_en = self._agency(account_id)
        passkey = self._passkey(account_id, passkey_id)
        person = self.provider.accounts.attributes(account_id)
        return Officer(
            sub=sub_for_own_client(self.provider, self.module.client_id, account_id),
            name_th=person.name_th,
            name_en=person.name_en or person.name_th,
            given_name_th=person.given_name_th,
            given_name_en=person.given_name or person.given_name_th,
            family_name_th=person.family_name_th,
            family_name_en=person.family_name or person.family_name_th,
            position_th=position.th,
            position_en=position.en,
            agency_th=agency_th,
            agency_en=agency_en,
            passkey_id=webauthn.decode(passkey["credential_id"]),
            passkey_public_key=passkey["public_key"],
            passkey_aaguid=passkey["aaguid"],
            passkey_name=passkey["name"],
        )

    def _agency(self, account_id: str) -> tuple[str, str]:
        with self.provider.ground.database.read() as connection:
            offices = [each for each in load_memberships(connection, account_id) if each[2] is Role.SIGNING_OFFICER]
            names = load_agency_names(connection, [each[0] for each in offices])
        if not offices:
            raise NotAllowed("This person is not a signing officer of any agency.")
        return names[offices[0][0]]

    def _passkey(self, account_id: str, passkey_id: str) -> RowMapping:
        """The named one, or the newest that reaches AAL3."""
        held = [each for each in self.provider.accounts.passkeys(account_id) if each["aal"] >= AAL.AAL3]
        if passkey_id:
            held = [each for each in held if each["credential_id"] == passkey_id]
        if not held:
            raise NotFound("This officer has no security key that reaches AAL3. It must be registered first.")
        return held[-1]
