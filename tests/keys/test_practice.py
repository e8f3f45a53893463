"""What a deployment sets of its certificates, and what it may not. RFC 5280, EN 319 412."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from core.settings import SettingsError
from keys.certificate import CertificateAuthority
from keys.issuance import as_asn1
from keys.practice import Practice, load_practice
from keys.profile_check import check_profiles
from keys.profiles import PROFILES
from keys.purposes import Purpose
from keys.trust_services import TrustServices
from tests.keys.conftest import ANAN

AGENCY_S_OWN = """
[organisation]
name_th = "สำนักงานตัวอย่างเพื่อการพัฒนาธุรกรรมทางอิเล็กทรอนิกส์"
name_en = "Example Agency"
identifier = "GOVTH-0000000000000"
product = "Example"

[subject]
country = "TH"
layout = ["organization_name", "organization_identifier", "surname", "given_name", "serial_number", "common_name"]

[pointers]
base = "http://pki.example.go.th"

[profile.officer]
validity_days = 30
policies = ["1.3.6.1.4.1.99999.1.2"]
cps = "https://example.go.th/cps"

[profile.short-lived]
validity_hours = 2
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "practice.toml"
    path.write_text(text)
    return path


def loaded(tmp_path: Path, text: str) -> Practice:
    practice = load_practice(written(tmp_path, text))
    check_profiles(practice)
    return practice


def test_without_a_file_all_is_as_it_was_released():
    assert load_practice(None) == Practice()
    check_profiles(replace(Practice(), base="https://example.go.th"))  # tries every profile as it is


def test_a_deployment_sets_names_layout_pointers_validity_and_policies(ground, tmp_path):
    settings = replace(ground.settings, ca_profiles=written(tmp_path, AGENCY_S_OWN))
    trust = TrustServices(replace(ground, settings=settings))
    trust.prepare()
    made = trust.ca.issue("officer", trust.keystore.create(Purpose.OFFICER).public_key, ANAN)
    assert made.not_valid_after_utc - made.not_valid_before_utc == timedelta(days=30)
    assert list(as_asn1(made).subject.native) == [
        "country_name", "organization_name", "surname", "given_name", "serial_number", "common_name",
    ]  # fmt: skip
    policies = made.extensions.get_extension_for_class(x509.CertificatePolicies).value
    assert [(each.policy_identifier.dotted_string, each.policy_qualifiers) for each in policies] == [
        ("1.3.6.1.4.1.99999.1.2", ["https://example.go.th/cps"])
    ]
    (point,) = made.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert point.full_name[0].value == "http://pki.example.go.th/ca/issuing-g1.crl"
    service = as_asn1(trust.services.current(Purpose.TSA).certificate)
    assert service.subject.native["organization_name"].startswith("สำนักงานตัวอย่าง")
    assert service.subject.native["organization_identifier"] == "GOVTH-0000000000000"
    assert service.subject.native["common_name"] == "Example Time-Stamp Authority"
    assert service.subject_alt_name_value[0].chosen.native["organization_name"] == "Example Agency"


def test_what_a_key_may_do_is_not_a_deployment_s_to_say(tmp_path):
    practice = loaded(tmp_path, AGENCY_S_OWN)
    for name, profile in practice.profiles.items():
        assert profile.key_usage == PROFILES[name].key_usage
        assert profile.extended_key_usage == PROFILES[name].extended_key_usage
    with pytest.raises(SettingsError, match=r"\[profile.officer\] has no 'key_usage'"):
        loaded(tmp_path, '[profile.officer]\nkey_usage = ["key_cert_sign"]')


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[profile.short-lived]\nvalidity_days = 2", "EN 319 411-1 section 6.2.4"),
        ("[profile.ocsp]\nvalidity_days = 365", "RFC 6960 section 4.2.2.2.1"),
        ('[subject]\nlayout = ["common_name"]', "EN 319 412"),
        ('[profile.officer]\npolicies = ["2.5.29.32.0"]', "RFC 5280 section 4.2.1.4"),
    ],
)
def test_a_profile_that_breaks_a_rule_is_refused_at_the_start(ground, tmp_path, text, why):
    settings = replace(ground.settings, ca_profiles=written(tmp_path, text))
    with pytest.raises(SettingsError, match=why) as refused:
        CertificateAuthority(replace(ground, settings=settings), TrustServices(ground).keystore)
    assert "PRAJAK_CA_PROFILES" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x = 1", "no 'x'"),
        ("[profile.wizard]\nvalidity_days = 1", "no 'wizard'"),
        ("[profile]\nofficer = 1", "must be a table"),
        ("[profile.officer]\nvalidity_days = 0", "whole number"),
        ("[profile.officer]\nvalidity_days = true", "whole number"),
        ("[profile.officer]\nvalidity_days = 1\nvalidity_hours = 1", "say one"),
        ('[profile.officer]\npolicies = ["x"]', "object identifiers"),
        ("[profile.officer]\npolicies = []", "object identifiers"),
        ('[profile.officer]\ncps = "ftp://x"', "http"),
        ('[subject]\ncountry = "Thailand"', "two capital letters"),
        ('[subject]\nlayout = ["favourite_colour"]', "favourite_colour"),
        ('[subject]\nlayout = ["common_name", "common_name"]', "none twice"),
        ("[organisation]\nname_th = 1", "must be text"),
        (f'[organisation]\nname_th = "{"ก" * 65}"', "longer than 64"),
        ('[pointers]\nbase = "ldap://x"', "http"),
        ("][", "no TOML"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path, text, why):
    with pytest.raises(SettingsError, match=why):
        loaded(tmp_path, text)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read"):
        load_practice(tmp_path / "missing.toml")
