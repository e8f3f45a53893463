"""OpenID Connect Front-Channel Logout 1.0: pages of the clients, loaded in hidden frames of our own page of goodbye.

A help beside the back channel, for a client that keeps its session in the browser alone: a browser that keeps cookies
of other sites out of frames lets it do nothing, and nobody hears whether it did.
"""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit, urlunsplit

from sqlalchemy import Connection

from idp.models.client import RegisteredClient, load_client
from idp.models.session_client import load_session_clients

METADATA = {"frontchannel_logout_supported": True, "frontchannel_logout_session_supported": True}


def frontchannel_logout_urls(connection: Connection, session_id: str, *, issuer: str) -> list[str]:
    """One for each client of the session that registered such a page."""
    found = []
    for client_id, sid, _sub in load_session_clients(connection, session_id):
        client = load_client(connection, client_id)
        if client is not None and client.get("frontchannel_logout_uri"):
            found.append(frontchannel_logout_url(client, issuer=issuer, sid=sid))
    return found


def frontchannel_logout_url(client: RegisteredClient, *, issuer: str, sid: str) -> str:
    """Section 2: `iss` and `sid` always, which a client that does not ask for them may ignore; its own query stays."""
    parts = urlsplit(str(client.get("frontchannel_logout_uri")))
    query = "&".join(part for part in (parts.query, urlencode({"iss": issuer, "sid": sid})) if part)
    return urlunsplit((*parts[:3], query, parts.fragment))
