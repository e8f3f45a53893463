"""`prajak_record`: one agency asks for a citizen's record that another agency holds, once for each request.

`identifier` names the record in the catalogue and `locations` the API that serves it (RFC 9396 section 2.2); the
purpose is the asking agency's own, and its legal basis: where that is not the person's consent, the law is named.
"""

from __future__ import annotations

from typing import Any

from idp.errors import InvalidAuthorizationDetails
from idp.models.legal_basis import CONSENT, LEGAL_BASES
from idp.oauth2.authorization_details.schema import Detail, DetailType, is_just, is_text
from idp.oauth2.authorization_request import Asked


def is_one_location(value: Any, _: Asked) -> bool:
    return isinstance(value, list) and len(value) == 1 and isinstance(value[0], str)


def check_record(detail: Detail, asked: Asked) -> None:
    """The record is in the catalogue, is served there, and its holder offers it to this client."""
    entry = asked.records.find(detail["identifier"]) if asked.records else None
    if entry is None or asked.client.client_id not in entry.recipients:
        raise InvalidAuthorizationDetails("prajak_record: no such record is offered to this client")
    if detail["locations"] != [entry.resource]:
        raise InvalidAuthorizationDetails("prajak_record: locations must be the API that the catalogue names")
    if (detail["prajak_legal_basis"] != CONSENT) != ("prajak_law" in detail):
        raise InvalidAuthorizationDetails("prajak_record: prajak_law names the law, unless the basis is consent")


TYPE = DetailType(
    name="prajak_record",
    members={
        "type": is_just("prajak_record"),
        "identifier": is_text(80),
        "locations": is_one_location,
        "actions": is_just(["read"]),
        "prajak_purpose": is_text(300),
        "prajak_legal_basis": lambda value, _: isinstance(value, str) and value in LEGAL_BASES,
    },
    optional={"prajak_purpose#th": is_text(300), "prajak_law": is_text(300)},
    audience=lambda _detail, issuer: f"{issuer}/token",  # worth an exchange (RFC 8693) and nothing else
    check=check_record,
)
