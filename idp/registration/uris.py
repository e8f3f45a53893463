"""The addresses in client metadata: https, or what RFC 8252 gives to native apps, or loopback in the sandbox."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import SplitResult, urlsplit

from core.settings import is_loopback_host
from idp.registration.problems import Wrong

LONGEST = 1000
PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")  # RFC 8252 section 7.1: a reversed domain name
# Of a name, or of an IPv6 address without its brackets: some hosts stand in our Content-Security-Policy later, where
# `;` and `,` begin something new and `*` is everybody.
HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
NATIVE_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def parse(value: Any) -> SplitResult:
    """What every address must be, whatever it is for."""
    if not isinstance(value, str) or not value:
        raise Wrong("This must be an address such as https://agency.example/path.")
    if len(value) > LONGEST:
        raise Wrong("This address is longer than %(limit)s characters.", limit=LONGEST)
    if not value.isascii() or not value.isprintable() or " " in value or "\\" in value:
        raise Wrong("%(address)s has a character that must be percent-encoded.", address=value)
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - raises for what is no port
    except ValueError as error:
        raise Wrong("%(address)s is not an address.", address=value) from error
    if not parts.scheme:
        raise Wrong("%(address)s does not begin with https://.", address=value)
    if parts.username is not None or parts.password is not None:
        raise Wrong("%(address)s has a user name in it.", address=value)
    return parts


def check_web_address(value: Any, *, sandbox: bool) -> str:
    """For pages, logos, key sets and back channels."""
    parts = parse(value)
    if parts.fragment or str(value).endswith("#"):
        raise Wrong("%(address)s has a fragment: remove # and what follows.", address=value)
    check_scheme(parts, str(value), sandbox=sandbox)
    return str(value)


def check_request_uri(value: Any, *, sandbox: bool) -> str:
    """OpenID Connect Core section 6.2: a fragment may hold the hash of what is there, so that a change is noticed."""
    parts = parse(value)
    check_scheme(parts, str(value), sandbox=sandbox)
    return str(value)


def check_redirect_address(value: Any, *, sandbox: bool, native: bool) -> str:
    """RFC 6749 section 3.1.2, RFC 9700 section 2.1, RFC 8252 section 7: it will be compared character by character."""
    parts = parse(value)
    address = str(value)
    if parts.fragment or address.endswith("#"):
        raise Wrong("%(address)s has a fragment: remove # and what follows.", address=address)
    if "*" in address:
        raise Wrong("%(address)s has a wildcard: list every address in full.", address=address)
    if native and parts.scheme == "http" and parts.hostname in NATIVE_LOOPBACK:
        return address
    if native and parts.scheme not in ("http", "https"):
        if not PRIVATE_SCHEME.fullmatch(parts.scheme) or parts.netloc:
            raise Wrong(
                "%(address)s: an app's own scheme is a domain name reversed, as in com.example.app:/callback.",
                address=address,
            )
        return address
    check_scheme(parts, address, sandbox=sandbox)
    return address


def check_scheme(parts: SplitResult, address: str, *, sandbox: bool) -> None:
    if parts.hostname and not HOST.fullmatch(parts.hostname):
        raise Wrong("%(address)s is not an address.", address=address)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and is_loopback_host(parts.hostname or ""):
        if sandbox:
            return
        raise Wrong("%(address)s is on your own machine: only the sandbox takes that.", address=address)
    raise Wrong("%(address)s must begin with https://.", address=address)
