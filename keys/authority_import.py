"""Bringing in an authority whose root is elsewhere: our request out, the root's answer in. RFC 5280 section 6.

The root may be our own, kept offline (keys/ceremony.py), or another's, as a national root. What comes in is believed
only after each of these, in this order:

 1. the root is an authority that signs itself, of a key that would be certified here
 2. it has signed the issuing certificate, which is an authority's, and of a key that would be certified here
 3. the issuing key is one of ours, in custody, waiting for its certificate
 4. both are valid now
 5. the list is the root's, of now, newer than the one that is here, and does not have the issuing certificate on it
 6. its pointers lead over HTTP, and where they lead to us, to what we shall serve under the root's name

An authority's certificate cannot be taken back out of what it will sign, so two people must have agreed to just these
files (keys/two_person.py): `detail` is the SHA-256 of each, as the ceremony's minutes have it, so that whoever agrees
can compare what they agree to with paper that others signed.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection, select

from core import audit
from core.ground import Ground
from keys import two_person
from keys.authorities import NAME, Authority, load_authorities, next_name
from keys.authority_checks import (
    check_authority,
    check_key,
    check_list,
    list_number,
    one_certificate,
    one_list,
    pointers_of,
    reason_of,
    signed_by,
)
from keys.certificate import CertificateAuthority
from keys.certificate_request import signed_request
from keys.certificate_rows import as_text, insert_certificate, insert_revocation
from keys.crl import insert_list, load_last
from keys.errors import CertificateError
from keys.jwks import thumbprint
from keys.key_states import State
from keys.keystore import Keystore
from keys.models import Certificate
from keys.purposes import Purpose
from keys.subject import names_of


@dataclass(frozen=True)
class Requested:
    """An issuing authority that is to be: its name, its key's thumbprint, and the request for the root to sign."""

    name: str
    kid: str
    encoded: bytes


@dataclass(frozen=True)
class Examined:
    """A root, what it certified and its list, verified against each other and against what is here. `fingerprints` of
    the three in this order, hexadecimal.
    """

    root_name: str
    name: str
    root: x509.Certificate
    issuing: x509.Certificate
    revocation_list: x509.CertificateRevocationList
    fingerprints: str


class AuthorityImport:
    def __init__(self, ground: Ground, keystore: Keystore, authority: CertificateAuthority) -> None:
        self.ground = ground
        self.keystore = keystore
        self.authority = authority

    def request(self, algorithm: str | None = None, *, actor: str = "system") -> Requested:
        """A request for the next issuing authority; asked again before its certificate came in, the same key's."""
        following = self._next()  # read first: a key that another makes in between is found to be waiting
        name = self._waiting() or following
        signer = self.keystore.ensure_holder(Purpose.CA, name, algorithm, actor=actor)
        names = names_of(self.authority.authority_name(name), self.authority.practice.layout)
        return Requested(name, signer.kid, signed_request(signer, names))

    def examine(self, root: bytes, issuing: bytes, revocation_list: bytes) -> Examined:
        """Raises CertificateError that says what does not hold. Each is PEM or DER."""
        anchor, certificate, crl = one_certificate(root), one_certificate(issuing), one_list(revocation_list)
        now = self.ground.clock.now()
        check_authority(anchor, anchor, "the root")  # 1
        check_authority(certificate, anchor, "the issuing certificate")  # 2
        name = self._ours(certificate)  # 3
        for each, what in ((anchor, "the root"), (certificate, "the issuing certificate")):  # 4
            if not each.not_valid_before_utc <= now < each.not_valid_after_utc:
                raise CertificateError(f"{what} is not valid now")
        check_list(crl, anchor, [certificate], now)  # 5
        if crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
            raise CertificateError("the issuing certificate is on the root's list")
        root_name = self._root_name(anchor, certificate)  # 6
        parts = (
            anchor.public_bytes(Encoding.DER),
            certificate.public_bytes(Encoding.DER),
            crl.public_bytes(Encoding.DER),
        )
        fingerprints = " ".join(sha256(each).hexdigest() for each in parts)
        return Examined(root_name, name, anchor, certificate, crl, fingerprints)

    def ask(self, examined: Examined, *, by: str, reason: str) -> str:
        """Opens the approval that two people must give; returns its id."""
        act, subject, detail = two_person.Act.IMPORT_AUTHORITY, examined.name, examined.fingerprints
        with self.ground.database.write() as connection:
            return two_person.ask(connection, self.ground.clock, act, subject, by=by, reason=reason, detail=detail)

    def bring_in(self, examined: Examined, *, actor: str) -> Authority:
        """Spends the approval and makes the authority, in one transaction. Raises NotAgreed before two have agreed."""
        act, clock = two_person.Act.IMPORT_AUTHORITY, self.ground.clock
        with self.ground.database.write() as connection:
            agreed = two_person.spend(connection, clock, act, examined.name, detail=examined.fingerprints)
            root_serial = self._store_root(connection, examined)
            row = certificate_row(examined.issuing, "issuing", examined.name, root_serial)
            if not insert_certificate(connection, row):
                raise CertificateError(f"{examined.name}, or a certificate of its serial number, is here already")
            self._store_list(connection, root_serial, examined.revocation_list)
            detail = {"root": examined.root_name, "kid": str(row["kid"]), "approval": agreed.id}
            event, subject = "authority.imported", str(row["serial"])
            audit.record(connection, clock, event=event, actor=actor, subject=subject, detail=detail)
        self.authority.authorities.forget()
        return self.authority.authorities.named(examined.name)

    def bring_in_list(self, encoded: bytes, *, actor: str) -> str:
        """A root's next list. Returns the root's name; raises CertificateError for what is older, or a stranger's."""
        crl, now = one_list(encoded), self.ground.clock.now()
        root = self._root_of(crl)
        if root.online:
            raise CertificateError(f"{root.name} signs its lists here")
        below = [each.certificate for each in self.authority.generations() if each.issuer == root.name]
        check_list(crl, root.certificate, below, now)
        serial = as_text(root.certificate.serial_number)
        with self.ground.database.write() as connection:
            self._store_list(connection, serial, crl)
            event = "authority.list_imported"
            detail: dict[str, str | int | bool] = {"number": list_number(crl), "root": root.name}
            audit.record(connection, self.ground.clock, event=event, actor=actor, subject=serial, detail=detail)
        self.authority.revocations += 1  # this process asks again
        self.authority.authorities.forget()
        return root.name

    def _waiting(self) -> str | None:
        """The generation whose key was made and whose certificate has not come."""
        certified = {each.kid for each in self.authority.authorities.all()}
        for record in self.keystore.records([Purpose.CA]):
            if record.state is State.ACTIVE and record.kid not in certified and NAME.fullmatch(record.label):
                return record.label
        return None

    def _next(self) -> str:
        with self.ground.database.read() as connection:
            return next_name(connection, "issuing")

    def _ours(self, certificate: x509.Certificate) -> str:
        """Step 3: the name that this key was made under."""
        kid = thumbprint(check_key(certificate, "the issuing certificate"))
        for record in self.keystore.records([Purpose.CA]):
            if record.kid == kid and record.state is State.ACTIVE:
                if any(each.kid == kid for each in self.authority.authorities.all()):
                    raise CertificateError(f"{record.label} has its certificate already")
                return record.label
        raise CertificateError("the issuing certificate is for no key of ours: make the request with prajak ca request")

    def _root_name(self, root: x509.Certificate, certificate: x509.Certificate) -> str:
        """Step 6: what the pointers call it, or the next name where they lead elsewhere."""
        known = next((each for each in self.authority.generations("root") if each.certificate == root), None)
        base = self.authority.practice.base or self.ground.settings.issuer
        own = [url for url in pointers_of(certificate) if url.startswith(f"{base}/")]
        called = {url.removeprefix(f"{base}/ca/").rpartition(".")[0] for url in own}
        with self.ground.database.read() as connection:
            name = known.name if known else next_name(connection, "root")
        if not called:
            return name
        wanted = called.pop()
        matched = NAME.fullmatch(wanted)
        if called or matched is None or matched[1] != "root":
            raise CertificateError("the issuing certificate's pointers lead to what is not served here")
        if (known and known.name != wanted) or (not known and self.authority.authorities.find(wanted)):
            raise CertificateError(f"the issuing certificate's pointers lead to {wanted}, which is another root here")
        return wanted

    def _root_of(self, crl: x509.CertificateRevocationList) -> Authority:
        for root in self.authority.generations("root"):
            if signed_by(crl, root.certificate):
                return root
        raise CertificateError("this list is of no root that is known here")

    def _store_root(self, connection: Connection, examined: Examined) -> str:
        serial = as_text(examined.root.serial_number)
        if not insert_certificate(connection, certificate_row(examined.root, "root", examined.root_name, None)):
            der = connection.execute(select(Certificate.der).where(Certificate.serial == serial)).scalar_one_or_none()
            if der != examined.root.public_bytes(Encoding.DER):
                raise CertificateError(f"another root has the name {examined.root_name}, or this serial number")
        return serial

    def _store_list(self, connection: Connection, root_serial: str, crl: x509.CertificateRevocationList) -> None:
        """The list itself, and each of our certificates that is on it: revoked there is revoked here, at once."""
        last, number = load_last(connection, root_serial), list_number(crl)
        if last is not None and number <= last.number:
            if last.encoded == crl.public_bytes(Encoding.DER):
                return  # a second issuing authority brings the root's same list along
            raise CertificateError("this list is older than the one that is here")
        mine = [each for each in load_authorities(connection) if each.kind == "issuing"]
        on_it = 0
        for each in mine:
            entry = crl.get_revoked_certificate_by_serial_number(each.certificate.serial_number)
            if entry is not None:
                serial = as_text(each.certificate.serial_number)
                row = {"serial": serial, "issuer_serial": root_serial, "reason": reason_of(entry)}
                insert_revocation(connection, {**row, "revoked_at": entry.revocation_date_utc})
                on_it += 1
        listed: dict[str, object] = {"issuer_serial": root_serial, "number": number, "this_update": crl.last_update_utc}
        listed |= {"next_update": crl.next_update_utc, "revoked": on_it, "der": crl.public_bytes(Encoding.DER)}
        if not insert_list(connection, listed, after=last):
            raise CertificateError("another list came between: try again")


def certificate_row(certificate: x509.Certificate, profile: str, slot: str, issuer: str | None) -> dict[str, object]:
    return {
        "serial": as_text(certificate.serial_number),
        "issuer_serial": issuer,
        "profile": profile,
        "slot": slot,
        "kid": thumbprint(check_key(certificate, slot)),
        "not_before": certificate.not_valid_before_utc,
        "not_after": certificate.not_valid_after_utc,
        "der": certificate.public_bytes(Encoding.DER),
    }
