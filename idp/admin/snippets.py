"""Code to copy: a whole small application for each library, with the client's own values. The tests run both.

Values get into the code as literals of its language; a name can neither end a string nor begin a line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import render_template

from idp.models.client import RegisteredClient
from idp.oidc.claims import CATALOGUE, VERIFIED_CLAIMS

TEMPLATES = {"app.py": "admin/snippets/authlib.py.txt", "app.mjs": "admin/snippets/openid-client.mjs.txt"}
LABELS = {"app.py": "Authlib (Python)", "app.mjs": "openid-client (Node.js)"}
ALGORITHMS = {"EC": "ES256", "RSA": "PS256", "OKP": "EdDSA"}  # for a key that does not say
DEFAULT_PORT = 8000
INDENT = "    "


@dataclass(frozen=True)
class Snippet:
    file_name: str
    label: str
    text: str


def snippets(client: RegisteredClient, *, issuer: str) -> list[Snippet]:
    return [Snippet(name, LABELS[name], snippet_text(name, client, issuer=issuer)) for name in offered(client)]


def offered(client: RegisteredClient) -> tuple[str, ...]:
    """The code signs people in by redirects, and authenticates by `private_key_jwt`: none for a client of another way.
    Authlib has no JARM, so none of it where answers are signed.
    """
    if not client.redirect_uris or client.token_endpoint_auth_method != "private_key_jwt":  # noqa: S105 - the word
        return ()
    return tuple(name for name in TEMPLATES if name != "app.py" or not client.requires_signed_authorization_response)


def snippet_text(file_name: str, client: RegisteredClient, *, issuer: str) -> str:
    """`file_name` is one of those offered to this client."""
    redirect_uri = client.redirect_uris[0]
    post_logout_redirect_uri = next(iter(client.get("post_logout_redirect_uris") or ()), None)
    parts = urlsplit(redirect_uri)
    claims = claims_parameter(client.get("prajak_claims") or ())
    text = render_template(
        TEMPLATES[file_name],
        name=comment(client.name("en")),
        issuer=issuer,
        insecure=issuer.startswith("http://"),
        client_id=client.client_id,
        redirect_uri=redirect_uri,
        post_logout_redirect_uri=post_logout_redirect_uri,
        callback_path=parts.path or "/",
        signed_out_path=urlsplit(post_logout_redirect_uri or "").path or "/",
        login_url=f"{parts.scheme}://{parts.netloc}/login",
        port=parts.port or DEFAULT_PORT,
        alg=assertion_algorithm(client),
        dpop=client.requires_dpop,
        signed=client.requires_signed_request_object or client.requires_signed_authorization_response,
        claims=python_literal(claims) if file_name.endswith(".py") else json.dumps(claims, indent=2),
    )
    return text.rstrip() + "\n"


def claims_parameter(registered: Any) -> dict[str, Any]:
    """OpenID Connect Core section 5.5, asking for exactly what was registered, the names in Thai too."""
    wanted: dict[str, Any] = {}
    for entry in registered:
        for name in (entry["claim"], f"{entry['claim']}#th"):
            if name in CATALOGUE:
                wanted[name] = {"essential": True} if entry.get("essential") else None
    if not any(entry["claim"] == VERIFIED_CLAIMS for entry in registered):
        return {"userinfo": wanted}
    verified = {name: want for name, want in wanted.items() if CATALOGUE[name].verifiable}
    plain = {name: want for name, want in wanted.items() if name not in verified}
    if verified:
        plain[VERIFIED_CLAIMS] = {"verification": {"trust_framework": None}, "claims": verified}
    return {"userinfo": plain}


def assertion_algorithm(client: RegisteredClient) -> str:
    """What was registered, or what the first key is good for."""
    keys = (client.get("jwks") or {}).get("keys") or [{"kty": "EC"}]
    registered = client.get("token_endpoint_auth_signing_alg")
    return str(registered or keys[0].get("alg") or ALGORITHMS.get(keys[0].get("kty", ""), "ES256"))


def python_literal(value: Any, depth: int = 0) -> str:
    """Like JSON with an indent, in Python's words."""
    if not isinstance(value, Mapping) or not value:
        return json.dumps(value) if isinstance(value, str) else repr(value)
    inner = INDENT * (depth + 1)
    lines = [f"{inner}{json.dumps(name)}: {python_literal(each, depth + 1)}," for name, each in value.items()]
    return "\n".join(["{", *lines, INDENT * depth + "}"])


def comment(name: str) -> str:
    """A name that stands in a comment or a docstring: letters, digits and plain signs, on one line."""
    return "".join(each for each in name if each.isalnum() or each in " .,:()-/&" or "\u0e00" <= each <= "\u0e7f")
