"""OpenID Connect RP-Initiated Logout 1.0: what a request for logout may ask, and where it may lead.

Ending the session, and asking the person whether they want that, is the interaction's; here is what the request means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from idp.errors import InvalidRequest
from idp.models.client import RegisteredClient
from idp.models.session_client import client_sid
from idp.oauth2.parameters import check_line
from idp.oidc.id_token import verify_hint


@dataclass(frozen=True)
class LogoutRequest:
    """`client` is None where nobody is named. `sid` and `sub` are what a valid id_token_hint says, else ""."""

    client: RegisteredClient | None
    post_logout_redirect_uri: str
    state: str
    sid: str
    sub: str

    def names_session(self, session_id: str) -> bool:
        """Whether the hint is of this very session: the client then knows whom it logs out."""
        return self.client is not None and self.sid == client_sid(session_id, self.client.client_id)

    @property
    def return_url(self) -> str:
        """Section 3: where the person goes afterwards, with `state`; "" for our own page."""
        if not self.post_logout_redirect_uri or not self.state:
            return self.post_logout_redirect_uri
        parts = urlsplit(self.post_logout_redirect_uri)
        query = "&".join(part for part in (parts.query, urlencode({"state": self.state})) if part)
        return urlunsplit((*parts[:3], query, parts.fragment))


def validate_logout_request(
    parameters: Mapping[str, str],
    *,
    issuer: str,
    keys: Sequence[Mapping[str, Any]],
    load_client: Callable[[str], RegisteredClient | None],
) -> LogoutRequest:
    """Section 2. Raises InvalidRequest, which is shown as a page: nothing unverified is ever redirected to."""
    named = parameters.get("client_id")
    hint: Mapping[str, Any] = {}
    if "id_token_hint" in parameters:
        hint = verify_hint(parameters["id_token_hint"], issuer=issuer, client_id=named, keys=keys)
    client_id = named or hint.get("aud")
    client = load_client(str(client_id)) if client_id else None
    if client_id and client is None:
        raise InvalidRequest("the client is not registered here")
    return LogoutRequest(
        client=client,
        post_logout_redirect_uri=check_post_logout_redirect_uri(client, parameters),
        state=check_line("state", parameters.get("state", ""), longest=2000),
        sid=str(hint.get("sid", "")),
        sub=str(hint.get("sub", "")),
    )


def check_post_logout_redirect_uri(client: RegisteredClient | None, parameters: Mapping[str, str]) -> str:
    """Section 3: exactly one of those registered, of a client that is named."""
    uri = parameters.get("post_logout_redirect_uri", "")
    if not uri:
        return ""
    if client is None:
        raise InvalidRequest("post_logout_redirect_uri needs an id_token_hint or a client_id")
    if uri not in client.get("post_logout_redirect_uris", ()):
        raise InvalidRequest("post_logout_redirect_uri is not one of those registered for this client")
    return uri
