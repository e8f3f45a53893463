"""The one HTTP client: whatever this server fetches or calls goes out here.

Server-side request forgery is cut off at the address: the name is resolved once, every address it gives must be
public (or listed as allowed), and the connection goes to that very address. No redirect is followed, the answer has
a size limit, and the whole exchange has one time limit.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from time import monotonic
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx

from core.errors import PrajakError
from core.settings import Settings, is_loopback_host

MAX_BYTES = 1024 * 1024


class OutboundRefused(PrajakError):
    """The address may not be called: scheme, port or network. The text is safe for the agency's developer."""


class OutboundFailed(PrajakError):
    """No usable answer: unreachable, too slow, too large, a redirect. Try again later."""


@dataclass(frozen=True)
class Answer:
    status: int
    content_type: str
    body: bytes

    def json(self) -> Any:
        """Raises OutboundFailed for what is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise OutboundFailed("the answer is not JSON") from error


Resolve = Callable[[str, int], list[str]]


def resolve(host: str, port: int) -> list[str]:
    """Addresses of a host. Names below localhost are loopback (RFC 6761 section 6.3): not every resolver knows."""
    if is_loopback_host(host):
        return ["::1" if host == "::1" else "127.0.0.1"]
    try:
        return [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise OutboundFailed(f"{host} does not resolve") from error


class Outbound:
    """`trusted_hosts` are the deployment's own (the civil registry, the mail gateway): any network, and http."""

    def __init__(
        self, settings: Settings, *, trusted_hosts: frozenset[str] = frozenset(), lookup: Resolve = resolve
    ) -> None:
        self.settings = settings
        self.trusted_hosts = trusted_hosts
        self.lookup = lookup
        context = ssl.create_default_context()
        if settings.outbound_ca:
            context.load_verify_locations(cafile=str(settings.outbound_ca))
        self.client = httpx.Client(verify=context, follow_redirects=False, trust_env=False)

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int = MAX_BYTES,
        within: timedelta | None = None,
        plain: bool = False,
    ) -> Answer:
        """Raises OutboundRefused or OutboundFailed.

        `within` is less time than a call has by itself. `plain` takes http too: for what is signed and public, such as
        CRLs and OCSP (RFC 5280 section 8 warns of https there: its certificates would be asked about in turn).
        """
        return self._send("GET", url, b"", headers or {}, max_bytes=max_bytes, within=within, plain=plain)

    def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int = MAX_BYTES,
        within: timedelta | None = None,
        plain: bool = False,
    ) -> Answer:
        """Raises OutboundRefused or OutboundFailed; `within` and `plain` as in `get`."""
        return self._send("POST", url, body, headers or {}, max_bytes=max_bytes, within=within, plain=plain)

    def close(self) -> None:
        self.client.close()

    def _send(
        self,
        method: str,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        max_bytes: int,
        within: timedelta | None,
        plain: bool,
    ) -> Answer:
        longest = self.settings.outbound_timeout
        deadline = monotonic() + min(longest, within or longest).total_seconds()
        address, pinned, host = self._pin(url, plain=plain)
        sent = {**headers, "Host": host}
        remaining = max(deadline - monotonic(), 0.01)
        request = self.client.build_request(
            method, pinned, content=body or None, headers=sent, timeout=remaining,
            extensions={"sni_hostname": address},
        )  # fmt: skip
        try:
            response = self.client.send(request, stream=True)
            try:
                return read_answer(response, deadline, max_bytes)
            finally:
                response.close()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise OutboundFailed(f"{address} gave no usable answer") from error

    def _pin(self, url: str, *, plain: bool) -> tuple[str, str, str]:
        """The host's name, the URL with its name replaced by one checked address, and the Host header."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise OutboundRefused("this is not a URL") from error
        if parts.scheme not in ("http", "https") or not host or parts.username or parts.password:
            raise OutboundRefused("only https URLs without a user name are called")
        if parts.scheme == "http" and not plain and not self._may_be_plain(host):
            raise OutboundRefused("only https URLs are called")
        addresses = self.lookup(host, port or (443 if parts.scheme == "https" else 80))
        if not addresses or not all(self._may_be_called(host, ip_address(each)) for each in addresses):
            raise OutboundRefused(f"{host} is in a network that is not called")
        literal = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
        netloc = literal if port is None else f"{literal}:{port}"
        return host, urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, "")), parts.netloc

    def _may_be_plain(self, host: str) -> bool:
        return host in self.trusted_hosts or (self.settings.sandbox and is_loopback_host(host))

    def _may_be_called(self, host: str, address: IPv4Address | IPv6Address) -> bool:
        if host in self.trusted_hosts or (self.settings.sandbox and is_loopback_host(host)):
            return True
        mapped = getattr(address, "ipv4_mapped", None)
        return (mapped or address).is_global and not address.is_multicast


def read_answer(response: httpx.Response, deadline: float, max_bytes: int) -> Answer:
    """Reads at most `max_bytes` before the deadline; a redirect is no answer."""
    if response.is_redirect:
        raise OutboundFailed("redirects are not followed")
    body = bytearray()
    for part in response.iter_bytes():
        body += part
        if len(body) > max_bytes:
            raise OutboundFailed("the answer is too large")
        if monotonic() > deadline:
            raise OutboundFailed("the answer took too long")
    return Answer(response.status_code, response.headers.get("content-type", ""), bytes(body))
