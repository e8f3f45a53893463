"""pyHanko's certvalidator as a relying party: it goes where our certificates point to, over HTTP, and fails closed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from asn1crypto.x509 import Certificate as Asn1Certificate
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import RevokedError
from pyhanko_certvalidator.fetchers.requests_fetchers import RequestsFetcherBackend

from keys.certificate_rows import RevocationReason
from keys.purposes import Purpose
from tests.conftest import NOW
from tests.keys.conftest import ANAN
from tests.keys.outside_authority import OutsideAuthority, outside_authority
from tests.own_loop import in_a_thread


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Iterator[OutsideAuthority]:
    """The trust services on an address of their own, which their certificates name."""
    with outside_authority(tmp_path_factory.mktemp("authority")) as made:
        yield made


def encoded(certificate: x509.Certificate) -> Asn1Certificate:
    return Asn1Certificate.load(certificate.public_bytes(Encoding.DER))


def validated(authority: OutsideAuthority, certificate: x509.Certificate, usage: str) -> None:
    """The issuing authority's certificate is fetched as well. Every certificate below the root needs a status."""

    async def validate() -> None:
        async with RequestsFetcherBackend(per_request_timeout=10) as fetchers:
            context = ValidationContext(
                trust_roots=[encoded(authority.trust.ca.root)],
                allow_fetching=True,
                fetchers=fetchers,
                revocation_mode="require",
                moment=NOW,
            )
            validator = CertificateValidator(encoded(certificate), validation_context=context)
            await validator.async_validate_usage({usage})

    authority.asked.clear()
    in_a_thread(lambda: asyncio.run(validate()))


def issued(authority: OutsideAuthority) -> x509.Certificate:
    return authority.trust.ca.issue("officer", authority.trust.keystore.create(Purpose.OFFICER).public_key, ANAN)


def test_an_officer_and_the_time_stamp_authority_are_found_good(authority):
    validated(authority, issued(authority), "non_repudiation")
    assert {"/ca/issuing-g1.crt", "/ca/root-g1.crl"} <= set(authority.asked)
    assert "/ocsp" in authority.asked
    validated(authority, authority.trust.services.current(Purpose.TSA).certificate, "digital_signature")


def test_a_revoked_officer_is_found_revoked_with_the_reason(authority):
    revoked = issued(authority)
    authority.trust.ca.revoke(revoked.serial_number, RevocationReason.KEY_COMPROMISE)
    with pytest.raises(RevokedError) as raised:
        validated(authority, revoked, "non_repudiation")
    assert raised.value.reason.native == "key_compromise"
