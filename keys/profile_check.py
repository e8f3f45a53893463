"""A profile that could not be issued under is found at the start: one certificate of each, under keys thrown away."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from core.settings import SettingsError
from keys.certificate_lint import thrown_away
from keys.errors import CertificateError
from keys.issuance import pointers_below, signed_certificate
from keys.practice import SETTING, Practice
from keys.subject import Subject, names_of

BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
SAMPLE = Subject(
    name_th="ตัวอย่าง",
    name_en="Example",
    serial="0000000000000000",
    organisation_th="กรมตัวอย่าง",
    organisation_en="Department of Examples",
    organization_identifier="GOVTH-0000000000000",
    given_name_th="ตัวอย่าง",
    given_name_en="Example",
    family_name_th="ตัวอย่าง",
    family_name_en="Example",
    title_th="ตัวอย่าง",
    title_en="Example",
)


def check_profiles(practice: Practice) -> None:
    """Raises SettingsError that names the rule and its section. What nobody changed is tried by the tests."""
    if practice == Practice():
        return
    names, pointers = names_of(SAMPLE, practice.layout), pointers_below("https://example.go.th", "issuing-g1")
    key = thrown_away("ES256")
    # An issuer that outlives every profile: what is tried is the profile, not how long an authority has still to go.
    lasts = max(profile.validity for profile in practice.profiles.values())
    root = replace(practice.profiles["root"], validity=lasts)
    try:
        issuer = signed_certificate(
            root, names=names, public_key=key.public_key, signer=key, issuer=None, pointers=pointers, now=BEGINS
        )
        for name, profile in practice.profiles.items():
            if name != "root":
                signed_certificate(
                    profile,
                    names=names,
                    public_key=thrown_away("ES384").public_key,
                    signer=key,
                    issuer=issuer,
                    pointers=pointers,
                    now=BEGINS,
                )
    except CertificateError as error:
        raise SettingsError(f"{SETTING}: {error}") from error
