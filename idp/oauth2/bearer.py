"""Presenting an access token, RFC 6750 section 2 and RFC 9449 section 7, and refusing one, RFC 6750 section 3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from idp.errors import InsufficientScope, InvalidRequest, InvalidToken, OAuthError

Scheme = Literal["Bearer", "DPoP"]
MAX_ACCESS_TOKEN = 16 * 1024


@dataclass(frozen=True)
class PresentedToken:
    scheme: Scheme
    token: str


class NoToken(OAuthError):
    """RFC 6750 section 3.1: a request without authentication gets a challenge and no error code."""

    error = ""
    status = 401

    def parameters(self) -> dict[str, str]:
        return {}


def read_access_token(authorization: str, form: Mapping[str, str], query: Mapping[str, str]) -> PresentedToken:
    """Sections 2.1 and 2.2; never in the query (2.3), and in one way only."""
    if "access_token" in query:
        raise InvalidRequest("an access token must not be in the URL")
    scheme, _, token = authorization.partition(" ")
    in_form = form.get("access_token", "")
    if authorization and in_form:
        raise InvalidRequest("the access token was sent in more than one way")
    if in_form:
        scheme, token = "Bearer", in_form
    named: Mapping[str, Scheme] = {"bearer": "Bearer", "dpop": "DPoP"}
    if scheme.lower() not in named:
        raise NoToken
    token = token.strip()
    if not token or len(token) > MAX_ACCESS_TOKEN or not token.isascii() or not token.isprintable():
        raise InvalidToken("the access token is malformed")
    return PresentedToken(named[scheme.lower()], token)


def challenge(error: OAuthError, scheme: Scheme, *, scope: str = "", algorithms: str) -> str:
    """Section 3, and RFC 9449 section 7.1. The error stands with the scheme that was used; both are offered."""
    members = dict(error.challenge())
    if isinstance(error, InsufficientScope):
        members["scope"] = scope
    text = ", ".join(f'{name}="{value}"' for name, value in members.items())
    bearer = f"Bearer {text}" if text and scheme == "Bearer" else "Bearer"
    dpop = f'DPoP {text}, algs="{algorithms}"' if text and scheme == "DPoP" else f'DPoP algs="{algorithms}"'
    return f"{bearer}, {dpop}" if scheme == "Bearer" else f"{dpop}, {bearer}"
