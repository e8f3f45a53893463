"""The endpoints that machines call: a request becomes a `Call`, the answer JSON. The rules are in `idp/server.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from flask import Blueprint, Response, g, jsonify, make_response, request
from flask.typing import ResponseReturnValue

from core.web import ANYONE, BEARER, CLIENT, callers, client_certificate, current_view, machine, reads_raw
from idp.errors import InvalidRequest, OAuthError
from idp.oauth2 import cross_origin, dpop, interaction_id
from idp.oauth2.bearer import Scheme, challenge
from idp.oauth2.call import Call, Reply
from idp.oauth2.client_cert import read_client_cert
from idp.oauth2.parameters import read_form
from idp.oidc.discovery import MAX_AGE, Prepared
from idp.server import CLIENT_ENDPOINTS, ENDPOINTS, Server

FORM = "application/x-www-form-urlencoded"
MAX_BODY = 256 * 1024
ALGORITHMS = " ".join(dpop.ALGORITHMS)


def blueprint(server: Server) -> Blueprint:
    views = Blueprint("protocol", __name__)
    views.after_request(partial(after, server))

    for endpoint in CLIENT_ENDPOINTS:
        views.add_url_rule(endpoint.path, endpoint.name, client_view(server, endpoint.name), methods=["POST"])

    @views.route(ENDPOINTS["userinfo_endpoint"], methods=["GET", "POST"])
    @callers(BEARER)
    @machine
    @reads_raw
    def userinfo() -> ResponseReturnValue:
        try:
            return named(replied(server.userinfo(read_call(server, "userinfo_endpoint"))))
        except OAuthError as error:
            return named(challenged(error))

    @views.get(ENDPOINTS["jwks_uri"])
    @callers(ANYONE)
    @machine
    @reads_raw
    def jwks() -> ResponseReturnValue:
        return prepared(server.key_set.prepared())

    @views.get("/.well-known/openid-configuration")
    @callers(ANYONE)
    @machine
    @reads_raw
    def openid_configuration() -> ResponseReturnValue:
        return prepared(server.metadata)

    @views.get("/.well-known/oauth-authorization-server")
    @callers(ANYONE)
    @machine
    @reads_raw
    def authorization_server_metadata() -> ResponseReturnValue:
        return prepared(server.metadata)

    return views


def client_view(server: Server, endpoint: str) -> Callable[[], ResponseReturnValue]:
    @callers(CLIENT)
    @machine
    @reads_raw
    def view() -> ResponseReturnValue:
        try:
            return replied(server.answer(endpoint, read_call(server, endpoint)))
        except OAuthError as error:
            return refused(error)

    return view


def replied(reply: Reply) -> Response:
    if isinstance(reply.body, Mapping):
        response = jsonify(reply.body)
    else:
        response = Response(reply.body or "", mimetype=reply.content_type)
    response.status_code = reply.status
    response.headers.update(reply.headers)
    return no_store(response)


def read_call(server: Server, endpoint: str) -> Call:
    """Raises InvalidRequest for a body that is no form. `url` is our own name: the Host header is not asked; where a
    certificate came it is the alias, since only that listener asks for one.
    """
    if (request.content_length or 0) > MAX_BODY:
        raise InvalidRequest("the request is too large")
    certificate = read_client_cert(client_certificate())
    call = Call(
        method=request.method,
        url=server.url(endpoint, alias=bool(certificate)),
        form=read_body() if request.method == "POST" else {},
        query=read_form(request.query_string),
        authorization=request.headers.get("Authorization", ""),
        dpop=tuple(request.headers.getlist("DPoP")),
        client_certificate=certificate,
        origin=request.headers.get("Origin", ""),
        accept=request.headers.get("Accept", ""),
    )
    g.call = call
    return call


def read_body() -> Mapping[str, str]:
    """RFC 6749 section 3.2: a form. A POST without any body is one without parameters (userinfo by POST)."""
    body = request.get_data()
    if body and request.mimetype != FORM:
        raise InvalidRequest(f"the body must be {FORM}")
    return read_form(body)


def refused(error: OAuthError) -> Response:
    """RFC 6749 section 5.2: 401 names the scheme, where the client had tried one."""
    response = no_store(make_response(jsonify(error.parameters()), error.status))
    if error.status == 401:  # noqa: PLR2004 - RFC 9110 section 15.5.2
        response.headers["WWW-Authenticate"] = 'Basic realm="token"'
    return response


def challenged(error: OAuthError) -> Response:
    """RFC 6750 section 3: what is wrong stands in the header, and for people in the body."""
    scheme: Scheme = "DPoP" if request.headers.get("Authorization", "")[:5].lower() == "dpop " else "Bearer"
    status = 401 if error.error in {"invalid_dpop_proof", "use_dpop_nonce"} else error.status
    response = no_store(make_response(jsonify(error.parameters()), status))
    response.headers["WWW-Authenticate"] = challenge(error, scheme, scope="openid", algorithms=ALGORITHMS)
    return response


def named(response: Response) -> Response:
    """What a protected resource answers bears the call's name."""
    response.headers[interaction_id.HEADER] = interaction_id.answered(request.headers.get(interaction_id.HEADER, ""))
    return response


def after(server: Server, response: Response) -> Response:
    """RFC 9449 section 8.2: the next nonce in every answer to a client. And who else's page may read the answer."""
    if getattr(current_view(), "callers", ANYONE) == ANYONE:
        shared = cross_origin.public(is_preflight=request.method == "OPTIONS")
    else:
        shared = shared_with(server, request.headers.get("Origin", ""))
        response.vary.add("Origin")
        if nonce := server.nonces.next():
            response.headers["DPoP-Nonce"] = nonce
    response.headers.update(shared)
    return response


def shared_with(server: Server, origin: str) -> Mapping[str, str]:
    if not origin:
        return {}
    if request.method == "OPTIONS":
        return cross_origin.preflight(origin)
    call = g.get("call")
    return cross_origin.shared(origin, server.clients.load(cross_origin.unverified_client_id(call))) if call else {}


def prepared(document: Prepared) -> ResponseReturnValue:
    response = Response(document.body, mimetype="application/json")
    response.set_etag(document.etag)
    response.cache_control.public = True
    response.cache_control.max_age = int(MAX_AGE.total_seconds())
    return response.make_conditional(request)


def no_store(response: Response) -> Response:
    """RFC 6749 section 5.1."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response
