"""Certificate profiles as data, RFC 5280; EN 319 412-2 and -3 for signatures and seals, EN 319 422 for time-stamping.

To add one is to add an entry. A deployment sets how long they last and under which policies (keys/practice.py), and no
certificate leaves that a rule of keys/lint_rules.py refuses.

Object identifiers below 2.25 come from a UUID (ITU-T X.667), so they need no registration and belong to nobody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

ARC = "2.25.13592170422697794913032091949950310888"
OFFICER_POLICY = f"{ARC}.1.1"
SEAL_POLICY = f"{ARC}.1.2"
SERVICE_POLICY = f"{ARC}.1.3"
CITIZEN_POLICY = f"{ARC}.1.4"
SHORT_TERM_POLICY = f"{ARC}.1.5"
AGENCY_POLICY = f"{ARC}.1.6"
TIME_STAMP_POLICY = f"{ARC}.2.1"
ANY_POLICY = "2.5.29.32.0"

DOCUMENT_SIGNING = "1.3.6.1.5.5.7.3.36"  # RFC 9336
MICROSOFT_DOCUMENT_SIGNING = "1.3.6.1.4.1.311.10.3.12"
ADOBE_AUTHENTIC_DOCUMENTS = "1.2.840.113583.1.1.5"  # readers older than RFC 9336 look for these two
TIME_STAMPING = "1.3.6.1.5.5.7.3.8"
OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"
CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"

ProfileName = Literal["root", "issuing", "officer", "citizen", "short-lived", "seal", "tsa", "ocsp", "agency-tls"]
Holder = Literal["authority", "natural", "legal", "service"]
Pointer = Literal["ca_issuers", "ocsp", "crl"]

YEAR = timedelta(days=365)


@dataclass(frozen=True, kw_only=True)
class Profile:
    """`key_usage` in asn1crypto's words; `pointers` are the AIA and CDP entries; `path_length` only for authorities.

    `holder` is whom it names: EN 319 412-2 and -3 want other attributes of a person than of an organisation.
    `short_term`: it ends before anybody could revoke it, says so (EN 319 412-1 section 5.2, RFC 9608) and points to no
    revocation. `cps` is where the practice statement can be read (RFC 5280 section 4.2.1.4).
    """

    name: ProfileName
    issuer: Literal["root", "issuing"]
    validity: timedelta
    key_usage: frozenset[str]
    policies: tuple[str, ...]
    pointers: frozenset[Pointer]
    authority: bool = False
    path_length: int | None = None
    extended_key_usage: tuple[str, ...] = ()
    extended_key_usage_critical: bool = False
    ocsp_no_check: bool = False
    private_key_usage: timedelta | None = None
    holder: Holder
    short_term: bool = False
    cps: str = ""


AUTHORITY = frozenset({"key_cert_sign", "crl_sign"})
CONTENT_COMMITMENT = frozenset({"non_repudiation"})  # EN 319 412-2 section 4.3.2, type A: nothing but signing content
DOCUMENTS = (DOCUMENT_SIGNING, MICROSOFT_DOCUMENT_SIGNING, ADOBE_AUTHENTIC_DOCUMENTS)
EVERY_POINTER: frozenset[Pointer] = frozenset({"ca_issuers", "ocsp", "crl"})

PROFILES: Mapping[ProfileName, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            name="root",
            holder="authority",
            issuer="root",
            validity=20 * YEAR,
            key_usage=AUTHORITY,
            policies=(),
            pointers=frozenset(),
            authority=True,
        ),
        Profile(
            name="issuing",
            holder="authority",
            issuer="root",
            validity=10 * YEAR,
            key_usage=AUTHORITY,
            policies=(ANY_POLICY,),
            # No OCSP: a responder for it would need the root's signature every month, and a root belongs offline.
            pointers=frozenset({"ca_issuers", "crl"}),
            authority=True,
            path_length=0,
        ),
        Profile(
            name="officer",
            holder="natural",
            issuer="issuing",
            validity=YEAR,
            key_usage=CONTENT_COMMITMENT,
            policies=(OFFICER_POLICY,),
            pointers=EVERY_POINTER,
            extended_key_usage=DOCUMENTS,
        ),
        Profile(
            name="citizen",
            holder="natural",
            issuer="issuing",
            validity=YEAR,
            key_usage=CONTENT_COMMITMENT,
            policies=(CITIZEN_POLICY,),
            pointers=EVERY_POINTER,
            extended_key_usage=DOCUMENTS,
        ),
        Profile(
            name="short-lived",
            holder="natural",
            issuer="issuing",
            validity=timedelta(hours=8),
            key_usage=CONTENT_COMMITMENT,
            policies=(SHORT_TERM_POLICY,),
            pointers=frozenset({"ca_issuers"}),
            extended_key_usage=DOCUMENTS,
            short_term=True,
        ),
        Profile(
            name="seal",
            holder="legal",
            issuer="issuing",
            validity=YEAR,
            key_usage=CONTENT_COMMITMENT,
            policies=(SEAL_POLICY,),
            pointers=EVERY_POINTER,
            extended_key_usage=DOCUMENTS,
        ),
        Profile(
            name="tsa",
            holder="service",
            issuer="issuing",
            validity=5 * YEAR,
            key_usage=frozenset({"digital_signature"}),
            policies=(SERVICE_POLICY,),
            pointers=EVERY_POINTER,
            extended_key_usage=(TIME_STAMPING,),
            extended_key_usage_critical=True,  # RFC 3161 section 2.3
            private_key_usage=YEAR,  # stamps stay verifiable four years after the key's last use
        ),
        Profile(
            name="ocsp",
            holder="service",
            issuer="issuing",
            validity=timedelta(days=30),
            key_usage=frozenset({"digital_signature"}),
            policies=(SERVICE_POLICY,),
            # Not asked for its own revocation (RFC 6960 section 4.2.2.2.1), hence the short life.
            pointers=frozenset({"ca_issuers"}),
            extended_key_usage=(OCSP_SIGNING,),
            ocsp_no_check=True,
        ),
        Profile(
            name="agency-tls",
            holder="service",
            issuer="issuing",
            validity=YEAR,
            key_usage=frozenset({"digital_signature"}),
            policies=(AGENCY_POLICY,),
            pointers=EVERY_POINTER,
            extended_key_usage=(CLIENT_AUTH,),  # RFC 8705 section 2.1: whom an agency's calls come from
        ),
    )
}
