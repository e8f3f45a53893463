"""Whom a certificate names: an X.520 distinguished name in Thai, and the same in English beside it.

The Thai name is the subject. The English one is a directoryName in the subject alternative name, so that neither is a
translation squeezed into the other. Which attributes a name has, and in which order, is a `Layout`: data, which a
deployment sets beside its national root's profile (keys/practice.py). Lengths are X.520's upper bounds, counted in
characters (a Thai character is three bytes of UTF-8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from asn1crypto import x509 as asn1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate

from keys.errors import CertificateError

UPPER_BOUND = 64  # RFC 5280 appendix A.1: ub-common-name, ub-organization-name, ub-title, ub-serial-number
PRINTABLE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A person, an organisation or a service. `serial` tells two of one name apart; never a citizen number.
    `organization_identifier` is an organisation's in a register that it names (EN 319 412-1 section 5.1.4).

    Empty members are left out of the name. `given_name` and `family_name` are for people, `title` is their position.
    A service needs no Thai beside its English: without `name_en` there is one name only.
    """

    name_th: str
    name_en: str = ""
    serial: str = ""
    organisation_th: str = ""
    organisation_en: str = ""
    given_name_th: str = ""
    given_name_en: str = ""
    family_name_th: str = ""
    family_name_en: str = ""
    title_th: str = ""
    title_en: str = ""
    organization_identifier: str = ""


# What a name may have, and which member of a Subject says it in each language.
MEMBERS: Mapping[str, tuple[str, str]] = {
    "organization_name": ("organisation_th", "organisation_en"),
    "organization_identifier": ("organization_identifier", "organization_identifier"),
    "title": ("title_th", "title_en"),
    "surname": ("family_name_th", "family_name_en"),
    "given_name": ("given_name_th", "given_name_en"),
    "serial_number": ("serial", "serial"),
    "common_name": ("name_th", "name_en"),
}


@dataclass(frozen=True)
class Layout:
    """The attributes of a name after its country, in their order; what is not in it is left out."""

    country: str = "TH"  # ISO 3166-1
    order: tuple[str, ...] = tuple(MEMBERS)


LAYOUT = Layout()


def thai_name(subject: Subject, layout: Layout = LAYOUT) -> asn1.Name:
    return distinguished_name(layout, {name: getattr(subject, members[0]) for name, members in MEMBERS.items()})


def english_name(subject: Subject, layout: Layout = LAYOUT) -> asn1.Name:
    return distinguished_name(layout, {name: getattr(subject, members[1]) for name, members in MEMBERS.items()})


@dataclass(frozen=True)
class Names:
    """What a certificate calls its holder: the subject, and the other name beside it, where there is one."""

    subject: asn1.Name
    other: asn1.Name | None


def names_of(subject: Subject, layout: Layout = LAYOUT) -> Names:
    """Raises CertificateError for what does not fit."""
    return Names(thai_name(subject, layout), english_name(subject, layout) if subject.name_en else None)


def distinguished_name(layout: Layout, attributes: Mapping[str, str]) -> asn1.Name:
    """One attribute per RDN, in the layout's order, country first; raises CertificateError for what does not fit."""
    rdns = [relative_name("country_name", layout.country)]
    rdns += [relative_name(name, check_text(name, attributes[name])) for name in layout.order if attributes[name]]
    return asn1.Name(name="", value=asn1.RDNSequence(rdns))


def relative_name(attribute: str, value: str) -> asn1.RelativeDistinguishedName:
    """RFC 5280 section 4.1.2.4: UTF8String, save for the two attributes that are PrintableString."""
    kind = "printable_string" if attribute in ("country_name", "serial_number") else "utf8_string"
    text = asn1.DirectoryString(name=kind, value=value)
    return asn1.RelativeDistinguishedName([asn1.NameTypeAndValue({"type": attribute, "value": text})])


def check_text(attribute: str, value: str) -> str:
    if len(value) > UPPER_BOUND:
        raise CertificateError(f"{attribute} is longer than {UPPER_BOUND} characters")
    if not value.isprintable() or value.strip() != value:
        raise CertificateError(f"{attribute} has control characters, or spaces at its ends")
    if attribute == "serial_number" and not PRINTABLE.issuperset(value):
        raise CertificateError("serial_number may have letters, digits and '()+,-./:=? only")
    return value


def subject_names(certificate: Certificate) -> tuple[dict[str, str], dict[str, str]]:
    """The Thai and the English name of one of our certificates, by attribute; English is empty where there is none.

    Read so, a long Thai name causes no warning: cryptography counts X.520's bounds in bytes.
    """
    parsed = asn1.Certificate.load(certificate.public_bytes(Encoding.DER))
    english: dict[str, str] = {}
    for general_name in parsed.subject_alt_name_value or ():
        if general_name.name == "directory_name":
            english = dict(general_name.chosen.native)
    return dict(parsed.subject.native), english
