"""RFC 3161 and RFC 5816, judged by openssl over files and HTTP and by pyHanko's validation."""

import asyncio
import urllib.request
from dataclasses import replace
from datetime import timedelta
from hashlib import new as new_hash

import pytest
from asn1crypto import cms, tsp
from asn1crypto.x509 import Certificate as Asn1Certificate
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko_certvalidator.context import ValidationContext
from sqlalchemy import select

from keys.issuance import as_asn1
from keys.models import TimeStamp
from keys.profiles import TIME_STAMP_POLICY
from keys.purposes import PUBLICATION, Purpose
from keys.trust_services import TrustServices
from tests.own_loop import in_a_thread

DATA = "เอกสาร".encode()


def query(*, algorithm="sha256", imprint=None, policy=None, nonce=4711, cert_req=True, version="v1", extensions=None):
    imprint = new_hash(algorithm, DATA).digest() if imprint is None else imprint
    values = {
        "version": version,
        "message_imprint": {"hash_algorithm": {"algorithm": algorithm}, "hashed_message": imprint},
    }
    values |= {"cert_req": cert_req}
    values |= {
        name: value
        for name, value in (("req_policy", policy), ("nonce", nonce), ("extensions", extensions))
        if value is not None
    }
    return tsp.TimeStampReq(values).dump()


def granted(trust, request):
    response = tsp.TimeStampResp.load(trust.tsa.answer(request), strict=True)
    assert response["status"]["status"].native == "granted"
    return response["time_stamp_token"]


def info(token):
    return token["content"]["encap_content_info"]["content"].parsed


def refused(trust, request):
    status = tsp.PKIStatusInfo.load(tsp.Sequence.load(trust.tsa.answer(request)).contents)
    assert status["status"].native == "rejection"
    assert status["status_string"].native[0]
    return status["fail_info"].native


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_openssl_verifies_a_time_stamp_over_http(trust, openssl, address, digest):
    data, root, chain = (
        openssl.file("data", DATA),
        openssl.pem("root.pem", trust.ca.root),
        openssl.pem("chain.pem", trust.ca.issuing),
    )
    openssl.run("ts", "-query", "-data", data, f"-{digest}", "-cert", "-out", "query.tsq")
    request = (openssl.folder / "query.tsq").read_bytes()
    post = urllib.request.Request(
        f"{address}/tsa", data=request, headers={"Content-Type": "application/timestamp-query"}
    )
    with urllib.request.urlopen(post, timeout=10) as reply:
        assert reply.headers["Content-Type"] == "application/timestamp-reply"
        openssl.file("reply.tsr", reply.read())
    verify = ("-in", "reply.tsr", "-CAfile", root, "-untrusted", chain, *openssl.at)
    assert "Verification: OK" in openssl.run("ts", "-verify", "-queryfile", "query.tsq", *verify)
    assert "Verification: OK" in openssl.run("ts", "-verify", "-data", data, *verify)
    other = openssl.file("other", b"another document")
    assert openssl.asked("ts", "-verify", "-data", other, *verify).returncode != 0


def test_openssl_verifies_the_bare_token_with_certificates_of_its_own(trust, openssl):
    token = granted(trust, query(cert_req=False))
    assert "certificates" not in token["content"].native or token["content"]["certificates"].native is None
    certificates = openssl.pem("tsa.pem", trust.services.current(Purpose.TSA).certificate, trust.ca.issuing)
    root, path = openssl.pem("root.pem", trust.ca.root), openssl.file("token.der", token.dump())
    digest = new_hash("sha256", DATA).hexdigest()
    arguments = ("-digest", digest, "-token_in", "-in", path, "-CAfile", root, "-untrusted", certificates, *openssl.at)
    assert "Verification: OK" in openssl.run("ts", "-verify", *arguments)


def test_pyhanko_accepts_the_token_as_a_time_stamp(trust, clock):
    token = granted(trust, query())
    roots = [Asn1Certificate.load(trust.ca.root.public_bytes(Encoding.DER))]
    context = ValidationContext(trust_roots=roots, moment=clock.now())
    validation = validate_tst_signed_data(token["content"], context, lambda name: new_hash(name, DATA).digest())
    status = in_a_thread(lambda: asyncio.run(validation))
    assert status["intact"]
    assert status["valid"]
    assert status["trust_problem_indic"] is None
    assert status["timestamp"] == clock.now()


def test_the_token_repeats_what_was_asked_and_states_policy_time_and_accuracy(trust, clock):
    said = info(granted(trust, query(algorithm="sha512"))).native
    assert said["policy"] == TIME_STAMP_POLICY
    assert said["message_imprint"]["hash_algorithm"] == {"algorithm": "sha512", "parameters": None}
    assert said["message_imprint"]["hashed_message"] == new_hash("sha512", DATA).digest()
    assert said["gen_time"] == clock.now()
    assert said["accuracy"]["seconds"] == 1
    assert said["nonce"] == 4711
    assert not said["ordering"]


def test_the_imprint_is_repeated_byte_for_byte_with_or_without_null(trust):
    """RFC 3161 section 2.4.2: the same value. openssl says NULL, RFC 5754 leaves it out."""
    with_null = tsp.TimeStampReq.load(query())["message_imprint"].dump()
    without = with_null.replace(b"\x05\x00", b"").replace(b"\x30\x31\x30\x0d", b"\x30\x2f\x30\x0b")
    bare = tsp.TimeStampReq(
        {"version": "v1", "message_imprint": tsp.MessageImprint.load(without), "cert_req": True}
    ).dump()
    assert info(granted(trust, query()))["message_imprint"].dump() == with_null
    assert info(granted(trust, bare))["message_imprint"].dump() == without


def test_the_time_is_stated_in_milliseconds_and_openssl_reads_it(trust, clock, openssl):
    """A time cut to its second may be wrong by the whole accuracy that the token states."""
    clock.advance(timedelta(milliseconds=430, microseconds=600))
    token = granted(trust, query())
    assert info(token)["gen_time"].native == clock.now().replace(microsecond=430_000)
    assert info(token)["gen_time"].contents.endswith(b".43Z")  # X.690 section 11.7: no zero at the end
    path, root = openssl.file("token.der", token.dump()), openssl.pem("root.pem", trust.ca.root)
    verify = ("-digest", new_hash("sha256", DATA).hexdigest(), "-token_in", "-in", path, "-CAfile", root)
    assert "Verification: OK" in openssl.run("ts", "-verify", *verify, *openssl.at)


def test_a_nonce_that_was_not_sent_is_not_made_up(trust):
    assert info(granted(trust, query(nonce=None)))["nonce"].native is None


def test_the_token_names_its_certificate_by_ess_cert_id_v2(trust):
    """RFC 5035 section 4: or another certificate for the same key could be put in its place."""
    token = granted(trust, query())
    (signer,) = token["content"]["signer_infos"]
    (attribute,) = [each for each in signer["signed_attrs"] if each["type"].native == "signing_certificate_v2"]
    cert_id = attribute["values"][0]["certs"][0]
    certificate = trust.services.current(Purpose.TSA)
    assert cert_id["cert_hash"].native == new_hash("sha256", certificate.encoded).digest()
    assert cert_id["issuer_serial"]["serial_number"].native == certificate.certificate.serial_number


def test_the_root_is_not_sent(trust):
    sent = granted(trust, query())["content"]["certificates"]
    assert {each.chosen.subject.native["common_name"] for each in sent} == {
        "Prajak Sandbox Time-Stamp Authority",
        "Prajak Sandbox Issuing CA - G1",
    }


def test_serials_are_random_long_unique_and_recorded(ground, trust):
    serials = [info(granted(trust, query()))["serial_number"].native for _ in range(5)]
    assert len(set(serials)) == 5
    assert all(64 < serial.bit_length() <= 159 for serial in serials)
    with ground.database.read() as connection:
        recorded = connection.execute(select(TimeStamp.serial)).scalars()
        assert {int(serial, 16) for serial in recorded} == set(serials)


def test_a_token_leaves_only_after_its_serial_was_recorded(ground, trust, monkeypatch):
    """A second use of a serial, here by a broken random source, fails instead of going out."""
    from sqlalchemy.exc import IntegrityError

    monkeypatch.setattr("keys.timestamp_authority.new_serial", lambda: 2**100)
    granted(trust, query())
    with pytest.raises(IntegrityError):
        trust.tsa.answer(query())


@pytest.mark.parametrize(
    ("request_", "failure"),
    [
        (query(algorithm="sha1"), "bad_alg"),
        (query(algorithm="md5"), "bad_alg"),
        (query(algorithm="sha224"), "bad_alg"),
        (query(imprint=b"short"), "bad_data_format"),
        (query(algorithm="sha512", imprint=b"x" * 32), "bad_data_format"),
        (query(policy="1.2.3.4"), "unaccepted_policy"),
        (query(version="v2"), "bad_request"),
        (query(nonce=2**600), "bad_request"),
        (query(extensions=[{"extn_id": "1.2.3.4", "extn_value": b"x"}]), "unaccepted_extensions"),
        (b"", "bad_data_format"),
        (b"garbage", "bad_data_format"),
        (query() + b"\x00", "bad_data_format"),
        (b"\x30" * 20_000, "bad_data_format"),
        (b"\x30\x80" * 4000, "bad_data_format"),
    ],
)
def test_what_cannot_be_stamped_is_refused_with_its_reason(trust, request_, failure):
    assert refused(trust, request_) == {failure}


def test_our_own_policy_may_be_asked_for(trust):
    granted(trust, query(policy=TIME_STAMP_POLICY))


def test_openssl_reads_a_refusal(trust, openssl):
    path = openssl.file("reply.tsr", trust.tsa.answer(query(algorithm="sha1")))
    said = openssl.run("ts", "-reply", "-in", path, "-text")
    assert "Status: Rejected." in said
    assert "unrecognized or unsupported algorithm identifier" in said


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(data=st.data())
def test_whatever_comes_in_there_is_an_answer(trust, data):
    request = bytearray(query())
    for _ in range(data.draw(st.integers(1, 3))):
        request[data.draw(st.integers(0, len(request) - 1))] = data.draw(st.integers(0, 255))
    for attempt in (bytes(request), bytes(request[: data.draw(st.integers(0, len(request)))])):
        status = tsp.Sequence.load(trust.tsa.answer(attempt), strict=True)
        tsp.PKIStatusInfo.load(status.contents).native  # noqa: B018 - parses it all


def test_every_token_is_der(trust):
    token = granted(trust, query())
    assert cms.ContentInfo.load(token.dump(), strict=True).dump(force=True) == token.dump()


def test_a_new_key_stamps_under_a_new_certificate_and_old_stamps_stay_valid(trust, clock, openssl):
    before = granted(trust, query())
    clock.advance(timedelta(days=331))
    trust.maintain()
    clock.advance(PUBLICATION)
    trust.maintain()
    after = granted(trust, query())
    serials = [token["content"]["signer_infos"][0]["sid"].chosen["serial_number"].native for token in (before, after)]
    assert serials[0] != serials[1]
    root = openssl.pem("root.pem", trust.ca.root)
    for token in (before, after):
        arguments = (
            "-digest",
            new_hash("sha256", DATA).hexdigest(),
            "-token_in",
            "-in",
            openssl.file("t.der", token.dump()),
        )
        openssl.run("ts", "-verify", *arguments, "-CAfile", root, *openssl.at)


def test_a_key_past_its_period_of_use_stamps_nothing(ground, trust, clock):
    clock.advance(timedelta(days=366))
    assert refused(TrustServices(ground), query()) == {"time_not_available"}


def test_the_period_of_use_is_the_certificate_s_whatever_the_profile_says_by_now(ground, trust, clock, tmp_path):
    """A deployment that shortens or lengthens its profile changes what it will issue, not what it has issued."""
    granted(trust, query())
    profiles = tmp_path / "profiles.toml"
    profiles.write_text("[profile.tsa]\nvalidity_days = 1200")
    longer = TrustServices(replace(ground, settings=replace(ground.settings, ca_profiles=profiles)))
    clock.advance(timedelta(days=364))
    granted(longer, query())
    profiles.write_text("[profile.tsa]\nvalidity_days = 200")
    shorter = TrustServices(replace(ground, settings=replace(ground.settings, ca_profiles=profiles)))
    granted(shorter, query())
    clock.advance(timedelta(days=2))
    assert refused(longer, query()) == refused(shorter, query()) == {"time_not_available"}


def test_in_its_issuer_s_last_year_a_key_is_certified_and_used_until_the_issuer_ends(trust, clock):
    ends = trust.ca.issuing.not_valid_after_utc
    clock.step(ends - clock.now() - timedelta(days=200))
    key = trust.keystore.active(Purpose.TSA).public_key
    made = as_asn1(trust.ca.issue("tsa", key, trust.ca.service_name("Time-Stamp Authority")))
    assert made.not_valid_after == ends
    assert made.private_key_usage_period_value["not_after"].native == ends
