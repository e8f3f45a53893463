"""One call of a protocol endpoint, as the rules need it: whoever serves HTTP makes it, and nobody below knows Flask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from idp.models.client import RegisteredClient
from idp.oauth2.one_time import OneTime


@dataclass(frozen=True)
class Call:
    """`url` is our own name of the endpoint, not what the request's Host header says. `client_certificate` is DER, and
    empty unless a trusted proxy saw one (RFC 9440); `origin` is the Origin header of a browser's client.
    """

    method: str
    url: str
    form: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    authorization: str = ""
    dpop: tuple[str, ...] = ()
    client_certificate: bytes = b""
    origin: str = ""
    accept: str = ""


@dataclass(frozen=True)
class AuthenticatedCall:
    """The same by a client that proved who it is. `cnf` is the key it holds (RFC 7800): {"jkt": …} by DPoP,
    {"x5t#S256": …} by mTLS, {} by none; `one_time` is what the act's transaction must spend.
    """

    call: Call
    client: RegisteredClient
    cnf: Mapping[str, str]
    one_time: tuple[OneTime, ...]

    @property
    def parameters(self) -> Mapping[str, str]:
        return self.call.form

    @property
    def jkt(self) -> str:
        """The thumbprint of its DPoP key, "" without one."""
        return self.cnf.get("jkt", "")


@dataclass(frozen=True)
class Reply:
    """`body` is JSON, or text of its own `content_type`; None for an answer without a body."""

    body: Mapping[str, Any] | str | None
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
