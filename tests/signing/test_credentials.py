"""Signing credentials: issued with a pinned passkey, found by the provider's word for the officer, revoked for good."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.x509.oid import NameOID

from keys.subject import subject_names
from signing.credentials import SealIdentity, count_assertion
from signing.refusals import NoCredential
from tests.authenticator import SoftwareAuthenticator
from tests.signing.conftest import identity, passkey_of


def test_the_certificate_names_the_officer_in_thai_and_in_english(services, credential):
    thai, english = subject_names(services.credentials.certificate(credential))
    assert thai["common_name"] == "อนันต์ ทดสอบ"
    assert thai["title"] == "ผู้อำนวยการกองทดสอบ"
    assert english["organization_name"] == "Department of Examples"


def test_the_certificate_says_nothing_of_the_providers_word_for_the_officer(services, credential):
    certificate = services.credentials.certificate(credential)
    (serial,) = certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    assert credential.sub not in serial.value


def test_a_credential_keeps_the_passkey_it_was_issued_with(services, double, credential):
    """What an officer registers at the provider later changes nothing here."""
    assert services.credentials.load(credential.id).passkey == passkey_of(double.authenticator)


def test_the_newest_active_credential_signs(services, double, credential, clock):
    clock.advance(timedelta(seconds=1))
    newer = services.credentials.issue(identity(double.sub), passkey_of(SoftwareAuthenticator()))
    assert services.credentials.active_for(double.sub) == newer
    services.credentials.revoke(newer.id)
    assert services.credentials.active_for(double.sub) == credential
    assert services.credentials.active_for("somebody else") is None


def test_a_revoked_credential_has_a_revoked_certificate(services, credential):
    services.credentials.revoke(credential.id, actor="administrator")
    assert services.credentials.load(credential.id).status == "revoked"
    assert services.trust_services.ca.revoked(int(credential.certificate_serial, 16)) is not None
    services.credentials.revoke(credential.id)  # again: nothing happens


def test_a_seal_belongs_to_an_agency_and_to_no_officer(services):
    seal = services.credentials.issue_seal(
        SealIdentity(
            agency_th="กรมตัวอย่าง",
            agency_en="Department of Examples",
            organization_identifier="GOVTH-0000000000000",
        )
    )
    assert (seal.kind, seal.sub, seal.passkey.credential_id) == ("seal", "", b"")
    assert services.credentials.active_for("") is None


def test_an_unknown_credential_is_no_credential(services):
    with pytest.raises(NoCredential):
        services.credentials.load("nothing")


@pytest.mark.both_backends
def test_the_signature_counter_only_moves_forward(services, credential, ground):
    """WebAuthn Level 3 section 7.2 step 22."""
    moved = []
    for count in (0, 0, 5, 5, 4, 0, 6):
        with ground.database.write() as connection:
            moved.append(count_assertion(connection, credential.id, count))
    assert moved == [True, True, True, False, False, False, True]
