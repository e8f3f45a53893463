"""Certificates judged as of a time in the past: ETSI EN 319 102-1 sections 5.2.6 (X.509 certificate validation), 5.5
(signatures with time) and 5.6 (long-term), on pyHanko's RFC 5280 engine.

Two times matter. `used_at`: the certificate must have been valid, and not revoked, when it signed. `proven_at`: since
then the signature is proven to exist by a time-stamp around it, so whatever happened to the authorities' keys later
does not touch it; until then their certificates must hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from asn1crypto import ocsp, x509
from cryptography import x509 as crypto_x509
from cryptography.exceptions import InvalidSignature
from pyhanko.sign.ades.report import AdESIndeterminate
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import (
    DisallowedAlgorithmError,
    ExpiredError,
    InsufficientRevinfoError,
    InvalidCertificateError,
    NotYetValidError,
    PathBuildingError,
    RevokedError,
    ValidationError,
)
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import (
    NO_REVOCATION,
    REQUIRE_REVINFO,
    CertRevTrustPolicy,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.validate import async_validate_path

from signing.child.findings import Finding
from signing.child.known import Known
from signing.child.revoked import is_revoked
from signing.reasons import Reason

TOLERANCE = timedelta(minutes=1)
NO_REVOCATION_AVAILABLE = "2.5.29.56"  # RFC 9608 section 2
VALIDITY_ASSURED_SHORT_TERM = "0.4.0.194121.2.1"  # EN 319 412-1 section 5.2.2
LEAF_IS_NOT_ASKED_ABOUT = RevocationCheckingPolicy(
    RevocationCheckingRule.NO_CHECK, RevocationCheckingRule.CRL_OR_OCSP_REQUIRED
)
SIGNER_USAGE = KeyUsageConstraints(key_usage={"digital_signature", "non_repudiation"}, match_all_key_usages=False)
TIME_STAMP_USAGE = KeyUsageConstraints(extd_key_usage={"time_stamping"}, explicit_extd_key_usage_required=True)

REASONS = {
    AdESIndeterminate.NO_CERTIFICATE_CHAIN_FOUND: Reason.NO_CHAIN,
    AdESIndeterminate.CHAIN_CONSTRAINTS_FAILURE: Reason.OTHER_USE,
    AdESIndeterminate.CERTIFICATE_CHAIN_GENERAL_FAILURE: Reason.CHAIN_BROKEN,
    AdESIndeterminate.OUT_OF_BOUNDS_NO_POE: Reason.OUT_OF_VALIDITY,
    AdESIndeterminate.CRYPTO_CONSTRAINTS_FAILURE: Reason.CHAIN_TOO_WEAK,
    AdESIndeterminate.NOT_YET_VALID: Reason.NOT_YET_VALID,
    AdESIndeterminate.REVOKED_NO_POE: Reason.REVOKED,
    AdESIndeterminate.REVOKED_CA_NO_POE: Reason.AUTHORITY_REVOKED,
    AdESIndeterminate.TRY_LATER: Reason.STATUS_UNKNOWN,
}


@dataclass
class Paths:
    """Judges certificates against the anchors, with what is known; `time_stamp_anchors` are believed of stamps only."""

    anchors: Sequence[x509.Certificate]
    known: Known
    now: datetime
    time_stamp_anchors: Sequence[x509.Certificate] = ()

    @property
    def stamping(self) -> Paths:
        """The same, for time-stamp authorities; what becomes known to one is known to the other."""
        return replace(self, anchors=[*self.anchors, *self.time_stamp_anchors], time_stamp_anchors=())

    async def judge(
        self,
        certificate: x509.Certificate,
        *,
        used_at: datetime,
        proven_at: datetime,
        usage: KeyUsageConstraints,
    ) -> ValidationPath:
        """1. a chain that held at the time of use; 2. made for this use; 3. its authorities outlived the proof;
        4. nobody on it was revoked.
        """
        path = await self.chain(certificate, used_at)
        try:
            usage.validate(certificate)
        except InvalidCertificateError as error:
            raise finding(AdESIndeterminate.CHAIN_CONSTRAINTS_FAILURE) from error
        for authority in list(path.iter_certs(include_root=False))[:-1]:
            if proven_at > authority.not_valid_after + TOLERANCE:
                raise finding(AdESIndeterminate.OUT_OF_BOUNDS_NO_POE)
        await self.check_revocation(path, used_at=used_at)
        return path

    async def chain(self, certificate: x509.Certificate, moment: datetime) -> ValidationPath:
        """RFC 5280 section 6 as of then, without revocation; the last attempt's trouble is told."""
        context = self.context(moment, NO_REVOCATION)
        trouble: AdESIndeterminate = AdESIndeterminate.NO_CERTIFICATE_CHAIN_FOUND
        try:
            candidates = await context.path_builder.async_build_paths(certificate)
        except PathBuildingError as error:
            raise finding(trouble) from error
        for candidate in filter(is_linked, candidates):
            try:
                await async_validate_path(context, candidate)
            except ValidationError as error:
                trouble = subindication_of(error)
            else:
                return candidate  # type: ignore[no-any-return]
        raise finding(trouble)

    async def check_revocation(self, path: ValidationPath, *, used_at: datetime) -> None:
        """1. nothing says that it was revoked by then; 2. something says that it was not: evidence that speaks of the
        time of use, else the first that was issued later.
        """
        revoked = is_revoked(list(reversed(list(path.iter_certs(include_root=True)))), self.known, used_at=used_at)
        if revoked is not None:
            subindication = AdESIndeterminate.REVOKED_CA_NO_POE if revoked else AdESIndeterminate.REVOKED_NO_POE
            raise finding(subindication)
        trouble = AdESIndeterminate.TRY_LATER
        rule = LEAF_IS_NOT_ASKED_ABOUT if is_short_term(path) else REQUIRE_REVINFO
        for moment in self.moments(path, used_at):
            try:
                await async_validate_path(self.context(moment, rule), path)
            except RevokedError as error:
                if error.is_side_validation or error.revocation_dt <= used_at:
                    raise finding(subindication_of(error)) from error
                return  # revoked after it was used, section 5.5.4 step 3
            except ValidationError as error:
                trouble = subindication_of(error)
            else:
                return
        raise finding(trouble)

    def moments(self, path: ValidationPath, used_at: datetime) -> Iterator[datetime]:
        """The time of use, then the issue of each later piece of evidence while the certificates were valid."""
        yield used_at
        end = min([self.now, *(one.not_valid_after for one in path.iter_certs(include_root=False))])
        issued = {issued_at(response) for response in self.known.ocsps.values()}
        issued |= {revocations["tbs_cert_list"]["this_update"].native for revocations in self.known.crls.values()}
        yield from sorted(moment for moment in issued if moment is not None and used_at < moment <= end)

    def context(self, moment: datetime, rule: RevocationCheckingPolicy) -> ValidationContext:
        return ValidationContext(
            trust_roots=list(self.anchors),
            other_certs=list(self.known.certificates.values()),
            moment=moment,
            ocsps=[value for data, value in self.known.ocsps.items() if self.is_proven(data, value)],
            crls=list(self.known.crls.values()),
            allow_fetching=False,
            revinfo_policy=CertRevTrustPolicy(rule, retroactive_revinfo=True),
            time_tolerance=TOLERANCE,
        )

    def is_proven(self, data: bytes, response: ocsp.OCSPResponse) -> bool:
        """A delegated responder's certificate had not expired when its answer is proven to exist."""
        try:
            certificates = response.basic_ocsp_response["certs"]
            return all(self.known.since(data, self.now) <= one.not_valid_after for one in certificates)
        except (ValueError, KeyError, TypeError):
            return False


def is_short_term(path: ValidationPath) -> bool:
    """Its authority says of the leaf that it ends before anybody could revoke it (RFC 9608 section 4, which forbids
    this of authorities; EN 319 412-1 section 5.2): no status is asked for. One that says revoked is heard all the same.
    """
    leaf = list(path.iter_certs(include_root=True))[-1]
    said = {each["extn_id"].dotted for each in leaf["tbs_certificate"]["extensions"]}
    return not leaf.ca and bool(said & {NO_REVOCATION_AVAILABLE, VALIDITY_ASSURED_SHORT_TERM})


def is_linked(path: ValidationPath) -> bool:
    """Each certificate is signed by the next: an authority of the same name with another key is another authority."""
    loaded = [crypto_x509.load_der_x509_certificate(one.dump()) for one in path.iter_certs(include_root=True)]
    try:
        for issuer, issued in pairwise(loaded):
            issued.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def issued_at(response: ocsp.OCSPResponse) -> datetime | None:
    try:
        return response.response_data["produced_at"].native  # type: ignore[no-any-return]
    except (ValueError, KeyError, TypeError):
        return None


def subindication_of(error: ValidationError) -> AdESIndeterminate:
    """Section 5.1.3, table 2, for what the path engine says."""
    own = not getattr(error, "is_side_validation", False)
    if isinstance(error, RevokedError) and own:
        return AdESIndeterminate.REVOKED_NO_POE if error.is_ee_cert else AdESIndeterminate.REVOKED_CA_NO_POE
    for kind, subindication in SUBINDICATIONS:
        if isinstance(error, kind) and own:
            return subindication
    return AdESIndeterminate.CERTIFICATE_CHAIN_GENERAL_FAILURE


SUBINDICATIONS = (
    (InsufficientRevinfoError, AdESIndeterminate.TRY_LATER),
    (InvalidCertificateError, AdESIndeterminate.CHAIN_CONSTRAINTS_FAILURE),
    (DisallowedAlgorithmError, AdESIndeterminate.CRYPTO_CONSTRAINTS_FAILURE),
    (ExpiredError, AdESIndeterminate.OUT_OF_BOUNDS_NO_POE),
    (NotYetValidError, AdESIndeterminate.NOT_YET_VALID),
)


def finding(subindication: Any) -> Finding:
    return Finding(subindication, REASONS.get(subindication, Reason.CHAIN_BROKEN))
