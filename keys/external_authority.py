"""Certificates that another authority issued for keys of ours: an agency's existing provider stays its provider.

The key stays in custody and the request leaves (`certificate_request.signed_request`); what comes back is used only
after each of these, in this order:

 1. the certificate is for an active key of ours that may be certified elsewhere: an officer's, a seal's, time-stamps'
 2. the chain leads from it to a root that signs itself: names, signatures, authorities, path lengths, all valid now
 3. it says that the key may do what we do with it (RFC 5280 sections 4.2.1.3 and 4.2.1.12, RFC 3161 section 2.3)
 4. it says where its status is, for signatures must prove that it was not revoked
 5. its authority, asked now, does not say that it is revoked

The newest that is valid is used. Its revocation is its authority's; here the credential ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, ObjectIdentifier
from sqlalchemy import Connection, RowMapping, select

from core import audit
from core.ground import Ground
from keys.certificate_path import PathError, build_path, check_covers
from keys.certificate_rows import insert_new
from keys.errors import CertificateError, KeystoreError
from keys.issuance import as_asn1
from keys.jwks import thumbprint
from keys.key_states import State
from keys.keystore import Keystore
from keys.models import ExternalCertificate
from keys.outside_revocation import OutsideRevocation
from keys.profiles import DOCUMENTS
from keys.purposes import Purpose
from keys.weak_keys import check_public_key

LOOK_AGAIN = timedelta(seconds=5)
MAX_BYTES = 256 * 1024
LONGEST_CHAIN = 8
PEM = b"-----BEGIN CERTIFICATE-----"
EMAIL_PROTECTION = ExtendedKeyUsageOID.EMAIL_PROTECTION  # what signs documents where RFC 9336 is not known
FOR_DOCUMENTS = {EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE, *map(ObjectIdentifier, DOCUMENTS)}


@dataclass(frozen=True)
class External:
    """`chain` begins with the certificate and ends with its root."""

    kid: str
    purpose: Purpose
    chain: tuple[x509.Certificate, ...]

    @property
    def certificate(self) -> x509.Certificate:
        return self.chain[0]

    def is_valid(self, now: datetime) -> bool:
        return all(each.not_valid_before_utc <= now < each.not_valid_after_utc for each in self.chain)


class ExternalCertificates:
    """One per process; a look-up costs no query between two looks."""

    def __init__(self, ground: Ground, keystore: Keystore, revocation: OutsideRevocation) -> None:
        self.ground = ground
        self.keystore = keystore
        self.revocation = revocation
        self._known: tuple[External, ...] = ()
        self._look_again_at: datetime | None = None

    def all(self) -> tuple[External, ...]:
        """The newest first."""
        now = self.ground.clock.now()
        if self._look_again_at is None or not self._look_again_at - LOOK_AGAIN <= now < self._look_again_at:
            with self.ground.database.read() as connection:
                rows = connection.execute(NEWEST_FIRST).mappings().all()
            self._known, self._look_again_at = tuple(map(external, rows)), now + LOOK_AGAIN
        return self._known

    def find(self, kid: str) -> External | None:
        """The newest that is valid; None for a key that only our own authority certified."""
        now = self.ground.clock.now()
        return next((each for each in self.all() if each.kid == kid and each.is_valid(now)), None)

    def chain(self, certificate: x509.Certificate) -> tuple[x509.Certificate, ...]:
        """CertificateError for one that did not come from outside."""
        for each in self.all():
            if each.certificate == certificate:
                return each.chain
        raise CertificateError("this certificate was not brought in from another authority")

    @property
    def authorities(self) -> tuple[x509.Certificate, ...]:
        return tuple(dict.fromkeys(link for each in self.all() for link in each.chain[1:]))

    @property
    def roots(self) -> tuple[x509.Certificate, ...]:
        """Believed where a signature is completed or verified: whoever brought the chain in has said so."""
        return tuple(dict.fromkeys(each.chain[-1] for each in self.all()))

    def examine(self, certificate: bytes, chain: bytes) -> External:
        """Raises CertificateError that says what does not hold. Goes out: never call it within a transaction."""
        try:
            return self._examined(certificate, chain)
        except (ValueError, TypeError, KeystoreError, UnsupportedAlgorithm, x509.ExtensionNotFound) as error:
            raise CertificateError(f"the certificate or its chain cannot be used: {error}") from error

    def _examined(self, certificate: bytes, chain: bytes) -> External:
        (leaf, *_), others = certificates_in(certificate), certificates_in(chain)
        kid, purpose = self._ours(leaf)  # 1
        path = path_of(leaf, others, self.ground.clock.now())  # 2
        USAGES[purpose](leaf)  # 3
        check_pointers(leaf)  # 4
        self._check_not_revoked(path)  # 5
        return External(kid, purpose, path)

    def bring_in(self, found: External, *, actor: str, within: Callable[[Connection], None] | None = None) -> None:
        """Stores what `examine` verified; `within` is done in the same transaction. Twice does no harm."""
        encoded = b"".join(each.public_bytes(Encoding.PEM) for each in found.chain)
        row = {
            "fingerprint": fingerprint(found.certificate),
            "kid": found.kid,
            "purpose": found.purpose,
            "chain": encoded,
            "not_after": found.certificate.not_valid_after_utc,
            "imported_at": self.ground.clock.now(),
        }
        with self.ground.database.write() as connection:
            if insert_new(connection, ExternalCertificate, row):
                event, detail = "certificate.imported", {"kid": found.kid, "purpose": found.purpose.value}
                subject = str(row["fingerprint"])
                audit.record(connection, self.ground.clock, event=event, actor=actor, subject=subject, detail=detail)
            if within is not None:
                within(connection)
        self._look_again_at = None

    def _ours(self, leaf: x509.Certificate) -> tuple[str, Purpose]:
        kid = thumbprint(check_public_key(leaf.public_key()))
        for record in self.keystore.records(list(USAGES)):
            if record.kid == kid and record.state is State.ACTIVE:
                return kid, record.purpose
        raise CertificateError("the certificate is for no key of ours that another authority may certify")

    def _check_not_revoked(self, path: Sequence[x509.Certificate]) -> None:
        """Only what is said is heard here; each signature verifies the answer anew (signing/evidence.py)."""
        answer = self.revocation.ocsp_for(path[0], path[1])
        if answer is not None:
            response = ocsp.load_der_ocsp_response(answer)
            if response.serial_number != path[0].serial_number:
                raise CertificateError("the authority's responder answers about another certificate")
            if response.certificate_status is not ocsp.OCSPCertStatus.GOOD:
                raise CertificateError(f"its authority says that it is {response.certificate_status.name.lower()}")
            return
        lists = self.revocation.crls_for(path[0])
        if not lists:
            raise CertificateError("its authority answers neither by OCSP nor by a list: nothing signed would last")
        for each in lists:
            crl = x509.load_der_x509_crl(each)
            check_covers(crl, path[0])
            if crl.get_revoked_certificate_by_serial_number(path[0].serial_number) is not None:
                raise CertificateError("its authority says that it is revoked")


def path_of(leaf: x509.Certificate, others: Sequence[x509.Certificate], now: datetime) -> tuple[x509.Certificate, ...]:
    """Step 2; RFC 5280 section 6.1, with the path lengths."""
    roots = [each for each in others if is_self_signed(each)]
    if not roots:
        raise CertificateError("the chain has no root: give every certificate from the issuer to the root")
    try:
        path = build_path(leaf, others, anchors=roots, at=now)
    except PathError as error:
        raise CertificateError(f"the chain does not hold: {error}") from error
    if len(path) == 1:
        raise CertificateError("a certificate that signs itself is nobody's word")
    for below, authority in enumerate(path[1:]):
        length = authority.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
        if length is not None and below > length:
            raise CertificateError("the chain is longer than an authority in it allows (RFC 5280 section 4.2.1.9)")
        check_public_key(authority.public_key())
    return path


def is_self_signed(certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(certificate)
    except Exception:  # noqa: BLE001 - names, algorithm or signature: it is no root
        return False
    return True


def check_for_documents(leaf: x509.Certificate) -> None:
    """Step 3, of officers and seals."""
    check_is_no_authority(leaf)
    usage = usage_of(leaf)
    if usage is not None and not (usage.content_commitment or usage.digital_signature):
        raise CertificateError("its keyUsage does not let it sign content (RFC 5280 section 4.2.1.3)")
    purposes = purposes_of(leaf)
    if purposes and not purposes & FOR_DOCUMENTS:
        raise CertificateError("its extendedKeyUsage does not let it sign documents (RFC 9336)")


def check_for_time_stamps(leaf: x509.Certificate) -> None:
    """Step 3, RFC 3161 section 2.3."""
    check_is_no_authority(leaf)
    try:
        extension = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound as error:
        raise CertificateError("it is not for time-stamps (RFC 3161 section 2.3)") from error
    if not extension.critical or list(extension.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise CertificateError("it is not for time-stamps alone, critically so (RFC 3161 section 2.3)")


USAGES: dict[Purpose, Callable[[x509.Certificate], None]] = {
    Purpose.OFFICER: check_for_documents,
    Purpose.SEAL: check_for_documents,
    Purpose.TSA: check_for_time_stamps,
}


def check_is_no_authority(leaf: x509.Certificate) -> None:
    try:
        authority = leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return
    if authority:
        raise CertificateError("this is an authority's certificate: prajak ca import brings those in")


def usage_of(leaf: x509.Certificate) -> x509.KeyUsage | None:
    try:
        return leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None


def purposes_of(leaf: x509.Certificate) -> set[ObjectIdentifier]:
    try:
        return set(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return set()


def check_pointers(leaf: x509.Certificate) -> None:
    """Step 4."""
    for extension in leaf.extensions:
        if isinstance(extension.value, x509.CRLDistributionPoints):
            return
        if isinstance(extension.value, x509.AuthorityInformationAccess) and any(
            each.access_method == AuthorityInformationAccessOID.OCSP for each in extension.value
        ):
            return
    raise CertificateError("it names neither a responder nor a list: nothing signed with it would last")


def certificates_in(encoded: bytes) -> list[x509.Certificate]:
    """One in DER, or one or more in PEM; CertificateError for anything else."""
    if len(encoded) > MAX_BYTES:
        raise CertificateError(f"a chain has at most {MAX_BYTES} bytes")
    try:
        found = (
            x509.load_pem_x509_certificates(encoded) if PEM in encoded else [x509.load_der_x509_certificate(encoded)]
        )
        for each in found:
            as_asn1(each)
    except ValueError as error:
        raise CertificateError("this is no certificate that can be read") from error
    if len(found) > LONGEST_CHAIN:
        raise CertificateError(f"a chain has at most {LONGEST_CHAIN} certificates")
    return found


NEWEST_FIRST = select(ExternalCertificate.__table__).order_by(
    ExternalCertificate.imported_at.desc(), ExternalCertificate.fingerprint
)


def external(row: RowMapping) -> External:
    return External(row["kid"], Purpose(row["purpose"]), tuple(x509.load_pem_x509_certificates(row["chain"])))


def fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(SHA256()).hex()
