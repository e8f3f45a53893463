"""Initiating login from a third party, OpenID Connect Core section 4: the third party is the citizen's own place.

The link only asks the service to begin: whatever is signed, and checked, is in the request that it then makes itself.
"""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit, urlunsplit

from idp.models.client import RegisteredClient


def initiate_login_url(client: RegisteredClient, *, issuer: str, target_link_uri: str = "") -> str:
    """Empty for a client that registered no such address. No `login_hint`: nothing personal travels in a link."""
    registered = str(client.get("initiate_login_uri") or "")
    if not registered:
        return ""
    added = {"iss": issuer} | ({"target_link_uri": target_link_uri} if target_link_uri else {})
    parts = urlsplit(registered)
    query = "&".join(part for part in (parts.query, urlencode(added)) if part)
    return urlunsplit((*parts[:3], query, parts.fragment))
