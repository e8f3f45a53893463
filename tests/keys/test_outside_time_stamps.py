"""Time-stamps of other authorities: verified before they are used, the next is asked when one fails (RFC 3161)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from core.ground import Ground
from core.outbound import Outbound
from keys import der, outside_time_stamps
from keys.audit_time_stamp import NotStamped, time_stamp
from keys.errors import CertificateError
from keys.outside_time_stamps import NoTimeStamp, OutsideTimeStamps
from keys.purposes import Purpose
from keys.time_stamp_request import parse_request
from keys.time_stamp_token import time_stamper, token
from keys.time_stamp_verification import Asked, TimeStampRefused, verify_time_stamp
from keys.timestamp_authority import GRANTED
from keys.trust_services import TrustServices
from tests.keys.outside_authority import WAYS, OutsideAuthority, outside_authority
from tests.keys.test_timestamp_authority import query

WRONG = sorted(WAYS.keys() - {"good"})


@pytest.fixture(scope="module")
def outside(tmp_path_factory) -> Iterator[OutsideAuthority]:
    with outside_authority(tmp_path_factory.mktemp("outside")) as authority:
        yield authority


@pytest.fixture
def asking(ground, outside, tmp_path):
    """Ourselves, with these authorities named in the settings."""
    outside.asked.clear()
    roots = tmp_path / "roots.pem"
    roots.write_bytes(outside.trust.ca.root.public_bytes(Encoding.PEM))
    opened = []

    def named(*urls: str, trust: bytes = b"", **changed: object) -> OutsideTimeStamps:
        if trust:
            roots.write_bytes(trust)
        settings = replace(ground.settings, tsa_urls=urls, tsa_trust=roots, **changed)
        outbound = Outbound(settings)
        opened.append(outbound)
        return OutsideTimeStamps(Ground(settings, ground.clock, ground.database, ground.ephemeral, outbound))

    yield named
    for outbound in opened:
        outbound.close()


def stamped_by(answer: bytes) -> str:
    token = tsp.TimeStampResp.load(answer)["time_stamp_token"]
    return token["content"]["signer_infos"][0]["sid"].chosen["issuer"].native["common_name"]


def test_an_outside_authority_stamps_and_openssl_agrees(asking, outside, openssl):
    request = query()
    openssl.file("query.tsq", request)
    openssl.file("reply.tsr", asking(outside.tsa()).answer(request))
    root = openssl.pem("root.pem", outside.trust.ca.root)
    said = openssl.run("ts", "-verify", "-queryfile", "query.tsq", "-in", "reply.tsr", "-CAfile", root, *openssl.at)
    assert "Verification: OK" in said


@pytest.mark.parametrize("way", WRONG)
def test_a_wrong_answer_is_not_used_and_the_next_authority_is_asked(asking, outside, way):
    answer = asking(outside.tsa(way), outside.tsa()).answer(query())
    assert outside.asked == [f"/stamp/{way}", "/stamp/good"]
    assert tsp.TimeStampResp.load(answer)["status"]["status"].native == "granted"


@pytest.mark.parametrize("way", WRONG)
def test_a_wrong_answer_alone_is_no_time_stamp(asking, outside, way):
    with pytest.raises(NoTimeStamp):
        asking(outside.tsa(way)).answer(query())


def test_an_authority_of_another_root_is_not_believed(asking, outside, trust):
    stranger = asking(outside.tsa(), trust=trust.ca.root.public_bytes(Encoding.PEM))
    with pytest.raises(NoTimeStamp):
        stranger.answer(query())


def test_a_stamp_of_another_time_is_not_believed(asking, outside, clock):
    clock.advance(timedelta(minutes=6))
    with pytest.raises(NoTimeStamp):
        asking(outside.tsa()).answer(query())


def test_without_roots_nobody_is_believed(asking, outside):
    with pytest.raises(CertificateError, match="roots.pem"):
        asking(outside.tsa(), trust=b"nothing in here")


def test_who_does_not_answer_takes_only_a_share_of_the_time(asking, outside):
    """The whole of it is one outbound call's."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        stamps = asking(url, outside.tsa(), outbound_timeout=timedelta(seconds=1))
        stamps.answer(query())
    assert outside.asked == ["/stamp/good"]


def test_who_failed_is_left_alone_for_a_while_and_then_asked_again(asking, outside, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(outside_time_stamps, "monotonic", lambda: now[0])
    stamps = asking(outside.tsa("error"), outside.tsa())
    stamps.answer(query())
    stamps.answer(query())
    assert outside.asked == ["/stamp/error", "/stamp/good", "/stamp/good"]
    now[0] += outside_time_stamps.SHORTEST_PAUSE.total_seconds()
    stamps.answer(query())
    assert outside.asked[-2:] == ["/stamp/error", "/stamp/good"]
    now[0] += outside_time_stamps.SHORTEST_PAUSE.total_seconds()
    stamps.answer(query())
    assert outside.asked[-1] == "/stamp/good"
    assert outside.asked.count("/stamp/error") == 2


def test_when_all_are_left_alone_nobody_waits(asking, outside):
    stamps = asking(outside.tsa("error"))
    for _ in range(3):
        with pytest.raises(NoTimeStamp):
            stamps.answer(query())
    assert outside.asked == ["/stamp/error"]


@pytest.mark.parametrize("request_", [query(nonce=None), query(cert_req=False), query(algorithm="sha1"), b"garbage"])
def test_only_what_can_be_verified_is_asked_for(asking, outside, request_):
    with pytest.raises(NoTimeStamp):
        asking(outside.tsa()).answer(request_)
    assert outside.asked == []


def test_the_doctors_probe_says_what_is_wrong(asking, outside):
    stamps = asking(outside.tsa(), outside.tsa("error"))
    assert stamps.probe(outside.tsa()).path[-1] == outside.trust.ca.root
    with pytest.raises(TimeStampRefused, match="500"):
        stamps.probe(outside.tsa("error"))


def test_the_settings_choose_who_stamps_signatures_and_checkpoints(ground, trust, outside, tmp_path):
    assert trust.time_stamps is trust.tsa
    roots = tmp_path / "roots.pem"
    roots.write_bytes(outside.trust.ca.root.public_bytes(Encoding.PEM))
    settings = replace(ground.settings, tsa_urls=(outside.tsa(),), tsa_trust=roots)
    chosen = TrustServices(Ground(settings, ground.clock, ground.database, ground.ephemeral, ground.outbound))
    assert isinstance(chosen.time_stamps, OutsideTimeStamps)
    assert time_stamp(chosen.time_stamps, b"\x01" * 32)
    assert outside.asked[-1] == "/stamp/good"


def test_a_checkpoint_without_a_stamp_says_so(asking, outside):
    with pytest.raises(NotStamped, match="no outside time-stamp authority"):
        time_stamp(asking(outside.tsa("error")), b"\x01" * 32)


def test_a_stamp_may_name_its_certificate_by_the_key_s_identifier(trust, clock):
    """RFC 5652 section 5.3: as it stands in the certificate, whatever its issuer made it from (RFC 7093 here)."""
    service, request = trust.services.current(Purpose.TSA), parse_request(query())
    named = service.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    stamper = replace(time_stamper(service.signer, service.chain), sid=der.implicit_primitive(0, named))
    answer = der.sequence(GRANTED, token(stamper, request, serial=5, at=clock.now()))
    asked = Asked(hash_name="sha256", imprint=request.imprint, nonce=4711)
    found = verify_time_stamp(answer, asked, anchors=[trust.ca.root], now=clock.now())
    assert found.path[0] == service.certificate
