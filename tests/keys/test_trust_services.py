"""The room as a whole: made once, by however many workers start at once, and renewed by a job."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import ocsp
from sqlalchemy import func, select

from keys.certificate import ROOT
from keys.certificate_rows import RevocationReason, was_compromised
from keys.errors import CertificateError, KeystoreError, NoAuthority
from keys.key_states import State
from keys.keystore import Keystore
from keys.models import Certificate, Key, RevocationList
from keys.purposes import RULES, Purpose
from keys.service_certificates import LOOK_AGAIN
from keys.trust_services import TrustServices
from keys.two_person import Act
from tests.keys.conftest import ANAN
from tests.keys.test_endings import agree

REPOSITORY = Path(__file__).parents[2]
AT_THE_START = [(p, name) for p, rules in RULES.items() if not rules.many for name in rules.at_the_start]
AUTHORITIES = ("root-g1", "issuing-g1")  # the sandbox's, with a key each


def count(ground, table, *where):
    with ground.database.read() as connection:
        return connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one()


@pytest.mark.both_backends
def test_processes_that_start_at_once_make_one_root_and_one_key_each(ground, tmp_path):
    arguments = [sys.executable, "-m", "tests.keys.starting_worker", ground.settings.database_url, str(tmp_path)]
    workers = [
        subprocess.Popen(arguments, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for worker in workers:
        assert worker.stdout.readline() == "waiting\n"
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    found = [json.loads(worker.communicate(timeout=180)[0]) for worker in workers]
    assert found[0] == found[1] == found[2]
    assert count(ground, Key) == count(ground, Key, Key.slot.is_not(None)) == len(AT_THE_START) + len(AUTHORITIES)
    assert count(ground, Certificate) == 4
    assert count(ground, RevocationList) == 2
    files = {path.stem for path in (tmp_path / "keys").iterdir()} - {"custody", "passphrase"}
    assert files == set(found[0]["keys"].values())  # whoever came second has taken its keys away again


@pytest.mark.both_backends
def test_workers_that_rotate_at_once_make_one_successor(ground):
    Keystore(ground).ensure(Purpose.ID_TOKEN)
    workers = [Keystore(ground) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        rotated = list(pool.map(lambda worker: worker.rotate(Purpose.ID_TOKEN, at_once=True).kid, workers))
    assert count(ground, Key, Key.slot == Purpose.ID_TOKEN) == 1
    assert count(ground, Key, Key.state == "active") == 1
    active = Keystore(ground).active(Purpose.ID_TOKEN).kid
    assert active in rotated
    with ground.database.read() as connection:
        states = connection.execute(select(Key.state).order_by(Key.state)).scalars().all()
    assert set(states) <= {"active", "deactivated", "pre-activation"}


@pytest.mark.both_backends
def test_workers_that_first_want_an_algorithm_at_once_make_one_key(ground):
    workers = [Keystore(ground) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        kids = set(pool.map(lambda worker: worker.active(Purpose.USERINFO, "EdDSA").kid, workers))
    assert len(kids) == count(ground, Key) == 1


@pytest.mark.both_backends
def test_workers_that_announce_at_once_announce_one(ground):
    Keystore(ground).ensure(Purpose.ID_TOKEN)
    workers = [Keystore(ground) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        announced = set(pool.map(lambda worker: worker.rotate(Purpose.ID_TOKEN).kid, workers))
    assert len(announced) == 1
    assert count(ground, Key) == 2


@pytest.mark.both_backends
def test_everything_works_on_each_back_end(ground):
    trust = TrustServices(ground)
    trust.prepare()
    signer = trust.keystore.create(Purpose.OFFICER, label="credential")
    certificate = trust.ca.issue("officer", signer.public_key, ANAN)
    trust.ca.revoke(certificate.serial_number)
    answer = ocsp.load_der_ocsp_response(trust.ocsp.response_for(certificate))
    assert answer.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert len(x509.load_der_x509_crl(trust.crl.current("issuing-g1"))) == 1
    assert trust.envelope.open(trust.envelope.seal(b"data", aad="a"), aad="a") == b"data"


def test_a_restart_finds_all_and_makes_nothing(ground, trust):
    before = count(ground, Key), count(ground, Certificate), count(ground, RevocationList)
    TrustServices(ground).prepare()
    assert (count(ground, Key), count(ground, Certificate), count(ground, RevocationList)) == before


def test_a_service_whose_certificate_is_revoked_gets_another_on_every_worker(ground, trust, clock):
    other = TrustServices(ground)
    before = [each.services.current(Purpose.TSA).certificate for each in (trust, other)]
    trust.ca.revoke(before[0].serial_number, RevocationReason.SUPERSEDED)
    clock.advance(LOOK_AGAIN)
    after = [each.services.current(Purpose.TSA).certificate for each in (other, trust)]
    assert after[0] == after[1] not in before
    assert trust.ca.revoked(after[0].serial_number) is None


def test_a_key_that_others_may_have_is_not_certified_again(ground, trust, clock):
    service = trust.services.current(Purpose.TSA)
    trust.ca.revoke(service.certificate.serial_number, RevocationReason.KEY_COMPROMISE)
    clock.advance(LOOK_AGAIN)
    with pytest.raises(CertificateError, match="prajak key compromise"):
        trust.services.current(Purpose.TSA)
    trust.compromise(service.signer.kid, actor="command", reason="seen in a log")
    assert trust.services.current(Purpose.TSA).signer.kid != service.signer.kid


def test_the_job_renews_what_is_about_to_end(ground, trust, clock):
    first = trust.services.current(Purpose.OCSP).certificate, trust.crl.current(ROOT)
    clock.advance(timedelta(days=21))
    trust.maintain()
    assert trust.services.current(Purpose.OCSP).certificate != first[0]
    assert trust.crl.current(ROOT) != first[1]


def test_the_evidence_for_a_chain_covers_it_up_to_the_root(trust, officer):
    evidence = trust.evidence(
        [officer.certificate, trust.services.current(Purpose.TSA).certificate, trust.ca.issuing, trust.ca.root]
    )
    answers = [ocsp.load_der_ocsp_response(each) for each in evidence.ocsp_responses]
    assert [answer.serial_number for answer in answers] == [
        officer.certificate.serial_number,
        trust.services.current(Purpose.TSA).certificate.serial_number,
    ]
    (crl,) = (x509.load_der_x509_crl(each) for each in evidence.crls)
    assert crl.issuer == trust.ca.root.subject


def test_a_compromised_services_key_is_replaced_and_its_certificates_revoked(trust, clock):
    old = trust.services.current(Purpose.TSA)
    trust.compromise(old.signer.kid, actor="administrator", reason="a stolen disk")
    assert trust.ca.revoked(old.certificate.serial_number).reason is RevocationReason.KEY_COMPROMISE
    new = trust.services.current(Purpose.TSA)
    assert new.signer.kid != old.signer.kid
    assert trust.ca.revoked(new.certificate.serial_number) is None


def test_a_compromised_officers_key_signs_no_more(trust, officer):
    trust.compromise(officer.signer.kid, actor="administrator", reason="a lost device")
    assert trust.ca.revoked(officer.certificate.serial_number)
    with pytest.raises(KeystoreError, match="is compromised and signs no more"):
        trust.keystore.load(officer.signer.kid)


def test_a_compromised_authority_is_revoked_as_one_and_its_key_is_certified_never_again(ground, trust):
    """RFC 5280 section 5.3.1: cACompromise is an authority's, keyCompromise everybody else's."""
    issuing = trust.ca.issuing
    kid = trust.ca.authorities.current().kid
    agree(trust.keystore, Act.COMPROMISE_KEY, kid)
    trust.compromise(kid, actor="anong", reason="a stolen token")
    assert trust.ca.revoked(issuing.serial_number).reason is RevocationReason.CA_COMPROMISE
    with ground.database.read() as connection:
        assert was_compromised(connection, kid)
    with pytest.raises(NoAuthority):
        trust.ca.authorities.current()


def test_a_compromised_root_key_ends_though_nobody_revokes_a_root(trust):
    kid = trust.ca.authorities.named(ROOT).kid
    agree(trust.keystore, Act.COMPROMISE_KEY, kid)
    trust.compromise(kid, actor="anong", reason="a stolen token")
    assert trust.keystore.record(kid).state is State.COMPROMISED
