"""Trying a service in the sandbox: the whole code flow, run by the console in the service's place.

It is a relying party like any other, through PAR, `private_key_jwt` and PKCE, and knows only what discovery says. It
signs in under a twin of the service: the same names, claims and sector (so the same `sub`), but the console's own key
and redirect URI. So nothing of the service's need run yet, and its private key stays where it is.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import insert, update

from core.clock import timestamp
from core.errors import PersonError
from core.identifiers import new_secret
from idp.admin.services import ConsoleServices, ProviderClient
from idp.admin.snippets import claims_parameter
from idp.models.client import Client, ClientStatus, RegisteredClient
from keys.jwt import sign_jwt
from keys.purposes import Purpose

TWIN = "try-"
KIND = "console-try"
LIFETIME = timedelta(minutes=30)  # as long as a sign-in may take
ASSERTION_LIFETIME = 60  # seconds
ALGORITHM = "ES256"
KEPT = ("client_name", "client_name#th", "client_uri", "policy_uri", "tos_uri", "prajak_claims", "scope")
TOO_OLD = "This test has run out, or its answer was used already. Start it again."


@dataclass(frozen=True)
class Outcome:
    """What the service would have received; `error` is empty when it went well."""

    client_id: str
    id_token: Mapping[str, Any]
    userinfo: Mapping[str, Any]
    error: str = ""
    description: str = ""


class Trial:
    def __init__(self, services: ConsoleServices) -> None:
        self.services = services
        self.issuer = services.ground.settings.issuer

    def begin(self, client: RegisteredClient) -> str:
        """Pushes the request; returns where the browser goes."""
        twin, state, nonce, verifier = self.make_twin(client), new_secret(), new_secret(), new_secret()
        parameters = {
            "response_type": "code",
            "redirect_uri": self.redirect_uri(client.client_id),
            "scope": "openid",
            "prompt": "login",  # never with the developer's own session
            "state": state,
            "nonce": nonce,
            "code_challenge": urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "claims": json.dumps(claims_parameter(client.get("prajak_claims") or ())),
        }
        with self.services.open_provider() as provider:
            endpoints = provider.get("/.well-known/openid-configuration").json()
            answer = self.call(provider, endpoints["pushed_authorization_request_endpoint"], twin, parameters)
        kept = {"client_id": client.client_id, "nonce": nonce, "verifier": verifier}
        self.services.ground.ephemeral.put(KIND, state, json.dumps(kept).encode(), LIFETIME)
        query = urlencode({"client_id": twin, "request_uri": answer["request_uri"]})
        return f"{endpoints['authorization_endpoint']}?{query}"

    def finish(self, client_id: str, answer: Mapping[str, str]) -> Outcome:
        """Raises PersonError for an answer that was not asked for, or comes twice."""
        stored = self.services.ground.ephemeral.take(KIND, answer.get("state", ""))
        kept = json.loads(stored) if stored else {}
        if kept.get("client_id") != client_id or answer.get("iss") != self.issuer:
            raise PersonError(TOO_OLD)
        if "code" not in answer:
            return Outcome(client_id, {}, {}, answer.get("error", ""), answer.get("error_description", ""))
        parameters = {
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": self.redirect_uri(client_id),
            "code_verifier": kept["verifier"],
        }
        with self.services.open_provider() as provider:
            endpoints = provider.get("/.well-known/openid-configuration").json()
            tokens = self.call(provider, endpoints["token_endpoint"], TWIN + client_id, parameters)
            headers = {"Authorization": f"Bearer {tokens['access_token']}"}
            userinfo = provider.get(endpoints["userinfo_endpoint"], headers=headers).json()
            keys = provider.get(endpoints["jwks_uri"]).json()
        return Outcome(client_id, self.validated(tokens["id_token"], keys, client_id, kept["nonce"]), userinfo)

    def validated(self, id_token: str, keys: Any, client_id: str, nonce: str) -> dict[str, Any]:
        """OpenID Connect Core section 3.1.3.7."""
        registry = jwt.JWTClaimsRegistry(
            now=timestamp(self.services.ground.clock.now()),
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": TWIN + client_id},
            nonce={"essential": True, "value": nonce},
            exp={"essential": True},
        )
        try:
            token = jwt.decode(id_token, KeySet.import_key_set(keys), algorithms=[ALGORITHM])
            registry.validate(token.claims)
        except JoseError as error:
            raise PersonError(TOO_OLD) from error
        return dict(token.claims)

    def call(self, provider: ProviderClient, url: str, client_id: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Authenticated as the twin; raises PersonError with the provider's own words."""
        proof = {
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": self.assertion(client_id),
        }
        response = provider.post(url, data={**parameters, **proof})
        answer: dict[str, Any] = response.json()
        if not response.is_success:
            why = f"{answer.get('error')}: {answer.get('error_description', '')}"
            raise PersonError("The provider refused the request: %(why)s", why=why)
        return answer

    def assertion(self, client_id: str) -> str:
        """RFC 7523 section 3."""
        now = timestamp(self.services.ground.clock.now())
        claims = {"iss": client_id, "sub": client_id, "aud": self.issuer, "jti": new_secret(), "iat": now}
        signer = self.services.keystore.active(Purpose.CLIENT_ASSERTION)
        return sign_jwt(signer, claims | {"exp": now + ASSERTION_LIFETIME}, typ="client-authentication+jwt")

    def make_twin(self, client: RegisteredClient) -> str:
        """Renewed each time, so that it asks for what the service asks for now."""
        ground, client_id = self.services.ground, TWIN + client.client_id
        keys = self.services.keystore.published([Purpose.CLIENT_ASSERTION])
        metadata = {name: client.metadata[name] for name in KEPT if name in client.metadata} | {
            "client_id": client_id,
            "redirect_uris": [self.redirect_uri(client.client_id)],
            "response_types": ["code"],
            "grant_types": ["authorization_code"],
            "token_endpoint_auth_method": "private_key_jwt",
            "id_token_signed_response_alg": ALGORITHM,
            "subject_type": "pairwise",
            "prajak_profile": "oidc-basic",
        }
        row = {
            "client_id": client_id,
            "agency_id": client.agency_id,
            "status": ClientStatus.SANDBOX,
            "metadata_json": json.dumps(metadata, ensure_ascii=False),
            "sector_identifier": client.sector_identifier,
            "jwks": json.dumps({"keys": keys}),
            "updated_at": ground.clock.now(),
        }
        with ground.database.write() as connection:
            renewed = update(Client).where(Client.client_id == client_id).values(**row)
            if not connection.execute(renewed).rowcount:
                connection.execute(insert(Client), row | {"logo_type": "", "created_at": ground.clock.now()})
        self.services.clients.forget(client_id)
        return client_id

    def redirect_uri(self, client_id: str) -> str:
        return f"{self.issuer}/console/clients/{client_id}/try/callback"
