"""The TBSCertificate of a profile, RFC 5280 section 4.1: pure, without a key; who holds the issuer's key signs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1
from asn1crypto.algos import SignedDigestAlgorithm
from asn1crypto.core import Null, ParsableOctetString

from keys.profiles import Profile
from keys.subject import Names

UTC_TIME_ENDS = 2050  # RFC 5280 section 4.1.2.5
VALIDITY_ASSURED_SHORT_TERM = "0.4.0.194121.2.1"  # EN 319 412-1 section 5.2.2
NO_REVOCATION_AVAILABLE = "2.5.29.56"  # RFC 9608 section 2


@dataclass(frozen=True)
class Issuer:
    """What a certificate says of its issuer. `base_url` + NAME.crt and .crl are where a relying party looks."""

    name: asn1.Name
    key_identifier: bytes
    crt_url: str
    crl_url: str
    ocsp_url: str


@dataclass(frozen=True)
class Validity:
    not_before: datetime
    not_after: datetime


def tbs_certificate(
    profile: Profile,
    *,
    serial: int,
    names: Names,
    public_key: asn1_keys.PublicKeyInfo,
    validity: Validity,
    issuer: Issuer,
    signature: SignedDigestAlgorithm,
) -> asn1.TbsCertificate:
    """RFC 5280 section 4.1.2, in its order."""
    return asn1.TbsCertificate(
        {
            "version": "v3",
            "serial_number": serial,
            "signature": signature,
            "issuer": issuer.name,
            "validity": {"not_before": time(validity.not_before), "not_after": time(validity.not_after)},
            "subject": names.subject,
            "subject_public_key_info": public_key,
            "extensions": [
                {"extn_id": name, "critical": critical, "extn_value": value}
                for name, critical, value in (
                    *extensions(profile, public_key, validity, issuer),
                    *other_name(names),
                )
            ],
        }
    )


def extensions(
    profile: Profile, public_key: asn1_keys.PublicKeyInfo, validity: Validity, issuer: Issuer
) -> Iterator[tuple[str, bool, object]]:
    """RFC 5280 section 4.2.1: name, critical, value."""
    identifier = key_identifier(public_key)
    yield "basic_constraints", True, basic_constraints(profile)
    yield "key_usage", True, asn1.KeyUsage(set(profile.key_usage))
    yield "key_identifier", False, identifier
    if issuer.key_identifier != identifier:
        yield "authority_key_identifier", False, {"key_identifier": issuer.key_identifier}
    if profile.extended_key_usage:
        usages = asn1.ExtKeyUsageSyntax(list(profile.extended_key_usage))
        yield "extended_key_usage", profile.extended_key_usage_critical, usages
    if profile.policies:
        yield (
            "certificate_policies",
            False,
            asn1.CertificatePolicies([policy(profile, each) for each in profile.policies]),
        )
    if profile.private_key_usage:
        yield "private_key_usage_period", False, usage_period(validity, profile.private_key_usage)
    if profile.ocsp_no_check:
        yield "ocsp_no_check", False, Null()
    if profile.short_term:
        yield VALIDITY_ASSURED_SHORT_TERM, False, ParsableOctetString(Null().dump())
        yield NO_REVOCATION_AVAILABLE, False, ParsableOctetString(Null().dump())
    yield from pointers(profile, issuer)


def other_name(names: Names) -> Iterator[tuple[str, bool, object]]:
    """RFC 5280 section 4.2.1.6: the English name beside the Thai one."""
    if names.other is not None:
        yield "subject_alt_name", False, asn1.GeneralNames([general_name(names.other)])


def policy(profile: Profile, identifier: str) -> dict[str, object]:
    """RFC 5280 section 4.2.1.4: with the pointer to the practice statement, where there is one."""
    if not profile.cps:
        return {"policy_identifier": identifier}
    statement = {"policy_qualifier_id": "certification_practice_statement", "qualifier": profile.cps}
    return {"policy_identifier": identifier, "policy_qualifiers": [statement]}


def pointers(profile: Profile, issuer: Issuer) -> Iterator[tuple[str, bool, object]]:
    """RFC 5280 sections 4.2.2.1 and 4.2.1.13: where the issuer's certificate, its OCSP responder and its CRL are."""
    access = [("ca_issuers", issuer.crt_url), ("ocsp", issuer.ocsp_url)]
    wanted = [
        {"access_method": method, "access_location": uri(url)} for method, url in access if method in profile.pointers
    ]
    if wanted:
        yield "authority_information_access", False, asn1.AuthorityInfoAccessSyntax(wanted)
    if "crl" in profile.pointers:
        names = asn1.GeneralNames([uri(issuer.crl_url)])
        point = {"distribution_point": asn1.DistributionPointName(name="full_name", value=names)}
        yield "crl_distribution_points", False, asn1.CRLDistributionPoints([point])


def basic_constraints(profile: Profile) -> asn1.BasicConstraints:
    if profile.path_length is None:
        return asn1.BasicConstraints({"ca": profile.authority})
    return asn1.BasicConstraints({"ca": profile.authority, "path_len_constraint": profile.path_length})


def usage_period(validity: Validity, length: timedelta) -> asn1.PrivateKeyUsagePeriod:
    """X.509 section 8.2.2.5: the private key is used for a part only of the certificate's life, and never beyond it."""
    ends = min(validity.not_before + length, validity.not_after)
    return asn1.PrivateKeyUsagePeriod({"not_before": validity.not_before, "not_after": ends})


def key_identifier(public_key: asn1_keys.PublicKeyInfo) -> bytes:
    """RFC 7093 section 2, method 1: the leftmost 160 bits of SHA-256 over the public key."""
    return sha256(public_key["public_key"].contents[1:]).digest()[:20]


def general_name(name: asn1.Name) -> asn1.GeneralName:
    return asn1.GeneralName(name="directory_name", value=name)


def uri(url: str) -> asn1.GeneralName:
    return asn1.GeneralName(name="uniform_resource_identifier", value=url)


def time(moment: datetime) -> asn1.Time:
    kind = "utc_time" if moment.year < UTC_TIME_ENDS else "general_time"
    return asn1.Time(name=kind, value=moment)
