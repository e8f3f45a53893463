"""The trust services over HTTP: RFC 3161 section 3.4, RFC 6960 appendix A, RFC 5280 section 4.2.2.1. For anyone."""

from __future__ import annotations

from base64 import b64decode
from datetime import datetime, timedelta
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Blueprint, Response, abort, request

from core.web import callers, machine
from keys.errors import CertificateError
from keys.ocsp import KEPT
from keys.ocsp_request import LARGEST_REQUEST
from keys.trust_services import TrustServices

TIME_STAMP_QUERY, TIME_STAMP_REPLY = "application/timestamp-query", "application/timestamp-reply"
OCSP_REQUEST, OCSP_RESPONSE = "application/ocsp-request", "application/ocsp-response"
CERTIFICATE, REVOCATION_LIST = "application/pkix-cert", "application/pkix-crl"
CRL_KEPT = timedelta(minutes=5)  # by caches on the way
CERTIFICATE_KEPT = timedelta(days=1)


def blueprint(trust: TrustServices) -> Blueprint:
    routes = Blueprint("trust", __name__)

    @routes.post("/tsa")
    @machine
    @callers("anyone")
    def time_stamp() -> Response:
        return reply(trust.tsa.answer(body(TIME_STAMP_QUERY)), TIME_STAMP_REPLY)

    @routes.post("/ocsp")
    @machine
    @callers("anyone")
    def ocsp_post() -> Response:
        return reply(trust.ocsp.answer(body(OCSP_REQUEST)), OCSP_RESPONSE)

    # RFC 6960 appendix A.1: base64 in the path, where two slashes in a row are data and no sloppy path.
    @routes.get("/ocsp/<path:encoded>", merge_slashes=False)
    @machine
    @callers("anyone")
    def ocsp_get(encoded: str) -> Response:
        answer = trust.ocsp.reply(decoded(encoded))
        if answer.this_update is None:
            return reply(answer.encoded, OCSP_RESPONSE)
        return cached(trust, reply(answer.encoded, OCSP_RESPONSE, kept=KEPT), answer.this_update)

    @routes.get("/ca/<name>.crt")
    @machine
    @callers("anyone")
    def certificate(name: str) -> Response:
        return reply(found(trust, name).public_bytes(Encoding.DER), CERTIFICATE, kept=CERTIFICATE_KEPT)

    @routes.get("/ca/<name>.crl")
    @machine
    @callers("anyone")
    def revocation_list(name: str) -> Response:
        found(trust, name)
        return reply(trust.crl.current(name), REVOCATION_LIST, kept=CRL_KEPT)

    return routes


def body(content_type: str) -> bytes:
    """The request's DER: of its one media type, and no larger than any honest one."""
    if request.mimetype != content_type:
        abort(415, description=f"the body must be {content_type}")
    if (request.content_length or 0) > LARGEST_REQUEST:
        abort(413)
    request.max_content_length = LARGEST_REQUEST  # where it came without a length
    return request.get_data(cache=False)


def decoded(encoded: str) -> bytes:
    """What is no base64 is no request: empty, so that the responder says malformedRequest."""
    try:
        return b64decode(encoded, validate=True)
    except ValueError:
        return b""


def found(trust: TrustServices, name: str) -> x509.Certificate:
    try:
        return trust.ca.authority(name)
    except CertificateError:
        abort(404)


def cached(trust: TrustServices, response: Response, this_update: datetime) -> Response:
    """RFC 5019 section 6.2. Expires is when a cache must ask again, not nextUpdate: a cache that knows no max-age would
    tell of no revocation for an hour.
    """
    response.cache_control.no_transform = True
    response.cache_control.must_revalidate = True
    response.last_modified = this_update
    response.expires = trust.ground.clock.now() + KEPT
    response.set_etag(sha256(response.get_data()).hexdigest())
    response.make_conditional(request)
    return response


def reply(content: bytes, content_type: str, *, kept: timedelta | None = None) -> Response:
    """`kept` is how long a cache may answer instead of us: revocation must not wait for it."""
    response = Response(content, content_type=content_type)
    if kept is None:
        response.cache_control.no_store = True
    else:
        response.cache_control.public = True
        response.cache_control.max_age = int(kept.total_seconds())
    return response
