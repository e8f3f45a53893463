"""Which pages of other origins may read our answers: Cross-Origin Resource Sharing, Fetch standard section 3.2.

A page may read what is answered to the client it belongs to: its origin is the one of a redirect URI of that client.
No cookie counts at these endpoints, so a preflight is granted before anybody can know which client will call.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from idp.errors import InvalidClient
from idp.models.client import RegisteredClient
from idp.oauth2.call import Call
from idp.oauth2.client_authentication import read_basic
from idp.oauth2.compact_jws import BadToken, parse_unverified

PREFLIGHT: Mapping[str, str] = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, DPoP",
    "Access-Control-Max-Age": "3600",
}
DEFAULT_PORTS = {"https": 443, "http": 80}
EXPOSED: Mapping[str, str] = {"Access-Control-Expose-Headers": "DPoP-Nonce, WWW-Authenticate"}


def public(*, is_preflight: bool) -> Mapping[str, str]:
    """Documents that are for everybody."""
    return {"Access-Control-Allow-Origin": "*", **(PREFLIGHT if is_preflight else {})}


def preflight(origin: str) -> Mapping[str, str]:
    return {"Access-Control-Allow-Origin": origin, **PREFLIGHT}


def shared(origin: str, client: RegisteredClient | None) -> Mapping[str, str]:
    """Nothing for a page that is not the client's."""
    if client is None or origin not in origins(client):
        return {}
    return {"Access-Control-Allow-Origin": origin, **EXPOSED}


def origins(client: RegisteredClient) -> frozenset[str]:
    """Of its redirect URIs on the web; an app's own scheme has none."""
    parts = [urlsplit(each) for each in client.redirect_uris]
    return frozenset(origin(each) for each in parts if each.scheme in DEFAULT_PORTS)


def origin(parts: SplitResult) -> str:
    """RFC 6454 section 6.2."""
    host = parts.netloc.lower().removesuffix(f":{DEFAULT_PORTS[parts.scheme]}")
    return f"{parts.scheme}://{host}"


def unverified_client_id(call: Call) -> str:
    """Whom the call says it is of, "" where it does not say: enough here, since an answer that tells anything comes to
    nobody who could not prove it.
    """
    named = call.form.get("client_id", "")
    scheme, _, credentials = call.authorization.partition(" ")
    try:
        if named:
            return named
        if scheme.lower() == "basic":
            return read_basic(call.authorization)[0]
        if "client_assertion" in call.form:
            return text_of(call.form["client_assertion"], "sub")
        return text_of(credentials.strip() or call.form.get("access_token", ""), "client_id")
    except (BadToken, InvalidClient):
        return ""


def text_of(unverified_token: str, claim: str) -> str:
    value = parse_unverified(unverified_token).claims.get(claim)
    return value if isinstance(value, str) else ""
