"""Pushed authorization requests, RFC 9126. Every refusal is a 4xx JSON body (section 2.3), never a redirect."""

from __future__ import annotations

import re
from datetime import datetime

from sqlalchemy import Connection

from core.identifiers import new_id
from idp.errors import InvalidRequestUri
from idp.models.pushed_request import load_pushed_request, record_pushed_request

PREFIX = "urn:ietf:params:oauth:request_uri:"  # section 2.2
REFERENCE = re.compile(r"[A-Za-z0-9_-]{22}")
METADATA = {"require_pushed_authorization_requests": False}


def record(connection: Connection, *, client_id: str, request: str, expires_at: datetime) -> str:
    """Keeps a validated request and returns its `request_uri`."""
    reference = new_id()
    record_pushed_request(connection, reference=reference, client_id=client_id, request=request, expires_at=expires_at)
    return PREFIX + reference


def is_reference(request_uri: str) -> bool:
    """One of ours; others would be fetched, which this server does not."""
    return request_uri.startswith(PREFIX)


def load(connection: Connection, request_uri: str, *, client_id: str, now: datetime) -> tuple[str, str]:
    """Section 4: (reference, request as JSON). It is bound to its client, and gone once it was answered."""
    reference = request_uri.removeprefix(PREFIX)
    found = None
    if REFERENCE.fullmatch(reference):
        found = load_pushed_request(connection, reference, client_id=client_id, now=now)
    if found is None:
        raise InvalidRequestUri("request_uri is unknown, expired, used, or another client's")
    return reference, found
