"""JWT-secured authorization responses (JARM): the whole answer as one JWT in the parameter `response`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from core.clock import timestamp
from core.ground import Ground
from idp.errors import InvalidRequest
from idp.models.client import RegisteredClient
from idp.models.jose import ENCRYPTION_ALGORITHMS, ENCRYPTION_METHODS, SIGNING_ALGORITHMS
from idp.oauth2.answer_jwt import sign_for_client
from keys.keystore import Keystore
from keys.purposes import Purpose

LIFETIME = timedelta(minutes=5)  # section 2.1 recommends at most ten
MODES: Mapping[str, str] = {  # section 2.3: how each one travels; `jwt` is the default of the response type code
    "jwt": "query",
    "query.jwt": "query",
    "fragment.jwt": "fragment",
    "form_post.jwt": "form_post",
}
METADATA = {
    "authorization_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
    "authorization_encryption_alg_values_supported": list(ENCRYPTION_ALGORITHMS),
    "authorization_encryption_enc_values_supported": list(ENCRYPTION_METHODS),
}


def check_mode(client: RegisteredClient, mode: str) -> None:
    """FAPI 2.0 Message Signing section 5.4.1."""
    if client.requires_signed_authorization_response and mode not in MODES:
        raise InvalidRequest(f"response_mode must be one of {', '.join(MODES)} for this client")


def default_mode(client: RegisteredClient) -> str:
    """Where the request names none."""
    return "jwt" if client.requires_signed_authorization_response else "query"


def signed_response(
    ground: Ground, keystore: Keystore, client: RegisteredClient, fields: Mapping[str, str]
) -> dict[str, str]:
    """Sections 2.1 and 2.2. `iss` is in the JWT, and so not beside it (RFC 9207 section 2)."""
    claims = {
        **fields,
        "iss": ground.settings.issuer,
        "aud": client.client_id,
        "exp": timestamp(ground.clock.now() + LIFETIME),
    }
    purpose, prefix = Purpose.AUTHORIZATION_RESPONSE, "authorization"
    return {"response": sign_for_client(keystore, client, purpose, claims, typ="JWT", prefix=prefix)}
