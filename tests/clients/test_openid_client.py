"""npm openid-client over TLS: every way to connect, each from signing in to signing out, all its checks switched on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.clients.relying_party import REDIRECT_URI, SIGNED_OUT, sign_in, sign_out, signing_key

SCRIPT = "openid_client.mjs"
KEYED = {"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256"}


@dataclass(frozen=True)
class Way:
    """How a client connects: what it registers, what it uses, what it asks for."""

    metadata: dict[str, Any]
    use: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    token_type: str = "bearer"


WAYS = {
    "client_secret_basic": Way({"token_endpoint_auth_method": "client_secret_basic"}),
    "client_secret_post": Way({"token_endpoint_auth_method": "client_secret_post"}),
    "form_post": Way(KEYED, parameters={"response_mode": "form_post"}),
    "PAR": Way(KEYED, {"par": True}),
    "DPoP": Way(KEYED, {"dpop": "ES256"}, token_type="dpop"),
    "FAPI 2.0 Security Profile": Way(
        {"prajak_profile": "fapi2-security", **KEYED}, {"par": True, "dpop": "ES256"}, token_type="dpop"
    ),
}


@pytest.fixture(params=WAYS)
def way(request):
    return WAYS[request.param]


def test_a_citizen_signs_in_and_out(secure, citizen, relying_party, way):
    key = signing_key()
    metadata = {"redirect_uris": [REDIRECT_URI], "post_logout_redirect_uris": [SIGNED_OUT]}
    if way.metadata["token_endpoint_auth_method"] == "private_key_jwt":
        metadata["jwks"] = {"keys": [key.as_dict(private=False)]}
    registered = secure.register(**metadata, **way.metadata)
    party = relying_party(SCRIPT, registered, keys={"signing": key.as_dict(private=True)}, use=way.use)
    tokens = sign_in(party, citizen, scope="openid profile", **way.parameters)
    assert tokens["token_type"] == way.token_type
    assert tokens["claims"]["acr"].startswith("urn:prajak:sandbox:ial")
    assert party.ask("userinfo")["name"]
    assert sign_out(party, citizen).startswith(SIGNED_OUT)
