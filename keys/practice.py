"""The certification practice that a deployment sets: a TOML file beside the profiles, RFC 5280 and EN 319 412.

`PRAJAK_CA_PROFILES` names it. What it does not say stays as in `profiles.py` and `subject.py`; what nobody knows is
refused by its name, and so is a profile whose certificates a rule of the linter would refuse, at the start and not at
the first issuing:

    [organisation]                      # who operates this: in the names of our own authorities and services
    name_th = "กรมตัวอย่าง"
    name_en = "Department of Examples"
    identifier = "GOVTH-0000000000000"  # EN 319 412-1 section 5.1.4
    product = "Example"                 # how the services' names begin: "Example Time-Stamp Authority"

    [subject]
    country = "TH"
    layout = ["organization_name", "title", "surname", "given_name", "serial_number", "common_name"]

    [pointers]
    base = "http://pki.example.go.th"   # below it are /ca/NAME.crt, /ca/NAME.crl and /ocsp; otherwise the issuer

    [profile.officer]
    validity_days = 730                 # or validity_hours
    policies = ["1.3.6.1.4.1.99999.1.2"]
    cps = "https://example.go.th/cps"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from core.settings import SettingsError
from keys.errors import CertificateError
from keys.profiles import PROFILES, Profile, ProfileName
from keys.subject import LAYOUT, MEMBERS, Layout, check_text

SETTING = "PRAJAK_CA_PROFILES"
MAX_BYTES = 64 * 1024
LONGEST_HOURS = 24 * 365 * 25
OBJECT_IDENTIFIER = re.compile(r"[0-2](\.(0|[1-9][0-9]{0,38})){1,31}")
HTTP_URL = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&'()*+,;=%\[\]-]{1,200}")


@dataclass(frozen=True)
class Organisation:
    """Who operates this. Empty members leave the product's own names."""

    name_th: str = ""
    name_en: str = ""
    identifier: str = ""
    product: str = ""


@dataclass(frozen=True)
class Practice:
    """`base` is where pointers lead; empty for the issuer."""

    profiles: Mapping[ProfileName, Profile] = field(default_factory=lambda: PROFILES)
    layout: Layout = LAYOUT
    organisation: Organisation = field(default_factory=Organisation)
    base: str = ""


def load_practice(path: Path | None) -> Practice:
    """Raises SettingsError that names the setting, the member and what it may be."""
    if path is None:
        return Practice()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{SETTING}: {path} cannot be read") from error
    if len(content) > MAX_BYTES:
        raise SettingsError(f"{SETTING}: {path} is larger than {MAX_BYTES} bytes")
    try:
        written = tomllib.loads(content.decode("utf-8"))
    except ValueError as error:
        raise SettingsError(f"{SETTING}: {path} is no TOML: {error}") from error
    return as_practice(written)


def as_practice(written: Mapping[str, Any]) -> Practice:
    known = table(written, "the file", ("organisation", "subject", "pointers", "profile"))
    organisation = table(known.get("organisation", {}), "[organisation]", tuple(Organisation.__dataclass_fields__))
    pointers = table(known.get("pointers", {}), "[pointers]", ("base",))
    changes = table(known.get("profile", {}), "[profile]", tuple(PROFILES))
    return Practice(
        profiles={
            name: with_changes(profile, changes[name]) if name in changes else profile
            for name, profile in PROFILES.items()
        },
        layout=as_layout(table(known.get("subject", {}), "[subject]", ("country", "layout"))),
        organisation=Organisation(**{name: name_text(name, value) for name, value in organisation.items()}),
        base=url("[pointers] base", pointers["base"]).rstrip("/") if "base" in pointers else "",
    )


def with_changes(profile: Profile, written: object) -> Profile:
    """A profile with what the deployment sets of it, and no more: what a key may do is not a deployment's to say."""
    where = f"[profile.{profile.name}]"
    changes = table(written, where, ("validity_days", "validity_hours", "policies", "cps"))
    if "validity_days" in changes and "validity_hours" in changes:
        raise SettingsError(f"{SETTING}: {where} has validity_days and validity_hours: say one")
    for member, hours in (("validity_days", 24), ("validity_hours", 1)):
        if member in changes:
            profile = replace(profile, validity=timedelta(hours=number(f"{where} {member}", changes[member]) * hours))
    if "policies" in changes:
        profile = replace(profile, policies=policies(where, changes["policies"]))
    if "cps" in changes:
        profile = replace(profile, cps=url(f"{where} cps", changes["cps"]))
    if profile.private_key_usage and profile.private_key_usage > profile.validity:
        profile = replace(profile, private_key_usage=profile.validity)
    return profile


def as_layout(written: Mapping[str, Any]) -> Layout:
    country = written.get("country", LAYOUT.country)
    if not isinstance(country, str) or not re.fullmatch("[A-Z]{2}", country):
        raise SettingsError(f"{SETTING}: [subject] country must be two capital letters (ISO 3166-1)")
    order = written.get("layout", list(LAYOUT.order))
    if not isinstance(order, list) or not order or len(set(map(str, order))) != len(order):
        raise SettingsError(f"{SETTING}: [subject] layout must be a list of attributes, none twice")
    strange = [each for each in order if each not in MEMBERS]
    if strange:
        raise SettingsError(f"{SETTING}: [subject] layout has {strange[0]!r}; there are {', '.join(MEMBERS)}")
    return Layout(country, tuple(order))


def table(written: object, where: str, members: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(written, Mapping):
        raise SettingsError(f"{SETTING}: {where} must be a table")
    strange = sorted(set(written) - set(members))
    if strange:
        raise SettingsError(f"{SETTING}: {where} has no {strange[0]!r}; there are {', '.join(members)}")
    return written


def number(where: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LONGEST_HOURS:
        raise SettingsError(f"{SETTING}: {where} must be a whole number from 1 to {LONGEST_HOURS}")
    return value


def policies(where: str, value: object) -> tuple[str, ...]:
    if (
        not isinstance(value, list)
        or not value
        or not all(isinstance(each, str) and OBJECT_IDENTIFIER.fullmatch(each) for each in value)
    ):
        raise SettingsError(f"{SETTING}: {where} policies must be a list of object identifiers")
    return tuple(value)


def url(where: str, value: object) -> str:
    if not isinstance(value, str) or not HTTP_URL.fullmatch(value):
        raise SettingsError(f"{SETTING}: {where} must be an http or https URL")
    return value


def name_text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise SettingsError(f"{SETTING}: [organisation] {name} must be text")
    try:
        return check_text(name, value)
    except CertificateError as error:
        raise SettingsError(f"{SETTING}: [organisation] {error}") from error
