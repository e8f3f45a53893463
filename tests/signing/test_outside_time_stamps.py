"""A document that an outside authority stamps: PAdES up to B-LTA, with that authority's own status in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from core.clock import SetClock
from core.ground import Ground
from keys.purposes import Purpose
from keys.trust_services import TrustServices
from signing.errors import LevelNotReached
from signing.own_trust import own_trust_material
from signing.pades import Level, sign
from signing.trust_anchors import TrustAnchors
from signing.validation import SignatureReport, validate
from tests.keys.certomancer_authority import Certomancer, certomancer
from tests.keys.conftest import ANAN, prepared
from tests.keys.outside_authority import OutsideAuthority, outside_authority

__all__ = ["prepared"]  # a fixture of the trust services' tests


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OutsideAuthority]:
    with outside_authority(tmp_path_factory.mktemp("outside")) as authority:
        yield authority


@pytest.fixture
def ours(ground: Ground, outside: OutsideAuthority, prepared: Path, tmp_path: Path) -> TrustServices:
    """Our own authorities, whose signatures the outside one stamps."""
    shutil.copytree(prepared / "keys", tmp_path / "keys")
    shutil.copyfile(prepared / "test.db", tmp_path / "test.db")
    return asking(ground, outside.trust.ca.root, outside.tsa(), tmp_path)


def asking(ground: Ground, root: x509.Certificate, url: str, folder: Path) -> TrustServices:
    roots = folder / "roots.pem"
    roots.write_bytes(root.public_bytes(Encoding.PEM))
    settings = replace(ground.settings, tsa_urls=(url,), tsa_trust=roots)
    return TrustServices(Ground(settings, ground.clock, ground.database, ground.ephemeral, ground.outbound))


def signed(trust: TrustServices, letter: bytes, level: Level) -> bytes:
    signer = trust.keystore.create(Purpose.OFFICER)
    certificate = trust.ca.issue("officer", signer.public_key, ANAN)
    material = own_trust_material(trust.ground, trust)
    return sign(
        letter, settings=trust.ground.settings, signer=signer, certificate=certificate, trust=material, level=level
    )


def judged(trust: TrustServices, document: bytes, *, root: x509.Certificate | None = None) -> SignatureReport:
    anchors = TrustAnchors((root or trust.ca.root,))
    settings, at = trust.ground.settings, trust.ground.clock.now()
    (signature,) = validate(document, settings=settings, anchors=anchors, at=at).signatures
    return signature


def test_the_highest_level_is_reached_with_the_outside_authoritys_own_evidence(
    ours: TrustServices, outside: OutsideAuthority, letter: bytes, clock: SetClock
):
    document = signed(ours, letter, Level.B_LTA)
    assert {path for path in outside.asked if not path.startswith("/stamp/")} == {
        "/ocsp",
        "/ca/issuing-g1.crl",
        "/ca/root-g1.crl",
    }
    clock.advance(timedelta(minutes=5))
    signature = judged(ours, document)
    assert (signature.indication, signature.level) == ("TOTAL-PASSED", "PAdES-BASELINE-LTA")
    assert [stamp.indication for stamp in signature.time_stamps] == ["TOTAL-PASSED", "TOTAL-PASSED"]


def test_the_roots_of_time_stamp_authorities_are_believed_of_time_stamps_alone(
    ours: TrustServices, outside: OutsideAuthority, letter: bytes
):
    """Else whoever has a certificate of theirs could sign as an officer."""
    document = signed(outside.trust, letter, Level.B_LT)
    signature = judged(ours, document)
    assert signature.indication == "INDETERMINATE"
    assert judged(ours, document, root=outside.trust.ca.root).indication == "TOTAL-PASSED"


def test_when_the_outside_authority_is_away_nothing_is_signed_at_a_lower_level(
    ours: TrustServices, outside: OutsideAuthority, letter: bytes, tmp_path: Path
):
    away = asking(ours.ground, outside.trust.ca.root, outside.tsa("error"), tmp_path)
    with pytest.raises(LevelNotReached):
        signed(away, letter, Level.B_T)


def test_a_revoked_outside_authority_stamps_nothing_that_lasts(
    ours: TrustServices, outside: OutsideAuthority, letter: bytes
):
    """Its own responder says so, and the evidence is refused before it goes into a document."""
    outside.trust.ca.revoke(outside.trust.services.current(Purpose.TSA).certificate.serial_number)
    try:
        with pytest.raises(LevelNotReached, match="revoked"):
            signed(ours, letter, Level.B_LT)
    finally:
        outside.trust.keystore.rotate(Purpose.TSA, at_once=True)


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Certomancer]:
    with certomancer(tmp_path_factory.mktemp("certomancer")) as authority:
        yield authority


def test_another_makers_authority_stamps_up_to_the_highest_level(
    ours: TrustServices, stranger: Certomancer, letter: bytes, clock: SetClock, tmp_path: Path
):
    """Certomancer: its time-stamps by RSA with the older ESSCertID, its OCSP, its revocation lists."""
    trust = asking(ours.ground, stranger.root, stranger.tsa(), tmp_path)
    document = signed(trust, letter, Level.B_LTA)
    clock.advance(timedelta(minutes=5))
    signature = judged(trust, document)
    assert (signature.indication, signature.level) == ("TOTAL-PASSED", "PAdES-BASELINE-LTA")


def test_another_makers_revoked_authority_stamps_nothing_that_lasts(
    ours: TrustServices, stranger: Certomancer, letter: bytes, tmp_path: Path
):
    trust = asking(ours.ground, stranger.root, stranger.tsa("gone"), tmp_path)
    with pytest.raises(LevelNotReached, match="revoked"):
        signed(trust, letter, Level.B_LT)
