"""Signing credentials: an officer's or a seal's key, its certificate, and the passkey that must agree each time.

How the officer is known: `OfficerIdentity.sub` is what the provider calls the person towards the client
`prajak-signing` (a pairwise `sub`). Whoever issues, `idp/app.py` or `idp/cli.py`, computes it as the provider would and
hands it in, so that this module never learns an account's identifier, and can be deployed apart.

How the passkey is pinned: its public key is copied here when the credential is issued. What the provider says later
about the officer's passkeys changes nothing here; another passkey needs another credential.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal, cast

from cryptography import x509
from sqlalchemy import Connection, RowMapping, insert, select, update

from core import audit
from core.ground import Ground
from core.identifiers import new_id
from keys.algorithms import PublicKey
from keys.certificate_request import signed_request
from keys.certificate_rows import RevocationReason, as_text
from keys.errors import CertificateError
from keys.external_authority import External
from keys.jwks import thumbprint
from keys.purposes import Purpose
from keys.subject import Subject, names_of
from keys.trust_services import TrustServices
from signing.models.credential import ACTIVE, OFFICER, REVOKED, SEAL, WAITING, SigningCredential
from signing.refusals import NoCredential

ROW = SigningCredential.__table__
PURPOSES = {OFFICER: Purpose.OFFICER, SEAL: Purpose.SEAL}


@dataclass(frozen=True, kw_only=True)
class OfficerIdentity:
    """As the officers' desk has verified it; it goes into the certificate. Each text has at most 64 characters.

    EN 319 412-2 section 4.2.4 wants a given name or a surname beside the whole name.
    """

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


@dataclass(frozen=True, kw_only=True)
class SealIdentity:
    """An agency that seals (e-seal): there is no person and no passkey. `organization_identifier` is the agency's in a
    register that it names (EN 319 412-1 section 5.1.4), as `GOVTH-…` or `NTRTH-…`.
    """

    agency_th: str
    agency_en: str
    organization_identifier: str


@dataclass(frozen=True, kw_only=True)
class PinnedPasskey:
    """`public_key` is a COSE_Key. `name` is what the officer calls it, to be told which authenticator signs."""

    credential_id: bytes
    public_key: bytes
    aaguid: str
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Credential:
    """A row, read. A seal has an empty `sub`, an empty position and an empty passkey."""

    id: str
    kind: str
    sub: str
    name_th: str
    name_en: str
    position_th: str
    position_en: str
    agency_th: str
    agency_en: str
    kid: str
    certificate_serial: str
    passkey: PinnedPasskey
    passkey_sign_count: int
    status: str
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True)
class Requested:
    """A new credential; `encoded` is the request (PKCS#10) for another authority, empty where ours certified it."""

    credential: Credential
    encoded: bytes


class Credentials:
    """Issues, finds and revokes."""

    def __init__(self, ground: Ground, trust: TrustServices) -> None:
        self.ground = ground
        self.keystore = trust.keystore
        self.ca = trust.ca
        self.external = trust.external

    def issue(self, officer: OfficerIdentity, pinned_passkey: PinnedPasskey, *, actor: str = "system") -> Credential:
        """Certified by our own authority; NoAuthority where there is none yet."""
        return self.request(officer, pinned_passkey, external=False, actor=actor).credential

    def request(
        self, officer: OfficerIdentity, pinned_passkey: PinnedPasskey, *, external: bool = True, actor: str = "system"
    ) -> Requested:
        """A new key, its certificate, its row. The key and the certificate come first: no row names what is not there.

        A crash between leaves a key that nobody may use, and nothing else.
        """
        names = {
            "name_th": officer.name_th,
            "name_en": officer.name_en,
            "position_th": officer.position_th,
            "position_en": officer.position_en,
            "agency_th": officer.agency_th,
            "agency_en": officer.agency_en,
        }
        subject = Subject(
            name_th=officer.name_th,
            name_en=officer.name_en,
            serial=sha256(officer.sub.encode()).hexdigest()[:16],  # tells two of one name apart, says nothing else
            organisation_th=officer.agency_th,
            organisation_en=officer.agency_en,
            given_name_th=officer.given_name_th,
            given_name_en=officer.given_name_en,
            family_name_th=officer.family_name_th,
            family_name_en=officer.family_name_en,
            title_th=officer.position_th,
            title_en=officer.position_en,
        )
        return self._issue(
            kind=OFFICER,
            subject=subject,
            sub=officer.sub,
            names=names,
            passkey=pinned_passkey,
            actor=actor,
            external=external,
        )

    def issue_seal(self, seal: SealIdentity, *, actor: str = "system") -> Credential:
        """An agency's seal, for `prajak sign`."""
        return self.request_seal(seal, external=False, actor=actor).credential

    def request_seal(self, seal: SealIdentity, *, external: bool = True, actor: str = "system") -> Requested:
        """The same, to be certified by another authority."""
        names = {
            "name_th": seal.agency_th,
            "name_en": seal.agency_en,
            "position_th": "",
            "position_en": "",
            "agency_th": seal.agency_th,
            "agency_en": seal.agency_en,
        }
        subject = Subject(
            name_th=seal.agency_th,
            name_en=seal.agency_en,
            organisation_th=seal.agency_th,
            organisation_en=seal.agency_en,
            organization_identifier=seal.organization_identifier,
        )
        nobody = PinnedPasskey(credential_id=b"", public_key=b"", aaguid="")
        return self._issue(
            kind=SEAL, subject=subject, sub="", names=names, passkey=nobody, actor=actor, external=external
        )

    def load(self, credential_id: str) -> Credential:
        """Of any status; raises NoCredential."""
        with self.ground.database.read() as connection:
            row = connection.execute(select(ROW).where(SigningCredential.id == credential_id)).mappings().first()
        if row is None:
            raise NoCredential
        return credential(row)

    def active_for(self, sub: str) -> Credential | None:
        """The officer's newest active credential."""
        mine = select(ROW).where(SigningCredential.sub == sub, SigningCredential.kind == OFFICER)
        newest = mine.where(SigningCredential.status == ACTIVE).order_by(SigningCredential.created_at.desc()).limit(1)
        with self.ground.database.read() as connection:
            row = connection.execute(newest).mappings().first()
        return credential(row) if row else None

    def all(self) -> list[Credential]:
        """For lists of the administration."""
        with self.ground.database.read() as connection:
            rows = connection.execute(select(ROW).order_by(SigningCredential.created_at)).mappings().all()
        return [credential(row) for row in rows]

    def certificate(self, credential: Credential) -> x509.Certificate:
        """Another authority's, where one was brought in; NoCredential while one is waited for."""
        outside = self.external.find(credential.kid)
        if outside is not None:
            return outside.certificate
        try:
            return self.ca.load(int(credential.certificate_serial, 16))
        except (CertificateError, ValueError) as error:
            raise NoCredential from error

    def revoke(
        self,
        credential_id: str,
        *,
        reason: RevocationReason = RevocationReason.UNSPECIFIED,
        actor: str = "system",
    ) -> None:
        """Ends the credential here first, so that it signs no more, then the certificate for everybody else."""
        credential = self.load(credential_id)
        now = self.ground.clock.now()
        with self.ground.database.write() as connection:
            still = (SigningCredential.id == credential_id, SigningCredential.status != REVOKED)
            ended = connection.execute(update(SigningCredential).where(*still).values(status=REVOKED, revoked_at=now))
            if ended.rowcount == 1:
                self._audit(connection, "signing.credential.revoked", credential_id, actor, reason)
        if self._is_ours(credential):  # another authority's certificate is revoked by that authority
            self.ca.revoke(int(credential.certificate_serial, 16), reason, actor=actor)

    def adopt(self, found: External, *, actor: str = "system") -> str:
        """What another authority certified (`ExternalCertificates.examine`) is used from now on; the credential's id.

        One that waited is active now. NoCredential for a key of none, or of one that is revoked.
        """
        mine = (SigningCredential.kid == found.kid, SigningCredential.status != REVOKED)
        serial = as_text(found.certificate.serial_number)

        def activate(connection: Connection) -> None:
            row = connection.execute(select(SigningCredential.id).where(*mine)).first()
            if row is None:
                raise NoCredential
            values = {"status": ACTIVE, "certificate_serial": serial}
            connection.execute(update(SigningCredential).where(*mine).values(values))
            self._audit(connection, "signing.credential.certified", row.id, actor, "", certificate=serial)

        before = self._by_kid(found.kid)
        self.external.bring_in(found, actor=actor, within=activate)
        if self._is_ours(before):  # what our own authority said of this key is said by another now
            self.ca.revoke(int(before.certificate_serial, 16), RevocationReason.SUPERSEDED, actor=actor)
        return before.id

    def _by_kid(self, kid: str) -> Credential:
        with self.ground.database.read() as connection:
            row = connection.execute(select(ROW).where(SigningCredential.kid == kid)).mappings().first()
        if row is None:
            raise NoCredential
        return credential(row)

    def _issue(
        self,
        *,
        kind: Literal["officer", "seal"],
        subject: Subject,
        sub: str,
        names: dict[str, str],
        passkey: PinnedPasskey,
        actor: str,
        external: bool,
    ) -> Requested:
        credential_id = new_id()
        signer = self.keystore.create(PURPOSES[kind], label=credential_id, actor=actor)
        if external:
            request = signed_request(signer, names_of(subject, self.ca.practice.layout))
            serial, status = credential_id, WAITING
        else:
            request = b""
            certificate = self.ca.issue(kind, signer.public_key, subject, actor=actor)
            serial, status = as_text(certificate.serial_number), ACTIVE
        row = {
            "id": credential_id,
            "kind": kind,
            "sub": sub,
            **names,
            "kid": signer.kid,
            "certificate_serial": serial,
            "passkey_id": passkey.credential_id,
            "passkey_public_key": passkey.public_key,
            "passkey_aaguid": passkey.aaguid,
            "passkey_name": passkey.name[:100],
            "passkey_sign_count": 0,
            "status": status,
            "created_at": self.ground.clock.now(),
        }
        with self.ground.database.write() as connection:
            connection.execute(insert(SigningCredential), row)
            event = "signing.credential.requested" if external else "signing.credential.issued"
            self._audit(connection, event, credential_id, actor, "", kind=kind)
        return Requested(self.load(credential_id), request)

    def _is_ours(self, credential: Credential) -> bool:
        """Certified by our own authority."""
        try:
            certificate = self.ca.load(int(credential.certificate_serial, 16))
        except (CertificateError, ValueError):
            return False
        return thumbprint(cast("PublicKey", certificate.public_key())) == credential.kid

    def _audit(
        self, connection: Connection, event: str, credential_id: str, actor: str, reason: str, **detail: str
    ) -> None:
        audit.record(
            connection,
            self.ground.clock,
            event=event,
            actor=actor,
            subject=credential_id,
            reason=reason,
            detail=detail,
        )


def count_assertion(connection: Connection, credential_id: str, sign_count: int) -> bool:
    """WebAuthn Level 3 section 7.2 step 22, in the act's transaction: False when the counter did not move forward, as
    of two assertions that arrive at once or of a copied authenticator. Authenticators without a counter say 0.
    """
    forward = SigningCredential.passkey_sign_count < sign_count
    without = (SigningCredential.passkey_sign_count == 0) if sign_count == 0 else forward
    where = (SigningCredential.id == credential_id, SigningCredential.status == ACTIVE, without)
    return (
        connection.execute(update(SigningCredential).where(*where).values(passkey_sign_count=sign_count)).rowcount == 1
    )


def credential(row: RowMapping) -> Credential:
    passkey = PinnedPasskey(
        credential_id=row["passkey_id"],
        public_key=row["passkey_public_key"],
        aaguid=row["passkey_aaguid"],
        name=row["passkey_name"],
    )
    plain = {name: row[name] for name in Credential.__dataclass_fields__ if name != "passkey"}
    return Credential(passkey=passkey, **plain)
