"""All of this room, put together: what `idp/app.py` makes once per process and hands to the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from cryptography import x509

from core.ground import Ground
from keys.audit_checkpoint import AuditCheckpoints
from keys.audit_time_stamp import TimeStamps, time_stamp
from keys.certificate import CertificateAuthority
from keys.certificate_rows import RevocationReason, load_serials
from keys.crl import RevocationLists
from keys.envelope import Envelope
from keys.erasure import Erasures
from keys.errors import CertificateError, NoAuthority
from keys.external_authority import ExternalCertificates
from keys.key_use import check_replaceable
from keys.keystore import Keystore
from keys.ocsp import OcspResponder
from keys.outside_revocation import OutsideRevocation
from keys.outside_time_stamps import OutsideTimeStamps
from keys.purposes import RULES, Purpose
from keys.rewrap import Rewrap
from keys.service_certificates import ServiceCertificates
from keys.timestamp_authority import TimeStampAuthority
from keys.two_person import Act


@dataclass(frozen=True)
class Evidence:
    """What proves today that a chain is not revoked, in DER: for a signature to carry (PAdES B-LT)."""

    ocsp_responses: tuple[bytes, ...]
    crls: tuple[bytes, ...]


class TrustServices:
    """One per process."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.keystore = Keystore(ground)
        self.envelope = Envelope(self.keystore)
        self.rewrap = Rewrap(self.envelope)
        self.erasures = Erasures(ground, self.envelope)
        self.keystore.needs = (*self.keystore.needs, self.rewrap.need)
        self.ca = CertificateAuthority(ground, self.keystore)
        self.outside_revocation = OutsideRevocation(ground)
        self.external = ExternalCertificates(ground, self.keystore, self.outside_revocation)
        self.services = ServiceCertificates(ground, self.keystore, self.ca, self.external)
        self.ocsp = OcspResponder(ground, self.ca, self.services)
        self.crl = RevocationLists(ground, self.ca)
        self.tsa = TimeStampAuthority(ground, self.ca, self.services)
        outside = OutsideTimeStamps(ground)
        self.time_stamps: TimeStamps = outside if outside.urls else self.tsa
        self.time_stamp_anchors = outside.anchors
        stamp = partial(time_stamp, self.time_stamps)
        self.checkpoints = AuditCheckpoints(ground, self.keystore, stamp, self.time_stamp_roots)

    def prepare(self) -> None:
        """Makes what is missing: keys, the sandbox's two authorities, the services' certificates, the first CRLs.

        At each start, on every worker: where all is there it only reads, and several at once make everything once.
        """
        self.keystore.ensure_all(
            [
                (purpose, algorithm)
                for purpose, rules in RULES.items()
                if not rules.many
                for algorithm in rules.at_the_start
            ]
        )
        self.ca.prepare()
        self.maintain()

    def maintain(self) -> None:
        """A job for every minute: rotations that are due, certificates about to end, lists an hour old."""
        self.keystore.advance()
        if not self.has_authority:
            return
        for authority in self.ca.authorities.all():
            if authority.online:
                self.crl.current(authority.name)
        for purpose in (Purpose.OCSP, Purpose.TSA):
            self.services.current(purpose)

    def chain(self, certificate: x509.Certificate) -> tuple[x509.Certificate, ...]:
        """From a certificate to its root, our own or another's; CertificateError for a stranger's."""
        try:
            return tuple(self.ca.chain(certificate))
        except CertificateError:
            return self.external.chain(certificate)

    def time_stamp_roots(self) -> tuple[x509.Certificate, ...]:
        """To whom the time-stamps that are asked for here lead."""
        return (*self.ca.authorities.roots(), *self.external.roots, *self.time_stamp_anchors)

    @property
    def has_authority(self) -> bool:
        """False in production until an issuing authority was brought in: logins need none, signatures do."""
        try:
            self.ca.authorities.current()
        except NoAuthority:
            return False
        return True

    def compromise(self, kid: str, *, actor: str, reason: str) -> None:
        """A private key that others may have: its certificates are revoked, then it is replaced or ends.

        Raises NotAgreed for an authority's, unless two people agreed.
        """
        record = self.keystore.record(kid)
        check_replaceable(record)
        self.keystore.check_agreed(Act.COMPROMISE_KEY, record)
        why = RevocationReason.KEY_COMPROMISE
        if record.purpose is Purpose.CA:
            why = RevocationReason.CA_COMPROMISE  # RFC 5280 section 5.3.1: of all that this key signed
        with self.ground.database.read() as connection:
            serials = load_serials(connection, kid)
        for serial in serials if record.purpose is not Purpose.ROOT_CA else ():  # nobody stands above a root
            self.ca.revoke(serial, why, actor=actor)
        self.keystore.compromise(kid, actor=actor, reason=reason)
        self.ca.authorities.forget()

    def evidence(self, certificates: Sequence[x509.Certificate]) -> Evidence:
        """For these certificates of ours and their issuers: OCSP for what the issuing authority issued, CRLs for it.

        May write: never call it within a transaction.
        """
        authorities = {each.certificate for each in self.ca.authorities.all()}
        issued = [certificate for certificate in certificates if certificate not in authorities]
        roots = {self.ca.chain(certificate)[-1]: None for certificate in certificates}
        names = [self.ca.authorities.issuer_of(root).name for root in roots]
        return Evidence(
            ocsp_responses=tuple(self.ocsp.response_for(certificate) for certificate in issued),
            crls=tuple(self.crl.current(name) for name in names),
        )
