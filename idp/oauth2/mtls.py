"""Mutual TLS, RFC 8705: a client proves by its certificate who it is (section 2), and its tokens are bound to it
(section 3).

TLS ends at a proxy with a listener of its own for this, so that no browser is ever asked for a certificate (section
5): the endpoints there are `mtls_endpoint_aliases`. Without such a listener none of this is in discovery.
"""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from hmac import compare_digest
from typing import Any

from core.settings import Settings
from idp.errors import InvalidClient, InvalidRequest, InvalidToken
from idp.models.client import RegisteredClient
from idp.oauth2.client_authentication import AuthenticatedClient, Method, Presented, Registry, load_registered
from idp.oauth2.client_certificate import BadCertificate, check_issued, check_subject, read_certificate

TLS_CLIENT_AUTH, SELF_SIGNED = "tls_client_auth", "self_signed_tls_client_auth"


def is_named(presented: Presented) -> bool:
    """Section 2: `client_id` says who; whether it is this method only its registration tells."""
    return "client_id" in presented.parameters


def authenticate_issued(presented: Presented, registry: Registry) -> AuthenticatedClient:
    """Section 2.1, PKI: an authority certifies the name that the client registered. Raises InvalidClient."""
    client = load_registered(registry, presented.parameters["client_id"], TLS_CLIENT_AUTH)
    der = certificate_of(presented)
    try:
        certificate = read_certificate(der)
        check_subject(certificate, client.metadata)
        check_issued(certificate, presented.authorities, presented.now)
    except BadCertificate as error:
        raise InvalidClient(f"client certificate: {error}") from error
    return AuthenticatedClient(client)


def authenticate_self_signed(presented: Presented, registry: Registry) -> AuthenticatedClient:
    """Section 2.2: the certificate is one that the client registered in its key set. Raises InvalidClient.

    TLS proved that it holds the key. The chain counts for nothing, and neither do the certificate's dates: whether it
    is in force is said by the registration.
    """
    client = load_registered(registry, presented.parameters["client_id"], SELF_SIGNED)
    der = certificate_of(presented)
    if not is_registered(der, client) and client.get("jwks_uri"):
        client = registry.refresh_keys(client)  # it may be a new one
    if not is_registered(der, client):
        raise InvalidClient("client certificate: it is not among those registered (x5c in the key set)")
    return AuthenticatedClient(client)


def certificate_of(presented: Presented) -> bytes:
    if not presented.certificate:
        raise InvalidClient("this client authenticates by its certificate, at the endpoints of mtls_endpoint_aliases")
    return presented.certificate


def is_registered(der: bytes, client: RegisteredClient) -> bool:
    return any(compare_digest(der, each) for each in registered_certificates(client))


def registered_certificates(client: RegisteredClient) -> Iterator[bytes]:
    """Section 2.2.2: the first of each key's `x5c` (RFC 7517 section 4.7)."""
    for jwk in json.loads(client.jwks)["keys"] if client.jwks else ():
        chain = jwk.get("x5c")
        if isinstance(chain, list) and chain and isinstance(chain[0], str) and jwk.get("use", "sig") == "sig":
            try:
                yield b64decode(chain[0], validate=True)
            except ValueError:  # no base64: it matches nothing
                continue


# Binding ------------------------------------------------------------------------------------------------------------


def thumbprint(der: bytes) -> str:
    """Section 3.1: x5t#S256."""
    return urlsafe_b64encode(sha256(der).digest()).rstrip(b"=").decode()


def confirmation(client: RegisteredClient, der: bytes) -> Mapping[str, str]:
    """Section 3.1, for clients that registered it (section 3.4): the `cnf` of what they get with this certificate."""
    return {"x5t#S256": thumbprint(der)} if der and client.requires_mtls_binding else {}


def check_certificate_bound(client: RegisteredClient, cnf: Mapping[str, str]) -> None:
    """Section 3.4: this client's tokens are bound, and to nothing else, or not made. Raises InvalidRequest."""
    if client.requires_mtls_binding and "x5t#S256" not in cnf:
        raise InvalidRequest(
            "this client's tokens are bound to its certificate: use the mtls_endpoint_aliases, and no DPoP proof"
        )


def check_presenter(x5t_s256: str, der: bytes) -> None:
    """Section 3: who presents a bound token holds the certificate's key. Raises InvalidToken."""
    if x5t_s256 and not (der and compare_digest(x5t_s256, thumbprint(der))):
        raise InvalidToken("the access token is bound to another certificate")


# Discovery ----------------------------------------------------------------------------------------------------------

METHODS = (
    Method(TLS_CLIENT_AUTH, is_named, authenticate_issued, by_name=True),
    Method(SELF_SIGNED, is_named, authenticate_self_signed, by_name=True),
)


def offered(settings: Settings) -> tuple[str, ...]:
    """The methods that work as things are set: both need the listener, and `tls_client_auth` an authority too."""
    if not settings.mtls_url:
        return ()
    return (TLS_CLIENT_AUTH, SELF_SIGNED) if settings.mtls_trust else (SELF_SIGNED,)


def metadata(settings: Settings, endpoints: Mapping[str, str], aliased: Iterable[str]) -> Mapping[str, Any]:
    """Sections 3.3 and 5."""
    if not settings.mtls_url:
        return {}
    return {
        "tls_client_certificate_bound_access_tokens": True,
        "mtls_endpoint_aliases": {name: settings.mtls_url + endpoints[name] for name in aliased},
    }
