"""Authlib over TLS: its OAuth 2.0 session with PKCE, and its OpenID Connect checks of the ID token."""

from __future__ import annotations

from time import time
from urllib.parse import parse_qs, urlsplit

import pytest
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core import CodeIDToken, UserInfo
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.clients.relying_party import REDIRECT_URI, SIGNED_OUT, signing_key

NONCE = "n-0S6_WzA2Mj"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
METHODS = ["client_secret_basic", "private_key_jwt"]


class BriefAssertion(PrivateKeyJWT):
    """Authlib's own would live an hour; and its claims, if given once, keep their first `jti`."""

    def sign(self, auth, token_endpoint):
        self.claims = {"exp": int(time()) + 60}
        return super().sign(auth, token_endpoint)


@pytest.fixture(params=METHODS)
def client(request, secure):
    key, keyed = signing_key(), request.param == "private_key_jwt"
    registered = secure.register(
        redirect_uris=[REDIRECT_URI],
        post_logout_redirect_uris=[SIGNED_OUT],
        grant_types=["authorization_code", "refresh_token"],
        scope="openid profile offline_access",
        token_endpoint_auth_method=request.param,
        **({"jwks": {"keys": [key.as_dict(private=False)]}} if keyed else {}),
    )
    session = OAuth2Session(
        client_id=registered["client_id"],
        client_secret=key if keyed else registered["client_secret"],
        token_endpoint_auth_method=request.param,
        revocation_endpoint_auth_method=request.param,
        redirect_uri=REDIRECT_URI,
        scope="openid profile offline_access",
        code_challenge_method="S256",
    )
    session.register_client_auth_method(BriefAssertion(secure.issuer, alg="ES256"))  # the issuer is the audience
    session.verify, session.trust_env = str(secure.authority.ca_file), False
    yield session
    session.close()


def sign_in(client, citizen, metadata):
    url, state = client.create_authorization_url(
        metadata["authorization_endpoint"], nonce=NONCE, code_verifier=VERIFIER, prompt="consent"
    )
    citizen.open(url)
    arrived = str(citizen.sign_in_as("malee").url)
    assert parse_qs(urlsplit(arrived).query)["iss"] == [metadata["issuer"]]
    return client.fetch_token(
        metadata["token_endpoint"], authorization_response=arrived, state=state, code_verifier=VERIFIER
    )


def id_token_of(client, tokens, metadata):
    """Verified by its signature, then by OpenID Connect's rules as Authlib has them."""
    keys = KeySet.import_key_set(client.get(metadata["jwks_uri"], withhold_token=True).json())
    verified = jwt.decode(tokens["id_token"], keys, algorithms=metadata["id_token_signing_alg_values_supported"])
    told = {"nonce": NONCE, "client_id": client.client_id, "access_token": tokens["access_token"]}
    options = {"iss": {"essential": True, "value": metadata["issuer"]}}
    claims = CodeIDToken(verified.claims, verified.header, options, told)
    claims.validate()
    return claims


def test_a_citizen_signs_in_the_client_refreshes_and_both_sign_out(client, citizen, secure):
    metadata = secure.metadata
    tokens = sign_in(client, citizen, metadata)
    userinfo = UserInfo(client.get(metadata["userinfo_endpoint"]).json())
    assert userinfo.sub == id_token_of(client, tokens, metadata)["sub"]
    assert userinfo.name
    refreshed = client.refresh_token(metadata["token_endpoint"], refresh_token=tokens["refresh_token"])
    assert refreshed["access_token"] != tokens["access_token"]
    assert client.get(metadata["userinfo_endpoint"]).json()["sub"] == userinfo.sub
    asked = {"token": refreshed["access_token"]}
    assert client.introspect_token(metadata["introspection_endpoint"], **asked).json()["active"] is True
    revoked = client.revoke_token(metadata["revocation_endpoint"], **asked)
    assert revoked.status_code == 200, revoked.text
    assert client.introspect_token(metadata["introspection_endpoint"], **asked).json()["active"] is False
    citizen.open(f"{metadata['end_session_endpoint']}?id_token_hint={tokens['id_token']}"
                 f"&post_logout_redirect_uri={SIGNED_OUT}")  # fmt: skip
    assert str(citizen.press("logout-confirm").url).startswith(SIGNED_OUT)
