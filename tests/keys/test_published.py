"""Every URL in a certificate of every profile leads somewhere, over real HTTP; and outside judges walk the same way.

RFC 5280 sections 4.2.1.13 and 4.2.2.1, RFC 6960, RFC 9608; pyHanko's certvalidator fetches by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests
from asn1crypto.x509 import Certificate as Asn1Certificate
from certomancer._asn1_types import register_extensions
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID
from pyhanko_certvalidator import CertificateValidator
from pyhanko_certvalidator.context import ValidationContext
from pyhanko_certvalidator.errors import RevokedError
from pyhanko_certvalidator.fetchers.requests_fetchers import RequestsFetcherBackend

from keys.profiles import PROFILES
from keys.purposes import Purpose
from tests.keys.conftest import AGENCY, ANAN
from tests.keys.outside_authority import OutsideAuthority, outside_authority
from tests.own_loop import in_a_thread

SUBJECTS = {"officer": ANAN, "citizen": ANAN, "short-lived": ANAN, "seal": AGENCY, "agency-tls": AGENCY}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OutsideAuthority]:
    """Trust services whose certificates name the very address that answers."""
    with outside_authority(tmp_path_factory.mktemp("published")) as authority:
        yield authority


@pytest.fixture(scope="module")
def issued(running: OutsideAuthority) -> dict[str, x509.Certificate]:
    trust = running.trust
    key = trust.keystore.create(Purpose.OFFICER).public_key
    services = {name: trust.services.current(name).certificate for name in (Purpose.TSA, Purpose.OCSP)}
    made = {name: trust.ca.issue(name, key, subject) for name, subject in SUBJECTS.items()}
    found = {
        "root": trust.ca.root,
        "issuing": trust.ca.issuing,
        "tsa": services[Purpose.TSA],
        "ocsp": services[Purpose.OCSP],
    }
    assert {*found, *made} == set(PROFILES)
    return {**found, **made}


def pointers(certificate: x509.Certificate) -> Iterator[tuple[str, str]]:
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.AuthorityInformationAccess):
            for each in extension.value:
                kind = "ocsp" if each.access_method == AuthorityInformationAccessOID.OCSP else "issuer"
                yield kind, each.access_location.value
        if isinstance(extension.value, x509.CRLDistributionPoints):
            for point in extension.value:
                yield "list", point.full_name[0].value


@pytest.mark.parametrize("profile", PROFILES)
def test_every_pointer_of_every_profile_leads_where_it_says(running, issued, profile):
    certificate = issued[profile]
    issuer = running.trust.ca.authorities.issuer_of(certificate).certificate
    followed = set()
    for kind, url in pointers(certificate):
        followed.add(kind)
        if kind == "issuer":
            assert x509.load_der_x509_certificate(requests.get(url, timeout=5).content) == issuer
        elif kind == "list":
            crl = x509.load_der_x509_crl(requests.get(url, timeout=5).content)
            assert crl.is_signature_valid(issuer.public_key())
        else:
            asked = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, SHA256()).build()
            answer = requests.post(
                url, asked.public_bytes(Encoding.DER), headers={"Content-Type": "application/ocsp-request"}, timeout=5
            )
            response = ocsp.load_der_ocsp_response(answer.content)
            assert response.certificate_status is ocsp.OCSPCertStatus.GOOD
    words = {"ca_issuers": "issuer", "crl": "list", "ocsp": "ocsp"}
    assert followed == {words[each] for each in PROFILES[profile].pointers}


def validate(
    running: OutsideAuthority,
    certificate: x509.Certificate,
    usage: set[str],
    extended: frozenset[str] = frozenset(),
    mode: str = "require",
):
    """An outsider with the root alone: fetches the issuer, its status and its lists by what the certificate says."""

    async def judge():
        context = ValidationContext(
            trust_roots=[Asn1Certificate.load(running.trust.ca.root.public_bytes(Encoding.DER))],
            other_certs=[Asn1Certificate.load(running.trust.ca.issuing.public_bytes(Encoding.DER))],
            moment=running.trust.ground.clock.now(),
            allow_fetching=True,
            fetcher_backend=RequestsFetcherBackend(),
            revocation_mode=mode,
        )
        leaf = Asn1Certificate.load(certificate.public_bytes(Encoding.DER))
        return await CertificateValidator(leaf, validation_context=context).async_validate_usage(usage, extended)

    return in_a_thread(lambda: asyncio.run(judge()))


@pytest.mark.parametrize(
    ("profile", "usage", "extended"),
    [
        ("officer", {"non_repudiation"}, frozenset()),
        ("citizen", {"non_repudiation"}, frozenset()),
        ("seal", {"non_repudiation"}, frozenset()),
        ("agency-tls", {"digital_signature"}, frozenset({"client_auth"})),
    ],
)
def test_certvalidator_with_the_root_alone_finds_all_it_requires(running, issued, profile, usage, extended):
    assert len(list(validate(running, issued[profile], usage, extended))) == 3


def test_certvalidator_asks_nothing_of_a_certificate_that_cannot_be_revoked(running, issued):
    """RFC 9608; in the mode in which whatever points to a status must have one. Its authority is still asked about."""
    running.asked.clear()
    assert validate(running, issued["short-lived"], {"non_repudiation"}, mode="hard-fail")
    assert not any(path.startswith("/ocsp") for path in running.asked)


def test_certvalidator_hears_of_a_revocation(running):
    key = running.trust.keystore.create(Purpose.OFFICER).public_key
    revoked = running.trust.ca.issue("officer", key, replace(ANAN, serial="OFFICER-9"))
    running.trust.ca.revoke(revoked.serial_number)
    with pytest.raises(RevokedError):
        validate(running, revoked, {"non_repudiation"})


def test_certomancer_reads_every_profile(issued):
    """Another party's ASN.1 of the same extensions."""
    register_extensions()
    for profile, certificate in issued.items():
        parsed = Asn1Certificate.load(certificate.public_bytes(Encoding.DER), strict=True)
        names = {each["extn_id"].native for each in parsed["tbs_certificate"]["extensions"]}
        assert ("no_rev_avail" in names) == PROFILES[profile].short_term
