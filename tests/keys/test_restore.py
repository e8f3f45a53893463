"""A restored database gives no number away twice: certificates, time-stamps and revocation lists (RFC 5280 sections
4.1.2.2 and 5.2.3, RFC 3161 section 2.4.2), whatever happened after the backup was taken.
"""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from asn1crypto import tsp
from cryptography import x509
from cryptography.x509 import ocsp
from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import SetClock
from core.database import open_database
from core.ephemeral import open_ephemeral
from core.ground import Ground
from core.outbound import Outbound
from keys.certificate import ISSUING, ROOT
from keys.certificate_rows import RevocationReason
from keys.errors import CertificateError
from keys.purposes import Purpose
from keys.restored_revocations import Restored, restore_revocations
from keys.trust_services import TrustServices
from tests.backends import settings_for
from tests.backups import back_up, restore
from tests.conftest import NOW
from tests.keys.conftest import ANAN
from tests.keys.test_timestamp_authority import query

MOMENT = timedelta(milliseconds=1)


class World:
    """Everyone outside, who has kept whatever was ever given out."""

    def __init__(self) -> None:
        self.serials: set[int] = set()
        self.lists: dict[str, tuple[int, bytes]] = {}  # the newest list of each authority

    def receives_certificate(self, certificate: x509.Certificate) -> None:
        assert certificate.serial_number not in self.serials
        self.serials.add(certificate.serial_number)

    def receives_time_stamp(self, answer: bytes) -> None:
        token = tsp.TimeStampResp.load(answer)["time_stamp_token"]
        serial = token["content"]["encap_content_info"]["content"].parsed["serial_number"].native
        assert serial not in self.serials
        self.serials.add(serial)

    def receives_list(self, slot: str, encoded: bytes) -> None:
        """A number names one list; a later list has a greater one."""
        number = crl_number(encoded)
        before = self.lists.get(slot)
        assert before is None or encoded == before[1] or number > before[0]
        self.lists[slot] = (number, encoded)


def crl_number(encoded: bytes) -> int:
    crl = x509.load_der_x509_crl(encoded)
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


class Authority:
    """The provider, started anew at each restore as an operator would."""

    def __init__(self, ground: Ground, clock: SetClock, world: World) -> None:
        self.ground, self.clock, self.world = ground, clock, world
        self.trust = TrustServices(ground)
        self.trust.prepare()
        self.issued: list[int] = []

    def issue(self) -> None:
        signer = self.trust.keystore.active(Purpose.ID_TOKEN)
        certificate = self.trust.ca.issue("officer", signer.public_key, ANAN)
        self.issued.append(certificate.serial_number)
        self.world.receives_certificate(certificate)

    def stamp(self) -> None:
        self.world.receives_time_stamp(self.trust.tsa.answer(query()))

    def revoke(self) -> None:
        if self.issued:
            self.trust.ca.revoke(self.issued[-1])

    def publish(self) -> None:
        for slot in (ROOT, ISSUING):
            self.world.receives_list(slot, self.trust.crl.current(slot))

    def later(self) -> None:
        self.clock.advance(timedelta(minutes=61))

    def restored(self, folder: Path) -> Authority:
        """A restore takes its time, and the lists of the backup are an hour old by then."""
        restore(self.ground, folder)
        self.clock.advance(timedelta(hours=1))
        return Authority(self.ground, self.clock, self.world)


ACTS = ("issue", "stamp", "revoke", "publish", "later")


@pytest.mark.both_backends
def test_a_restored_database_gives_no_number_away_twice(ground, trust, clock, tmp_path):
    assert trust
    world = World()
    before = Authority(ground, clock, world)
    before.issue()
    before.publish()
    folder = back_up(ground, tmp_path / "backup")
    for act in (*ACTS, "issue", "revoke", "publish") * 2:
        clock.advance(MOMENT)
        getattr(before, act)()
    lost = before.issued[-1]
    after = before.restored(folder)
    for act in ACTS * 2:
        clock.advance(MOMENT)
        getattr(after, act)()
    assert status_of(after.trust, lost) is ocsp.OCSPCertStatus.UNKNOWN


def status_of(trust, serial):
    from tests.keys.test_ocsp import answered, question

    return answered(trust, question(trust, serial)).certificate_status


@settings(max_examples=8)
@given(
    kept=st.lists(st.sampled_from(ACTS), max_size=6),
    lost=st.lists(st.sampled_from(ACTS), max_size=10),
    then=st.lists(st.sampled_from(ACTS), max_size=6),
)
def test_whatever_was_done_before_and_after_the_backup_no_number_returns(prepared, kept, lost, then):
    with TemporaryDirectory() as name:
        folder, clock = Path(name), SetClock(NOW)
        shutil.copytree(prepared / "keys", folder / "keys")
        shutil.copyfile(prepared / "test.db", folder / "test.db")
        ground = ground_in(folder, clock)
        try:
            authority = Authority(ground, clock, World())
            carry_out(authority, kept)
            copy = back_up(ground, folder / "backup")
            carry_out(authority, lost)
            carry_out(authority.restored(copy), then)
        finally:
            ground.outbound.close()
            ground.database.close()


def carry_out(authority: Authority, acts: list[str]) -> None:
    for act in [*acts, "publish"]:
        authority.clock.advance(MOMENT)
        getattr(authority, act)()


def ground_in(folder: Path, clock: SetClock) -> Ground:
    from dataclasses import replace

    chosen = replace(settings_for(f"sqlite:///{folder}/test.db"), keys_url=f"file:{folder}/keys", data_dir=folder)
    database = open_database(chosen)
    return Ground(chosen, clock, database, open_ephemeral(chosen, database, clock), Outbound(chosen))


def test_lists_made_at_one_moment_have_numbers_of_their_own(trust, officer):
    first = crl_number(trust.crl.current(ISSUING))
    trust.ca.revoke(officer.certificate.serial_number)
    assert crl_number(trust.crl.current(ISSUING)) == first + 1


def test_revocations_that_a_backup_does_not_know_come_back_from_the_last_list(ground, trust, officer, clock, tmp_path):
    """Of a certificate issued and revoked since the backup as well: relying parties go on to hear that it is revoked."""
    copy = back_up(ground, tmp_path / "backup")
    since = trust.ca.issue("officer", officer.signer.public_key, ANAN)
    reason = RevocationReason.KEY_COMPROMISE
    for each in (officer.certificate, since):
        clock.advance(timedelta(seconds=1))
        trust.ca.revoke(each.serial_number, reason)
    published = trust.crl.current(ISSUING)
    restore(ground, copy)
    clock.advance(MOMENT)
    after = TrustServices(ground)
    assert status_of(after, officer.certificate.serial_number) is ocsp.OCSPCertStatus.GOOD
    assert restore_revocations(ground, after.ca, published, actor="command") == Restored(revoked=2, lost=1)
    assert restore_revocations(ground, after.ca, published, actor="command") == Restored(revoked=0, lost=0)
    for each in (officer.certificate, since):
        assert status_of(after, each.serial_number) is ocsp.OCSPCertStatus.REVOKED
    again = x509.load_der_x509_crl(after.crl.current(ISSUING))
    assert [(each.serial_number, each.revocation_date_utc) for each in again] == [
        (each.serial_number, each.revocation_date_utc) for each in x509.load_der_x509_crl(published)
    ]
    assert crl_number(after.crl.current(ISSUING)) > crl_number(published)
    with pytest.raises(CertificateError, match="no certificate has the serial"):
        after.ca.load(since.serial_number)


@pytest.mark.parametrize("spoil", [lambda crl: crl[:-1] + bytes([crl[-1] ^ 1]), lambda _: b"no list", lambda _: b""])
def test_a_list_that_is_not_ours_revokes_nothing(ground, trust, officer, spoil):
    trust.ca.revoke(officer.certificate.serial_number)
    with pytest.raises(CertificateError):
        restore_revocations(ground, trust.ca, spoil(trust.crl.current(ISSUING)), actor="command")
