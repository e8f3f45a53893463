"""An offline root from its ceremony to an issuing authority that certifies here. Judged by openssl."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto.x509 import Certificate as Asn1Certificate
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from core.ground import Ground
from keys import der, two_person
from keys.algorithms import ALGORITHMS
from keys.authority_import import AuthorityImport, Examined
from keys.ceremony import KEY, hold, open_root, passphrase_of, read_ledger, sign_issuing, sign_list
from keys.certificate_request import pem_of, signed_request
from keys.certificate_rows import RevocationReason
from keys.errors import CertificateError, KeystoreError, NoAuthority, NotAgreed
from keys.practice import Practice
from keys.profiles import PROFILES
from keys.purposes import Purpose
from keys.shares import combine
from keys.software_signer import SoftwareSigner
from keys.subject import Subject, names_of
from keys.trust_services import TrustServices
from tests.conftest import NOW
from tests.keys.conftest import ANAN

ROOT_NAME = Subject(
    name_th="ผู้ออกใบรับรองรากของกรมตัวอย่าง - G1",
    name_en="Example Root CA - G1",
    organisation_th="กรมตัวอย่าง",
    organisation_en="Department of Examples",
    organization_identifier="GOVTH-0000000000000",
)
BASE = "https://id.example.go.th"


@dataclass(frozen=True)
class Offline:
    """The machine in the safe: its folder, and the shares in five hands."""

    folder: Path
    shares: list[str]

    def opened(self):
        return open_root(self.folder, self.shares[1:4])

    @property
    def certificate(self) -> bytes:
        return (self.folder / "root-g1.crt").read_bytes()

    @property
    def list(self) -> bytes:
        return (self.folder / "root-g1.crl").read_bytes()


@pytest.fixture
def offline(tmp_path) -> Offline:
    folder = tmp_path / "ceremony"
    shares = hold(
        folder, name=ROOT_NAME, authority="root-g1", base=BASE, needed=3, shares=5, practice=Practice(), now=NOW
    )
    return Offline(folder, shares)


@pytest.fixture
def production(ground: Ground, tmp_path) -> TrustServices:
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("a passphrase of more than thirty-two characters")
    settings = replace(
        ground.settings,
        sandbox=False,
        issuer=BASE,
        keys_url=f"file:{tmp_path}/production",
        keys_passphrase_file=passphrase,
    )
    return TrustServices(replace(ground, settings=settings))


@pytest.fixture
def imports(production: TrustServices) -> AuthorityImport:
    return AuthorityImport(production.ground, production.keystore, production.ca)


def certified(offline: Offline, request: bytes) -> bytes:
    made = sign_issuing(offline.opened(), request, practice=Practice(), now=NOW)
    return made.public_bytes(Encoding.PEM)


def agreed(imports: AuthorityImport, examined: Examined) -> None:
    """Asked for by the command, agreed to by two others."""
    approval = imports.ask(examined, by=two_person.COMMAND, reason="the first authority")
    for account in ("first", "second"):
        with imports.ground.database.write() as connection:
            two_person.agree(connection, imports.ground.clock, two_person.load(connection, approval), by=account)


def brought_in(imports: AuthorityImport, offline: Offline):
    request = imports.request()
    examined = imports.examine(offline.certificate, certified(offline, pem_of(request.encoded)), offline.list)
    agreed(imports, examined)
    return imports.bring_in(examined, actor="command")


def test_from_the_ceremony_to_a_certificate_that_openssl_verifies(production, imports, offline, openssl):
    production.prepare()
    with pytest.raises(NoAuthority):
        production.ca.authorities.current()
    authority = brought_in(imports, offline)
    assert (authority.name, authority.online, authority.issuer) == ("issuing-g1", True, "root-g1")
    assert [(each.name, each.online) for each in production.ca.authorities.all()] == [
        ("root-g1", False),
        ("issuing-g1", True),
    ]
    production.maintain()
    officer = production.ca.issue("officer", production.keystore.create(Purpose.OFFICER).public_key, ANAN)
    crls = openssl.file("crls.pem", offline.list + pem_of(production.crl.current("issuing-g1"), "X509 CRL"))
    leaf, chain = openssl.pem("leaf.pem", officer), openssl.pem("chain.pem", production.ca.issuing)
    root = openssl.file("root.pem", offline.certificate)
    options = ("-x509_strict", "-check_ss_sig", "-crl_check_all", "-CRLfile", crls, *openssl.at)
    assert openssl.run("verify", *options, "-CAfile", root, "-untrusted", chain, leaf).endswith("OK\n")
    assert len(production.evidence([officer]).crls) == 1


def test_the_root_s_key_is_a_file_that_openssl_opens_with_the_shares_secret_alone(offline, openssl):
    key = offline.folder / "root.key.pem"
    assert b"ENCRYPTED" in key.read_bytes()
    assert openssl.asked("pkey", "-in", key, "-passin", "pass:wrong", "-noout").returncode != 0
    assert key.stat().st_mode & 0o777 == 0o600
    everything = b"".join(path.read_bytes() for path in offline.folder.iterdir())
    assert not any(share.encode() in everything for share in offline.shares)


def test_fewer_shares_than_needed_open_nothing(offline):
    with pytest.raises(KeystoreError, match="3 shares are needed, 2 were given"):
        open_root(offline.folder, offline.shares[:2])
    with pytest.raises(KeystoreError, match="3 shares are needed"):
        open_root(offline.folder, [offline.shares[0]] * 3)


def test_shares_of_another_ceremony_open_nothing(offline, tmp_path):
    others = hold(
        tmp_path / "other", name=ROOT_NAME, authority="root-g1", base=BASE, needed=2, shares=3,
        practice=Practice(), now=NOW,
    )  # fmt: skip
    with pytest.raises(KeystoreError, match="another ceremony"):
        open_root(offline.folder, others[:2])
    with pytest.raises(KeystoreError, match="different secrets"):
        open_root(offline.folder, [*offline.shares[:2], others[0]])


def test_a_root_is_never_made_over_another(offline):
    with pytest.raises(CertificateError, match="not empty"):
        hold(
            offline.folder, name=ROOT_NAME, authority="root-g1", base=BASE, needed=3, shares=5,
            practice=Practice(), now=NOW,
        )  # fmt: skip


def test_the_minutes_and_the_ledger_name_every_act(offline, imports):
    made = x509.load_pem_x509_certificate(certified(offline, imports.request().encoded))
    ledger, minutes = read_ledger(offline.folder), (offline.folder / "minutes.txt").read_text()
    assert [int(each["serial"], 16) for each in ledger.issued] == [made.serial_number]
    assert ledger.fingerprint in minutes
    assert ledger.issued[0]["fingerprint"] in minutes
    assert minutes.count("in their own hand") == 3


def test_a_key_is_certified_once(offline, imports):
    request = imports.request().encoded
    certified(offline, request)
    with pytest.raises(CertificateError, match="certified before"):
        certified(offline, request)


def test_the_same_request_is_made_again_until_its_certificate_came(production, imports, offline):
    first = imports.request()
    assert imports.request().name == first.name == "issuing-g1"
    assert len(production.keystore.records([Purpose.CA])) == 1
    brought_in(imports, offline)
    assert imports.request().name == "issuing-g2"


def test_nothing_comes_in_before_two_people_have_agreed_to_just_these_files(imports, offline):
    request = imports.request()
    examined = imports.examine(offline.certificate, certified(offline, request.encoded), offline.list)
    with pytest.raises(NotAgreed):
        imports.bring_in(examined, actor="command")
    agreed(imports, examined)
    sign_list(offline.opened(), now=NOW + timedelta(seconds=1))
    imports.ground.clock.advance(timedelta(seconds=2))
    changed = imports.examine(offline.certificate, examined.issuing.public_bytes(Encoding.DER), offline.list)
    with pytest.raises(NotAgreed):
        imports.bring_in(changed, actor="command")
    assert imports.bring_in(examined, actor="command").name == "issuing-g1"
    with pytest.raises(CertificateError, match="already"):
        imports.examine(offline.certificate, examined.issuing.public_bytes(Encoding.DER), offline.list)


def test_a_second_generation_issues_while_the_first_still_answers(production, imports, offline, clock):
    production.prepare()
    brought_in(imports, offline)
    old = production.ca.issue("officer", production.keystore.create(Purpose.OFFICER).public_key, ANAN)
    clock.advance(timedelta(days=1))
    second = brought_in(imports, offline)
    assert second.name == "issuing-g2"
    new = production.ca.issue("officer", production.keystore.create(Purpose.OFFICER).public_key, ANAN)
    assert production.ca.authorities.issuer_of(old).name == "issuing-g1"
    assert production.ca.authorities.issuer_of(new).name == "issuing-g2"
    responders = [
        production.services.current(Purpose.OCSP, issuer=name).certificate for name in ("issuing-g1", "issuing-g2")
    ]
    for responder, name in zip(responders, ("issuing-g1", "issuing-g2"), strict=True):
        responder.verify_directly_issued_by(production.ca.authority(name))
    production.ca.revoke(old.serial_number, RevocationReason.SUPERSEDED)
    lists = [x509.load_der_x509_crl(production.crl.current(name)) for name in ("issuing-g1", "issuing-g2")]
    assert [len(each) for each in lists] == [1, 0]


def test_each_generation_s_own_responder_answers_for_what_it_issued(production, imports, offline, clock, openssl):
    """RFC 6960 section 4.2.2.2: a responder is believed by whom the same authority certified. Judged by openssl."""
    production.prepare()
    brought_in(imports, offline)
    old = production.ca.issue("officer", production.keystore.create(Purpose.OFFICER).public_key, ANAN)
    clock.advance(timedelta(days=1))
    brought_in(imports, offline)
    new = production.ca.issue("officer", production.keystore.create(Purpose.OFFICER).public_key, ANAN)
    production.ca.revoke(old.serial_number, RevocationReason.SUPERSEDED)
    root = openssl.pem("root.pem", production.ca.root)
    for certificate, name, status in ((old, "issuing-g1", "revoked"), (new, "issuing-g2", "good")):
        issuer = openssl.pem("issuer.pem", production.ca.authority(name))
        asked = ("-issuer", issuer, "-cert", openssl.pem("asked.pem", certificate))
        openssl.run("ocsp", *asked, "-no_nonce", "-reqout", openssl.folder / "request.der")
        response = openssl.file("response.der", production.ocsp.answer((openssl.folder / "request.der").read_bytes()))
        believed = ("-CAfile", root, "-verify_other", issuer, *openssl.at, "-validity_period", str(10**10))
        said = openssl.run("ocsp", *asked, "-no_nonce", "-respin", response, *believed)
        assert "Response verify OK" in said
        assert f"asked.pem: {status}" in said


def test_questions_about_two_generations_at_once_are_answered_under_both(production, imports, offline, clock):
    production.prepare()
    brought_in(imports, offline)
    old = production.ca.issue("officer", production.keystore.create(Purpose.OFFICER).public_key, ANAN)
    clock.advance(timedelta(days=1))
    brought_in(imports, offline)
    new = production.ca.issue("officer", production.keystore.create(Purpose.OFFICER).public_key, ANAN)
    questions = [production.ocsp.issuers.of(each).question(each.serial_number, "sha256") for each in (old, new)]
    singles = [der.sequence(each.encoded()) for each in questions]
    response = asn1_ocsp.OCSPResponse.load(production.ocsp.answer(der.sequence(der.sequence(der.sequence(*singles)))))
    assert [each["cert_status"].name for each in response.response_data["responses"]] == ["good", "good"]
    responders = [x509.load_der_x509_certificate(each.dump()) for each in response.basic_ocsp_response["certs"]]
    for name, responder in zip(("issuing-g1", "issuing-g2"), responders, strict=True):
        responder.verify_directly_issued_by(production.ca.authority(name))
        response_key = responder.public_key()
        basic = response.basic_ocsp_response
        response_key.verify(basic["signature"].native, basic["tbs_response_data"].dump(), ec.ECDSA(SHA256()))


def test_an_issuing_authority_on_the_root_s_next_list_issues_no_more(production, imports, offline, clock):
    brought_in(imports, offline)
    clock.advance(timedelta(days=1))
    revoke = [(production.ca.issuing.serial_number, RevocationReason.CA_COMPROMISE)]
    sign_list(offline.opened(), now=clock.now(), revoke=revoke)
    assert imports.bring_in_list(offline.list, actor="command") == "root-g1"
    with pytest.raises(NoAuthority):
        production.ca.authorities.current()
    assert production.ca.authorities.named("issuing-g1").revoked
    assert x509.load_der_x509_crl(production.crl.current("root-g1"))[0].serial_number == revoke[0][0]


def test_an_older_list_and_a_stranger_s_do_not_come_in(imports, offline, clock, tmp_path):
    brought_in(imports, offline)
    older = offline.list
    clock.advance(timedelta(days=1))
    sign_list(offline.opened(), now=clock.now())
    imports.bring_in_list(offline.list, actor="command")
    with pytest.raises(CertificateError, match="older"):
        imports.bring_in_list(older, actor="command")
    strangers = tmp_path / "stranger"
    hold(strangers, name=ROOT_NAME, authority="root-g1", base=BASE, needed=2, shares=2, practice=Practice(), now=NOW)
    with pytest.raises(CertificateError, match="no root that is known"):
        imports.bring_in_list((strangers / "root-g1.crl").read_bytes(), actor="command")


def test_a_list_that_has_ended_does_not_come_in(imports, offline, clock):
    issuing = certified(offline, imports.request().encoded)
    clock.advance(timedelta(days=191))
    with pytest.raises(CertificateError, match="has ended"):
        imports.examine(offline.certificate, issuing, offline.list)


def test_a_root_s_list_is_missed_while_the_root_lasts_and_no_longer(production, imports, offline, clock, tmp_path):
    folder, brief = tmp_path / "brief", replace(PROFILES["root"], validity=timedelta(days=200))
    practice = Practice(profiles={**PROFILES, "root": brief})
    base = "https://root.example.go.th"  # serves its own pointers
    shares = hold(
        folder, name=ROOT_NAME, authority="root-g1", base=base, needed=2, shares=3, practice=practice, now=NOW
    )
    brought_in(imports, offline)
    brought_in(imports, Offline(folder, shares))
    authorities = production.ca.authorities
    clock.advance(timedelta(days=191))
    sign_list(offline.opened(), now=clock.now())
    imports.bring_in_list(offline.list, actor="command")
    with pytest.raises(CertificateError, match="list of root-g2 has ended"):
        authorities.check()
    clock.advance(timedelta(days=10))
    authorities.check()


def other_signer() -> SoftwareSigner:
    algorithm = ALGORITHMS["ES256"]
    return SoftwareSigner(algorithm.generate(), algorithm)


def test_a_list_that_may_be_silent_about_the_issuing_certificate_does_not_come_in(imports, tmp_path):
    folder, name = tmp_path / "plain", Subject(name_th="Root", organisation_th="Office")
    shares = hold(folder, name=name, authority="root-g1", base=BASE, needed=2, shares=3, practice=Practice(), now=NOW)
    root = Offline(folder, shares)
    key = load_pem_private_key((folder / KEY).read_bytes(), passphrase_of(combine(shares[:2])))
    builder = x509.CertificateRevocationListBuilder().last_update(NOW).next_update(NOW + timedelta(days=7))
    builder = builder.issuer_name(x509.load_pem_x509_certificate(root.certificate).subject)
    changes = builder.add_extension(x509.DeltaCRLIndicator(1), critical=True).sign(key, SHA384())
    issuing = certified(root, imports.request().encoded)
    with pytest.raises(CertificateError, match="cannot say whether"):
        imports.examine(root.certificate, issuing, changes.public_bytes(Encoding.DER))


def test_a_root_that_allows_no_authority_below_it_does_not_come_in(imports, tmp_path):
    narrow = Practice(profiles={**PROFILES, "root": replace(PROFILES["root"], path_length=0)})
    folder = tmp_path / "narrow"
    shares = hold(folder, name=ROOT_NAME, authority="root-g1", base=BASE, needed=2, shares=3, practice=narrow, now=NOW)
    root = Offline(folder, shares)
    with pytest.raises(CertificateError, match="allows no authority below it"):
        imports.examine(root.certificate, certified(root, imports.request().encoded), root.list)


def test_a_certificate_for_a_key_of_somebody_else_does_not_come_in(imports, offline):
    stranger = signed_request(other_signer(), names_of(ROOT_NAME))
    with pytest.raises(CertificateError, match="no key of ours"):
        imports.examine(offline.certificate, certified(offline, stranger), offline.list)


def test_pointers_that_lead_to_another_name_than_the_root_will_have_are_refused(imports, offline, tmp_path):
    folder = tmp_path / "elsewhere"
    shares = hold(
        folder, name=ROOT_NAME, authority="root-g1", base=BASE, needed=2, shares=2, practice=Practice(), now=NOW
    )
    brought_in(imports, offline)  # this root is root-g1 now
    second = Offline(folder, [shares[0], *shares, shares[0]])
    request = imports.request()
    with pytest.raises(CertificateError, match="another root here"):
        imports.examine(second.certificate, certified(second, request.encoded), second.list)


def test_a_leaf_cannot_come_in_as_an_authority(production, imports, offline):
    brought_in(imports, offline)
    leaf = production.ca.issue("officer", production.keystore.create(Purpose.OFFICER).public_key, ANAN)
    with pytest.raises(CertificateError, match="not signed by the root|may sign certificates"):
        imports.examine(offline.certificate, leaf.public_bytes(Encoding.DER), offline.list)


def test_a_ledger_of_another_root_is_noticed(offline):
    path = offline.folder / "ceremony.json"
    written = json.loads(path.read_text())
    path.write_text(json.dumps({**written, "fingerprint": "00" * 32}))
    with pytest.raises(CertificateError, match="not the one that the ledger names"):
        offline.opened()


def test_the_request_names_the_authority_in_its_layout(imports):
    request = x509.load_der_x509_csr(imports.request().encoded)
    assert request.is_signature_valid
    assert isinstance(request.public_key(), ec.EllipticCurvePublicKey)
    assert request.subject.rfc4514_string() == "CN=Prajak Issuing CA - G1,O=Prajak,C=TH"


def test_an_authority_from_the_ceremony_has_both_names(offline):
    root = Asn1Certificate.load(x509.load_pem_x509_certificate(offline.certificate).public_bytes(Encoding.DER))
    assert root.subject.native["common_name"] == ROOT_NAME.name_th
    assert root.subject.native["organization_identifier"] == "GOVTH-0000000000000"
    assert root.subject_alt_name_value[0].chosen.native["common_name"] == ROOT_NAME.name_en


@pytest.mark.both_backends
def test_workers_that_ask_for_the_next_authority_at_once_make_one_key(ground, tmp_path):
    workers = [TrustServices(ground) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        asked = list(pool.map(lambda each: AuthorityImport(ground, each.keystore, each.ca).request(), workers))
    assert len({(each.name, each.kid) for each in asked}) == 1
    assert len(workers[0].keystore.records([Purpose.CA])) == 1


def test_a_key_that_another_makes_in_the_middle_is_asked_for_too(ground, monkeypatch):
    """Between the look for what waits and the look for the next name."""
    ours, theirs = (AuthorityImport(ground, each.keystore, each.ca) for each in (TrustServices(ground) for _ in "ab"))
    looks = ours._next

    def after_theirs() -> str:
        theirs.request()
        return looks()

    monkeypatch.setattr(ours, "_next", after_theirs)
    assert ours.request().name == theirs.request().name == "issuing-g1"
    assert len(ours.keystore.records([Purpose.CA])) == 1


@pytest.mark.both_backends
def test_an_approval_brings_an_authority_in_once(ground, offline, production):
    """Two operators, one agreement: the second finds it spent, and nothing is half done."""
    imports = AuthorityImport(production.ground, production.keystore, production.ca)
    examined = imports.examine(offline.certificate, certified(offline, imports.request().encoded), offline.list)
    agreed(imports, examined)

    def attempt(_number: int) -> bool:
        try:
            return imports.bring_in(examined, actor="command").name == "issuing-g1"
        except (NotAgreed, CertificateError):
            return False

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(attempt, range(3))) == [False, False, True]
