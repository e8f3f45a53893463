"""The endpoints: media types, sizes, caches, and every pointer in a certificate leading somewhere."""

import shutil
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID
from flask import Flask

from keys.ocsp_response import MALFORMED_REQUEST
from keys.purposes import Purpose
from keys.trust_services import TrustServices
from keys.views import blueprint
from tests.keys.conftest import ANAN
from tests.keys.test_ocsp import question
from tests.keys.test_timestamp_authority import query


@pytest.fixture
def client(trust):
    app = Flask("trust")
    app.register_blueprint(blueprint(trust))
    return app.test_client()


def test_the_pointers_of_a_certificate_lead_to_its_issuer_its_status_and_its_list(client, trust, officer):
    extensions = officer.certificate.extensions
    access = extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    urls = [each.access_location.value.removeprefix("http://localhost:8080") for each in access]
    (point,) = extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    issuer = client.get(urls[0])
    assert issuer.content_type == "application/pkix-cert"
    assert x509.load_der_x509_certificate(issuer.data) == trust.ca.issuing
    crl = client.get(point.full_name[0].value.removeprefix("http://localhost:8080"))
    assert crl.content_type == "application/pkix-crl"
    assert x509.load_der_x509_crl(crl.data).is_signature_valid(trust.ca.issuing.public_key())
    request = question(trust, officer.certificate.serial_number)
    answer = client.post(urls[1], data=request, content_type="application/ocsp-request")
    assert ocsp.load_der_ocsp_response(answer.data).certificate_status is ocsp.OCSPCertStatus.GOOD


def requests_with_slashes(trust):
    """Requests whose base64 has `//` in it, which a router takes for a sloppy path, and `+`."""
    found = {}
    for nonce in range(4000):
        request = question(trust, 5, nonce=nonce.to_bytes(16, "big") + b"\xff\xff\xff\xff\xff\xfe\xfb\xef\xbe")
        encoded = b64encode(request).decode()
        for mark in ("//", "+"):
            if mark in encoded:
                found.setdefault(mark, encoded)
        if len(found) == 2:
            break
    return found


def test_a_request_may_come_in_the_path(client, trust, officer):
    encoded = b64encode(question(trust, officer.certificate.serial_number)).decode()
    answer = client.get(f"/ocsp/{encoded}")
    assert answer.content_type == "application/ocsp-response"
    assert ocsp.load_der_ocsp_response(answer.data).certificate_status is ocsp.OCSPCertStatus.GOOD
    assert set(answer.headers["Cache-Control"].split(", ")) == {
        "public", "max-age=30", "no-transform", "must-revalidate",
    }  # fmt: skip


def test_a_cache_is_told_until_when_it_may_keep_an_answer_and_how_to_ask_again(client, trust, officer, clock):
    """RFC 5019 section 6.2, and no cache tells of a certificate as good a minute after its revocation."""
    url = f"/ocsp/{b64encode(question(trust, officer.certificate.serial_number)).decode()}"
    signed_at = clock.now()
    client.get(url)
    clock.advance(timedelta(minutes=10))
    answer = client.get(url)
    assert answer.last_modified == signed_at
    assert answer.expires == clock.now() + timedelta(seconds=30)
    assert answer.expires < ocsp.load_der_ocsp_response(answer.data).next_update_utc
    again = client.get(url, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    trust.ca.revoke(officer.certificate.serial_number)
    changed = client.get(url, headers={"If-None-Match": answer.headers["ETag"]})
    assert changed.status_code == 200
    assert ocsp.load_der_ocsp_response(changed.data).certificate_status is ocsp.OCSPCertStatus.REVOKED


def test_an_answer_with_a_nonce_is_for_one_only(client, trust, officer):
    encoded = b64encode(question(trust, officer.certificate.serial_number, nonce=b"n" * 16)).decode()
    answer = client.get(f"/ocsp/{encoded}")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers


@pytest.mark.parametrize("mark", ["//", "+"])
def test_slashes_and_pluses_of_base64_are_data(client, trust, mark):
    encoded = requests_with_slashes(trust)[mark]
    for path in (encoded, encoded.replace("/", "%2F").replace("+", "%2B").replace("=", "%3D")):
        answer = client.get(f"/ocsp/{path}")
        assert answer.status_code == 200
        assert ocsp.load_der_ocsp_response(answer.data).response_status is ocsp.OCSPResponseStatus.SUCCESSFUL


@pytest.mark.parametrize("path", ["x", "%00", "é", "AAAA", "MA=="])
def test_what_is_no_request_is_malformed_and_not_cached(client, path):
    answer = client.get(f"/ocsp/{path}")
    assert (answer.status_code, answer.data) == (200, MALFORMED_REQUEST)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_time_stamp_is_never_cached(client):
    answer = client.post("/tsa", data=query(), content_type="application/timestamp-query")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/tsa", "/ocsp"])
def test_another_media_type_is_415_and_a_huge_body_413(client, path):
    right = {"/tsa": "application/timestamp-query", "/ocsp": "application/ocsp-request"}[path]
    assert client.post(path, data=b"x", content_type="text/plain").status_code == 415
    assert client.post(path, data=b"x" * 20_000, content_type=right).status_code == 413
    assert client.post(path, data=b"", content_type=right).status_code == 200
    assert client.get(path).status_code in (404, 405)


@pytest.mark.parametrize("name", ["root-g1.crt", "issuing-g1.crt", "root-g1.crl", "issuing-g1.crl"])
def test_what_we_publish_may_be_kept_for_a_while(client, name):
    assert "public" in client.get(f"/ca/{name}").headers["Cache-Control"]


@pytest.mark.parametrize("name", ["root.crt", "root-g2.crl", "..crt", "root-g1.pem", "tsa.crt", "root-g1.crt.crt"])
def test_other_names_are_not_found(client, name):
    assert client.get(f"/ca/{name}").status_code == 404


def test_the_root_is_there_to_be_installed(client, trust):
    assert client.get("/ca/root-g1.crt").data == trust.ca.root.public_bytes(Encoding.DER)


def test_a_responder_that_is_reached_by_another_name_stands_in_certificates(ground, prepared, tmp_path):
    """RFC 5280 section 8: plain http there, or clients must check TLS certificates in order to check one."""
    shutil.copytree(prepared / "keys", tmp_path / "keys")
    shutil.copyfile(prepared / "test.db", tmp_path / "test.db")
    settings = replace(ground.settings, ocsp_url="http://ocsp.example.go.th")
    trust = TrustServices(replace(ground, settings=settings))
    certificate = trust.ca.issue("officer", trust.keystore.create(Purpose.OFFICER).public_key, ANAN)
    access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    urls = {each.access_method: each.access_location.value for each in access}
    assert urls[AuthorityInformationAccessOID.OCSP] == "http://ocsp.example.go.th"
    assert urls[AuthorityInformationAccessOID.CA_ISSUERS].startswith(settings.issuer)
