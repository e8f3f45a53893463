"""npm oauth4webapi over TLS: a native app's way, each step of the protocol called by itself."""

from __future__ import annotations

from tests.clients.relying_party import REDIRECT_URI, SIGNED_OUT, sign_in, sign_out, signing_key

SCRIPT = "oauth4webapi.mjs"
FAPI = {"prajak_profile": "fapi2-security", "token_endpoint_auth_method": "private_key_jwt"}


def test_a_citizen_signs_in_and_out(secure, citizen, relying_party):
    key = signing_key()
    registered = secure.register(
        redirect_uris=[REDIRECT_URI],
        post_logout_redirect_uris=[SIGNED_OUT],
        jwks={"keys": [key.as_dict(private=False)]},
        **FAPI,
    )
    party = relying_party(SCRIPT, registered, keys={"signing": key.as_dict(private=True)})
    tokens = sign_in(party, citizen, scope="openid profile")
    assert tokens["token_type"] == "dpop"
    assert party.ask("userinfo")["sub"] == tokens["claims"]["sub"]
    assert sign_out(party, citizen).startswith(SIGNED_OUT)
