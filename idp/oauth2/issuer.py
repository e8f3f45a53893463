"""Authorization server issuer identification, RFC 9207: `iss` in every authorization response, errors too."""

from __future__ import annotations

METADATA = {"authorization_response_iss_parameter_supported": True}


def with_issuer(response: dict[str, str], issuer: str) -> dict[str, str]:
    """Section 2."""
    return response | {"iss": issuer}
