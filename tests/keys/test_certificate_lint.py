"""The linter over certificates that were made wrong on purpose: each refusal names its rule and section."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from asn1crypto import x509 as asn1
from asn1crypto.core import Null, ParsableOctetString
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from core.clock import SetClock
from core.database import open_database
from core.ephemeral import open_ephemeral
from core.ground import Ground
from core.outbound import Outbound
from keys.certificate_lint import LintError, lint
from keys.issuance import as_asn1
from keys.lint_rules import RULES
from keys.models import Certificate
from keys.profiles import PROFILES
from keys.purposes import Purpose
from keys.to_be_signed import VALIDITY_ASSURED_SHORT_TERM
from keys.trust_services import TrustServices
from tests.backends import settings_for
from tests.conftest import NOW
from tests.keys.conftest import AGENCY, ANAN

Change = Callable[[Any], None]


@pytest.fixture(scope="module")
def issued(prepared, tmp_path_factory):
    """One certificate of each profile, with its issuer."""
    folder = tmp_path_factory.mktemp("issued")
    shutil.copytree(prepared, folder, dirs_exist_ok=True)
    own = replace(settings_for(f"sqlite:///{folder}/test.db"), keys_url=f"file:{folder}/keys")
    database, outbound, clock = open_database(own), Outbound(own), SetClock(NOW)
    yield one_of_each(TrustServices(Ground(own, clock, database, open_ephemeral(own, database, clock), outbound)))
    outbound.close()
    database.close()


def one_of_each(trust: TrustServices) -> dict[str, tuple[asn1.Certificate, asn1.Certificate | None]]:
    issuer = as_asn1(trust.ca.issuing)
    found = {
        "root": (as_asn1(trust.ca.root), None),
        "issuing": (issuer, as_asn1(trust.ca.root)),
        "tsa": (as_asn1(trust.services.current(Purpose.TSA).certificate), issuer),
        "ocsp": (as_asn1(trust.services.current(Purpose.OCSP).certificate), issuer),
    }
    key = trust.keystore.create(Purpose.OFFICER).public_key
    for name, subject in (
        ("officer", ANAN),
        ("citizen", ANAN),
        ("short-lived", ANAN),
        ("seal", AGENCY),
        ("agency-tls", AGENCY),
    ):
        found[name] = (as_asn1(trust.ca.issue(name, key, subject)), issuer)
    assert set(found) == set(PROFILES)
    return found


def findings(issued, profile: str, change: Change) -> set[str]:
    certificate, issuer = issued[profile]
    changed = asn1.Certificate.load(certificate.dump())
    change(changed["tbs_certificate"])
    return {finding.section for finding in lint(changed.dump(force=True), PROFILES[profile], issuer)}


def extension(tbs: Any, name: str) -> Any:
    return next(each for each in tbs["extensions"] if each["extn_id"].native == name)


def without(name: str) -> Change:
    def change(tbs: Any) -> None:
        tbs["extensions"] = [each for each in tbs["extensions"] if each["extn_id"].native != name]

    return change


def adding(**fields: Any) -> Change:
    def change(tbs: Any) -> None:
        tbs["extensions"] = [*tbs["extensions"], asn1.Extension(fields)]

    return change


def setting(name: str, value: Any) -> Change:
    def change(tbs: Any) -> None:
        extension(tbs, name)["extn_value"] = value

    return change


def critical(name: str, value: bool) -> Change:
    def change(tbs: Any) -> None:
        extension(tbs, name)["critical"] = value

    return change


def member(name: str, value: Any) -> Change:
    def change(tbs: Any) -> None:
        tbs[name] = value

    return change


def named(**attributes: str) -> Change:
    return member("subject", asn1.Name.build(attributes))


def lasting(length: timedelta) -> Change:
    def change(tbs: Any) -> None:
        begins = tbs["validity"]["not_before"].native
        tbs["validity"]["not_after"] = asn1.Time(name="utc_time", value=begins + length)

    return change


def late(tbs: Any) -> None:
    begins = tbs["validity"]["not_before"].native
    tbs["validity"]["not_after"] = asn1.Time(name="general_time", value=begins + timedelta(days=300))


def twice(tbs: Any) -> None:
    tbs["extensions"] = [*tbs["extensions"], extension(tbs, "key_identifier")]


def weak_key(tbs: Any) -> None:
    key = rsa.generate_private_key(65537, 1024).public_key()  # noqa: S505 - what is refused
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    tbs["subject_public_key_info"] = asn1.PublicKeyInfo.load(der)


def elsewhere(tbs: Any) -> None:
    extension(tbs, "authority_information_access")["extn_value"] = asn1.AuthorityInfoAccessSyntax(
        [{"access_method": method, "access_location": asn1.GeneralName("uniform_resource_identifier", "ldap://x/y")}
         for method in ("ca_issuers", "ocsp")]
    )  # fmt: skip


ANY_POLICY = asn1.CertificatePolicies([{"policy_identifier": "2.5.29.32.0"}])
NULL = ParsableOctetString(Null().dump())
WRONG: list[tuple[str, Change, str]] = [
    ("officer", member("serial_number", 5), "RFC 5280 section 4.1.2.2"),
    ("officer", member("serial_number", -(2**100)), "RFC 5280 section 4.1.2.2"),
    ("officer", member("serial_number", 2**170), "RFC 5280 section 4.1.2.2"),
    ("officer", member("version", "v1"), "RFC 5280 section 4.1.2.1"),
    ("officer", member("signature", {"algorithm": "sha1_rsa"}), "RFC 5280 section 4.1.1.2"),
    ("officer", member("issuer", asn1.Name.build({"common_name": "x"})), "RFC 5280 section 4.1.2.4"),
    ("officer", late, "RFC 5280 section 4.1.2.5"),
    ("officer", lasting(-timedelta(days=1)), "RFC 5280 section 4.1.2.5"),
    ("officer", lasting(timedelta(days=366)), "RFC 5280 section 4.1.2.5"),
    ("officer", lasting(timedelta(days=365 * 11)), "RFC 5280 section 6.1"),
    ("officer", member("subject", asn1.Name.build({})), "RFC 5280 section 4.1.2.6"),
    ("officer", named(country_name="TH", common_name="x" * 65), "RFC 5280 appendix A.1"),
    ("officer", named(country_name="th", common_name="x"), "X.520 section 6.3.1"),
    ("officer", named(common_name="x"), "X.520 section 6.3.1"),
    ("officer", weak_key, "SP 800-57 part 1 table 2"),
    ("officer", twice, "RFC 5280 section 4.2"),
    ("officer", without("authority_key_identifier"), "RFC 5280 section 4.2.1.1"),
    ("officer", setting("key_identifier", b"x" * 20), "RFC 5280 section 4.2.1.2"),
    ("officer", without("key_usage"), "RFC 5280 section 4.2.1.3"),
    ("officer", critical("key_usage", False), "RFC 5280 section 4.2.1.3"),
    ("officer", critical("certificate_policies", True), "RFC 5280 section 4.2.1"),
    ("officer", setting("key_usage", {"non_repudiation", "key_cert_sign"}), "RFC 5280 section 4.2.1.3"),
    ("officer", setting("key_usage", {"non_repudiation", "digital_signature"}), "EN 319 412-2 section 4.3.2"),
    ("officer", setting("certificate_policies", ANY_POLICY), "RFC 5280 section 4.2.1.4"),
    ("officer", without("certificate_policies"), "EN 319 412-2 section 4.3.3"),
    ("officer", setting("basic_constraints", {"ca": True}), "RFC 5280 section 4.2.1.9"),
    ("officer", without("basic_constraints"), "RFC 5280 section 4.2.1.3"),
    ("officer", setting("extended_key_usage", ["any_extended_key_usage"]), "RFC 5280 section 4.2.1.12"),
    ("officer", without("crl_distribution_points"), "RFC 5280 section 4.2.1.13"),
    ("officer", elsewhere, "RFC 5280 section 4.2.2.1"),
    ("officer", adding(extn_id="ocsp_no_check", critical=False, extn_value=Null()), "RFC 6960 section 4.2.2.2.1"),
    ("officer", adding(extn_id=VALIDITY_ASSURED_SHORT_TERM, critical=False, extn_value=NULL), "EN 319 412-1 section 5.2"),
    ("officer", named(country_name="TH", common_name="x", serial_number="1"), "EN 319 412-2 section 4.2.4"),
    ("officer", named(country_name="TH", common_name="x", surname="y"), "EN 319 412-2 section 4.2.4"),
    ("seal", named(country_name="TH", common_name="x", organization_name="y"), "EN 319 412-3 section 4.2.1"),
    ("seal", named(country_name="TH", common_name="x", organization_name="y", organization_identifier="123"),
     "EN 319 412-1 section 5.1.4"),
    ("issuing", setting("basic_constraints", {"ca": True, "path_len_constraint": 3}), "RFC 5280 section 4.2.1.9"),
    ("issuing", setting("basic_constraints", {"ca": False}), "RFC 5280 section 4.2.1.9"),
    ("issuing", setting("key_usage", {"key_cert_sign", "crl_sign", "digital_signature"}), "RFC 5280 section 4.2.1.3"),
    ("issuing", named(country_name="TH", common_name="x"), "EN 319 412-2 section 4.2.3"),
    ("tsa", critical("extended_key_usage", False), "RFC 3161 section 2.3"),
    ("tsa", setting("extended_key_usage", ["time_stamping", "ocsp_signing"]), "RFC 3161 section 2.3"),
    ("tsa", without("private_key_usage_period"), "EN 319 422 section 6.2"),
    ("ocsp", without("ocsp_no_check"), "RFC 6960 section 4.2.2.2.1"),
    ("ocsp", setting("extended_key_usage", ["ocsp_signing", "client_auth"]), "RFC 6960 section 4.2.2.2"),
    ("ocsp", lasting(timedelta(days=91)), "RFC 6960 section 4.2.2.2.1"),
    ("agency-tls", setting("extended_key_usage", ["client_auth", "server_auth"]), "RFC 8705 section 2.1"),
    ("short-lived", without(VALIDITY_ASSURED_SHORT_TERM), "EN 319 412-1 section 5.2"),
    ("short-lived", lasting(timedelta(hours=25)), "EN 319 411-1 section 6.2.4"),
    ("short-lived", without("authority_information_access"), "EN 319 412-2 section 4.4.1"),
]  # fmt: skip


def test_what_we_issue_breaks_no_rule(issued):
    for profile, (certificate, issuer) in issued.items():
        assert not list(lint(certificate.dump(), PROFILES[profile], issuer)), profile


@pytest.mark.parametrize(
    ("profile", "change", "section"), WRONG, ids=[f"{p}-{s}-{n}" for n, (p, _, s) in enumerate(WRONG)]
)
def test_what_is_wrong_is_named_by_its_section(issued, profile, change, section):
    assert section in findings(issued, profile, change)


def test_every_rule_has_a_certificate_that_breaks_it(issued):
    """A rule that cannot fail is no rule."""
    broken = {section for profile, change, _ in WRONG for section in findings(issued, profile, change)}
    beyond = {"X.501 section 9.3", "RFC 5280 section 4.1.2.8", "RFC 5280 section 4.2.1.6", "RFC 9608 section 4"}
    assert {rule.section for rule in RULES} == broken | beyond


def test_a_short_lived_certificate_that_points_to_a_list_is_refused(issued):
    listed = extension(issued["officer"][0]["tbs_certificate"], "crl_distribution_points")
    found = findings(issued, "short-lived", lambda tbs: tbs.__setitem__("extensions", [*tbs["extensions"], listed]))
    assert "RFC 9608 section 4" in found


def test_an_empty_other_name_and_unique_identifiers_and_names_twice_are_refused(issued):
    double = asn1.Name(name="", value=asn1.RDNSequence(list(issued["officer"][0].subject.chosen) * 2))
    assert "X.501 section 9.3" in findings(issued, "officer", member("subject", double))
    assert "RFC 5280 section 4.2.1.6" in findings(issued, "officer", setting("subject_alt_name", []))
    assert "RFC 5280 section 4.1.2.8" in findings(issued, "officer", member("subject_unique_id", b"\x01"))


def test_an_issuer_that_another_authority_named_may_be_named_as_that_one_likes(issued):
    """Two departments in a name, as a national root may give them, and a long one: the rules are for our names."""
    certificate, issuer = issued["officer"]
    units = [asn1.Name.build({"organizational_unit_name": "x" * 65}).chosen[0]] * 2
    elsewhere = asn1.Name(name="", value=asn1.RDNSequence([*issuer.subject.chosen, *units]))
    renamed = asn1.Certificate.load(issuer.dump())
    renamed["tbs_certificate"]["subject"] = elsewhere
    changed = asn1.Certificate.load(certificate.dump())
    changed["tbs_certificate"]["issuer"] = elsewhere
    above = asn1.Certificate.load(renamed.dump(force=True))
    assert not list(lint(changed.dump(force=True), PROFILES["officer"], above))


def test_nothing_is_signed_that_a_rule_refuses(trust, ground):
    key = trust.keystore.create(Purpose.SEAL).public_key
    before = count(ground)
    with pytest.raises(LintError, match="EN 319 412-3 section 4.2.1"):
        trust.ca.issue("seal", key, replace(AGENCY, organization_identifier=""))
    assert count(ground) == before


def count(ground) -> int:
    with ground.database.read() as connection:
        return connection.execute(select(func.count()).select_from(Certificate)).scalar_one()


@settings(max_examples=150, deadline=None)
@given(content=st.binary(max_size=200))
def test_what_is_no_certificate_is_a_finding_and_never_a_crash(content):
    assert list(lint(content, PROFILES["officer"], None))


def test_a_changed_byte_is_a_finding_or_still_reads(issued):
    """The linter meets its own library's surprises with a refusal."""
    certificate, issuer = issued["officer"]
    encoded = certificate["tbs_certificate"].dump()
    whole = certificate.dump()
    start = whole.index(encoded)
    for at in range(start, start + len(encoded), 7):
        changed = bytearray(whole)
        changed[at] ^= 0x20
        assert isinstance(list(lint(bytes(changed), PROFILES["officer"], issuer)), list)
