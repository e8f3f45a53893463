"""What every certificate of ours must hold, a rule an entry: RFC 5280, 6960, 3161, 9608; EN 319 412-1, -2 and -3.

`says` is what must be true. A rule that `applies` to what it cannot read refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from asn1crypto import x509 as asn1
from cryptography.hazmat.primitives.serialization import load_der_public_key

from keys.algorithms import check_new_public_key
from keys.errors import KeystoreError
from keys.examined import Examined
from keys.subject import UPPER_BOUND
from keys.to_be_signed import (
    NO_REVOCATION_AVAILABLE,
    UTC_TIME_ENDS,
    VALIDITY_ASSURED_SHORT_TERM,
    key_identifier,
)

Check = Callable[[Examined], bool]
NO_REV_AVAIL = (NO_REVOCATION_AVAILABLE, "no_rev_avail")  # asn1crypto knows it by name where certvalidator is loaded
NULL = b"\x05\x00"
SERIAL_OCTETS = 20
RANDOM_BITS = 64  # CA/Browser Forum's baseline, section 7.1; ours are 159
SHORTEST_LIFE_TO_REVOKE = timedelta(hours=24)  # EN 319 411-1 REV-6.2.4-03: a revocation may take so long
LONGEST_WITHOUT_STATUS = timedelta(days=90)  # of a responder's certificate
SEMANTICS = re.compile(r"(VAT|NTR|PSD|LEI|GOV|[A-Z]{2}:)[A-Z]{2}(\+[A-Z]{1,3})?-.+")  # GOV is CA/Browser's
PEOPLE = ("given_name", "surname", "pseudonym")
POINTERS = ("authority_information_access", "crl_distribution_points")


def everything(_: Examined) -> bool:
    return True


def authority(x: Examined) -> bool:
    return x.profile.holder == "authority"


def end_entity(x: Examined) -> bool:
    return not authority(x)


def has(name: str) -> Check:
    return lambda x: name in x.extensions


def of_holder(*holders: str) -> Check:
    return lambda x: x.profile.holder in holders


def named(*names: str) -> Check:
    return lambda x: x.profile.name in names


def short_term(x: Examined) -> bool:
    return x.profile.short_term


def signs_content(x: Examined) -> bool:
    return x.profile.holder in ("natural", "legal")


@dataclass(frozen=True)
class Rule:
    section: str
    says: str
    holds: Check
    applies: Check = everything


def names_of(x: Examined) -> list[asn1.Name]:
    """The holder's. The issuer's is its own authority's to choose: a national one may have two departments in it."""
    others = [each.chosen for each in x.value("subject_alt_name") or () if each.name == "directory_name"]
    return [x.tbs["subject"], *others]


def attributes(name: asn1.Name) -> list[tuple[str, Any]]:
    return [(each["type"].native, each["value"]) for rdn in name.chosen for each in rdn]


def subject_types(x: Examined) -> set[str]:
    return {name for name, _ in attributes(x.tbs["subject"])}


def serial_is_good(x: Examined) -> bool:
    serial = x.tbs["serial_number"].native
    return serial > 0 and len(x.tbs["serial_number"].contents) <= SERIAL_OCTETS and serial.bit_length() > RANDOM_BITS


def validity(x: Examined) -> tuple[Any, Any]:
    return x.tbs["validity"]["not_before"].native, x.tbs["validity"]["not_after"].native


def times_are_encoded(x: Examined) -> bool:
    times = (x.tbs["validity"]["not_before"], x.tbs["validity"]["not_after"])
    return all((each.name == "utc_time") == (each.native.year < UTC_TIME_ENDS) for each in times)


def within_the_issuer(x: Examined) -> bool:
    (begins, ends), above = validity(x), x.issuer["tbs_certificate"]["validity"]
    return bool(above["not_before"].native <= begins and ends <= above["not_after"].native)


def text_is_encoded(x: Examined) -> bool:
    printable = ("country_name", "serial_number")
    return all(
        value.name == ("printable_string" if name in printable else "utf8_string")
        for each in names_of(x)
        for name, value in attributes(each)
    )


def text_fits(x: Examined) -> bool:
    return all(0 < len(value.native) <= UPPER_BOUND for each in names_of(x) for _, value in attributes(each))


def one_country(x: Examined) -> bool:
    countries = [value.native for name, value in attributes(x.tbs["subject"]) if name == "country_name"]
    return len(countries) == 1 and bool(re.fullmatch("[A-Z]{2}", countries[0]))


def no_attribute_twice(x: Examined) -> bool:
    return all(len(attributes(each)) == len(dict(attributes(each))) for each in names_of(x))


def key_is_strong(x: Examined) -> bool:
    try:
        check_new_public_key(load_der_public_key(x.tbs["subject_public_key_info"].dump()))
    except KeystoreError:
        return False
    return True


def subject_key_is_named(x: Examined) -> bool:
    return bool(x.native("key_identifier") == key_identifier(x.tbs["subject_public_key_info"]))


def issuer_key_is_named(x: Examined) -> bool:
    above = next(
        each["extn_value"].parsed.native
        for each in x.issuer["tbs_certificate"]["extensions"]
        if each["extn_id"].native == "key_identifier"
    )
    return bool(x.value("authority_key_identifier")["key_identifier"].native == above)


def usage(x: Examined) -> set[str]:
    return set(x.native("key_usage") or ())


def extended(x: Examined) -> list[str]:
    return [each.dotted for each in x.value("extended_key_usage") or ()]


def locations(x: Examined) -> list[str]:
    found = [each["access_location"].native for each in x.value("authority_information_access") or ()]
    for point in x.value("crl_distribution_points") or ():
        found += [each.native for each in point["distribution_point"].chosen]
    return found


def methods(x: Examined) -> set[str]:
    return {each["access_method"].native for each in x.value("authority_information_access") or ()}


def is_http(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and not parts.fragment


def policy_identifiers(x: Examined) -> list[str]:
    return [each["policy_identifier"].dotted for each in x.value("certificate_policies") or ()]


def pointers_as_profiled(x: Examined) -> bool:
    has_list = "crl_distribution_points" in x.extensions
    return methods(x) == x.profile.pointers - {"crl"} and has_list == ("crl" in x.profile.pointers)


def no_revocation(x: Examined) -> bool:
    return "crl_distribution_points" not in x.extensions and "ocsp" not in methods(x)


def not_asked_about(x: Examined) -> bool:
    begins, ends = validity(x)
    return "ocsp_no_check" in x.extensions and no_revocation(x) and ends - begins <= LONGEST_WITHOUT_STATUS


def short_term_is_said(x: Examined) -> bool:
    said = [x.value(name) for name in (VALIDITY_ASSURED_SHORT_TERM, *NO_REV_AVAIL) if name in x.extensions]
    return len(said) == len((VALIDITY_ASSURED_SHORT_TERM, NO_REVOCATION_AVAILABLE)) and all(
        each.dump() == NULL for each in said
    )


def path_is_bounded(x: Examined) -> bool:
    constraints = x.value("basic_constraints")
    return bool(constraints["ca"].native and constraints["path_len_constraint"].native == x.profile.path_length)


def identifiers_have_semantics(x: Examined) -> bool:
    found = [v.native for each in names_of(x)[:1] for n, v in attributes(each) if n == "organization_identifier"]
    return all(SEMANTICS.fullmatch(each) for each in found)


CRITICAL = ("basic_constraints", "key_usage")
NOT_CRITICAL = (
    "key_identifier", "authority_key_identifier", "certificate_policies", "subject_alt_name",
    "private_key_usage_period", "ocsp_no_check", VALIDITY_ASSURED_SHORT_TERM, *NO_REV_AVAIL, *POINTERS,
)  # fmt: skip

RULES: tuple[Rule, ...] = (
    Rule("RFC 5280 section 4.1.1.2", "both places name one signature algorithm",
         lambda x: x.certificate["signature_algorithm"].dump() == x.tbs["signature"].dump()),
    Rule("RFC 5280 section 4.1.2.1", "the version is 3", lambda x: x.tbs["version"].native == "v3"),
    Rule("RFC 5280 section 4.1.2.2", "the serial number is positive, random and at most 20 octets", serial_is_good),
    Rule("RFC 5280 section 4.1.2.4", "the issuer is named octet for octet as its certificate names it",
         lambda x: x.tbs["issuer"].dump() == x.issuer["tbs_certificate"]["subject"].dump()),
    Rule("RFC 5280 section 4.1.2.4", "text is UTF8String, country and serialNumber are PrintableString",
         text_is_encoded),
    Rule("RFC 5280 section 4.1.2.5", "times are UTCTime until 2049 and GeneralizedTime after", times_are_encoded),
    Rule("RFC 5280 section 4.1.2.5", "it begins before it ends", lambda x: validity(x)[0] < validity(x)[1]),
    Rule("RFC 5280 section 6.1", "it lasts no longer than its issuer", within_the_issuer),
    Rule("RFC 5280 section 4.1.2.6", "the subject is named", lambda x: bool(attributes(x.tbs["subject"]))),
    Rule("RFC 5280 appendix A.1", f"no name is empty or longer than {UPPER_BOUND} characters", text_fits),
    Rule("X.520 section 6.3.1", "there is one country, of two capital letters", one_country),
    Rule("X.501 section 9.3", "no attribute is twice in a name", no_attribute_twice),
    Rule("RFC 5280 section 4.1.2.8", "there are no unique identifiers",
         lambda x: x.tbs["issuer_unique_id"].native is None and x.tbs["subject_unique_id"].native is None),
    Rule("SP 800-57 part 1 table 2", "the key is of 128 bits of strength, of an algorithm that is offered",
         key_is_strong),
    Rule("RFC 5280 section 4.2", "no extension is twice", lambda x: not x.repeated),
    Rule("RFC 5280 section 4.2.1.1", "the issuer's key is named as its certificate names it", issuer_key_is_named,
         lambda x: not x.is_root),
    Rule("RFC 5280 section 4.2.1.2", "the key is named by RFC 7093", subject_key_is_named),
    Rule("RFC 5280 section 4.2.1.3", "keyUsage and basicConstraints are there and critical",
         lambda x: all(x.is_critical(name) for name in CRITICAL)),
    Rule("RFC 5280 section 4.2.1", "no other extension than an extendedKeyUsage is critical",
         lambda x: not any(x.is_critical(name) for name in NOT_CRITICAL)),
    Rule("RFC 5280 section 4.2.1.3", "keyUsage is what the profile says", lambda x: usage(x) == x.profile.key_usage),
    Rule("RFC 5280 section 4.2.1.3", "an authority signs certificates and lists and nothing else",
         lambda x: usage(x) == {"key_cert_sign", "crl_sign"}, authority),
    Rule("RFC 5280 section 4.2.1.3", "nobody but an authority signs certificates or lists",
         lambda x: not usage(x) & {"key_cert_sign", "crl_sign"}, end_entity),
    Rule("RFC 5280 section 4.2.1.4", "policies are what the profile says, each once",
         lambda x: policy_identifiers(x) == list(x.profile.policies)),
    Rule("RFC 5280 section 4.2.1.4", "anyPolicy is for authorities",
         lambda x: "2.5.29.32.0" not in policy_identifiers(x), end_entity),
    Rule("RFC 5280 section 4.2.1.6", "the other name is there only where it says something",
         lambda x: len(x.value("subject_alt_name")) > 0, has("subject_alt_name")),
    Rule("RFC 5280 section 4.2.1.9", "an authority says so, and how long a path below it may be",
         path_is_bounded, authority),
    Rule("RFC 5280 section 4.2.1.9", "nobody else is an authority, nor has a path length",
         lambda x: not x.value("basic_constraints")["ca"].native
         and x.value("basic_constraints")["path_len_constraint"].native is None, end_entity),
    Rule("RFC 5280 section 4.2.1.12", "extendedKeyUsage is what the profile says, and never any purpose",
         lambda x: extended(x) == list(x.profile.extended_key_usage) and "2.5.29.37.0" not in extended(x)),
    Rule("RFC 5280 section 4.2.1.13", "pointers are those of the profile", pointers_as_profiled),
    Rule("RFC 5280 section 4.2.2.1", "pointers are http or https", lambda x: all(map(is_http, locations(x)))),
    Rule("RFC 5280 section 4.1.2.5", "it lasts no longer than the profile says",
         lambda x: validity(x)[1] - validity(x)[0] <= x.profile.validity),
    Rule("RFC 3161 section 2.3", "a time-stamp authority's is for time-stamps alone and says so critically",
         lambda x: extended(x) == ["1.3.6.1.5.5.7.3.8"] and bool(x.is_critical("extended_key_usage")), named("tsa")),
    Rule("EN 319 422 section 6.2", "a time-stamp authority's key has a period of use within its certificate's",
         lambda x: x.value("private_key_usage_period")["not_after"].native <= validity(x)[1], named("tsa")),
    Rule("RFC 6960 section 4.2.2.2", "a responder's is for OCSP alone",
         lambda x: extended(x) == ["1.3.6.1.5.5.7.3.9"] and usage(x) == {"digital_signature"}, named("ocsp")),
    Rule("RFC 6960 section 4.2.2.2.1", "a responder's is not asked about: it points to no revocation and ends soon",
         not_asked_about, named("ocsp")),
    Rule("RFC 6960 section 4.2.2.2.1", "nobody but a responder is not asked about",
         lambda x: "ocsp_no_check" not in x.extensions, lambda x: x.profile.name != "ocsp"),
    Rule("RFC 8705 section 2.1", "an agency's is for TLS clients alone",
         lambda x: extended(x) == ["1.3.6.1.5.5.7.3.2"] and usage(x) == {"digital_signature"}, named("agency-tls")),
    Rule("RFC 9608 section 4", "what cannot be revoked points to no revocation", no_revocation, short_term),
    Rule("EN 319 412-1 section 5.2", "what ends before it could be revoked says so", short_term_is_said, short_term),
    Rule("EN 319 411-1 section 6.2.4", "what cannot be revoked ends within the time that a revocation may take",
         lambda x: validity(x)[1] - validity(x)[0] <= SHORTEST_LIFE_TO_REVOKE, short_term),
    Rule("EN 319 412-1 section 5.2", "nothing else claims that it cannot be revoked",
         lambda x: not {VALIDITY_ASSURED_SHORT_TERM, *NO_REV_AVAIL} & set(x.extensions),
         lambda x: not x.profile.short_term),
    Rule("EN 319 412-2 section 4.3.2", "a key that signs content does nothing else",
         lambda x: usage(x) == {"non_repudiation"}, signs_content),
    Rule("EN 319 412-2 section 4.3.3", "there is a policy", lambda x: bool(policy_identifiers(x)), end_entity),
    Rule("EN 319 412-2 section 4.4.1", "it says where its issuer's certificate is",
         lambda x: "ca_issuers" in methods(x), lambda x: not x.is_root),
    Rule("EN 319 412-2 section 4.4.1", "it says where its status is, by OCSP and by a list",
         lambda x: "ocsp" in methods(x) and "crl_distribution_points" in x.extensions,
         lambda x: end_entity(x) and not x.profile.short_term and x.profile.name != "ocsp"),
    Rule("EN 319 412-2 section 4.2.4", "a person has a given name, a surname or a pseudonym",
         lambda x: bool(subject_types(x) & set(PEOPLE)), of_holder("natural")),
    Rule("EN 319 412-2 section 4.2.4", "a person has a common name and a serial number",
         lambda x: {"common_name", "serial_number"} <= subject_types(x), of_holder("natural")),
    Rule("EN 319 412-3 section 4.2.1", "an organisation has its name, its identifier and a common name",
         lambda x: {"organization_name", "organization_identifier", "common_name"} <= subject_types(x),
         of_holder("legal")),
    Rule("EN 319 412-1 section 5.1.4", "an organisation's identifier names its register", identifiers_have_semantics),
    Rule("EN 319 412-2 section 4.2.3", "an authority or a service has an organisation and a common name",
         lambda x: {"organization_name", "common_name"} <= subject_types(x), of_holder("authority", "service")),
)  # fmt: skip
