"""All that an agency does with the provider: Authlib's Flask client, plus what Authlib 1.9 leaves to its user.

Those are pushed authorization requests (RFC 9126), the check of `iss` (RFC 9207), client assertions that live for a
minute, and the check that userinfo speaks of the person whom the ID token named (OpenID Connect Core section 5.3.2).
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from authlib.integrations.flask_client import FlaskOAuth2App, OAuth, OAuthError
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc7523.assertion import private_key_jwt_sign
from flask import Flask, Request
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from demo.agency.configuration import Configuration
from demo.agency.dpop import make_proof
from demo.agency.logout_token import verify_logout_token
from demo.agency.sessions import Sessions, SignedIn

ALGORITHM = "ES256"  # what the client registered as id_token_signed_response_alg and signs its assertions with
TIMEOUT = 5  # seconds for each call
ACR = re.compile(r"urn:prajak:(?P<kind>(sandbox:)?)ial(?P<ial>[1-3](\.[1-3])?):aal(?P<aal>[1-3])")


class ProviderError(Exception):
    """The provider said no, or said something that must not be believed. `error` is the registered code."""

    def __init__(self, error: str, description: str = "", nonce: str = "") -> None:
        """`nonce` is the one that the next DPoP proof shall have (RFC 9449 section 8)."""
        super().__init__(error)
        self.error = error
        self.description = description
        self.nonce = nonce


class ClientAssertion(PrivateKeyJWT):
    """RFC 7523, with the issuer as audience and one minute of life; Authlib's own lives for an hour."""

    alg = ALGORITHM

    def sign(self, auth: Any, token_endpoint: str) -> str:
        key: ECKey = auth.client_secret
        signed: str = private_key_jwt_sign(
            key,
            client_id=auth.client_id,
            token_endpoint=token_endpoint,
            alg=self.alg,
            header={"kid": key.kid or key.thumbprint()},
            expires_in=60,
        )
        return signed


class Provider:
    """The provider, seen from this agency."""

    def __init__(self, app: Flask, configuration: Configuration) -> None:
        self.configuration = configuration
        key = ECKey.import_key(json.loads(configuration.private_key.read_text("utf-8")))
        oauth = OAuth(app)
        self.client: FlaskOAuth2App = oauth.register(
            "provider",
            client_id=configuration.client_id,
            client_secret=key,
            server_metadata_url=f"{configuration.issuer}/.well-known/openid-configuration",
            client_auth_methods=[ClientAssertion(configuration.issuer)],  # type: ignore[no-untyped-call]
            client_kwargs={
                "scope": "openid",
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": "private_key_jwt",
                "default_timeout": TIMEOUT,
            },
        )

    def metadata(self) -> dict[str, Any]:
        """OpenID Connect Discovery section 4.3: what it says of itself must be what we were told."""
        metadata: dict[str, Any] = self.client.load_server_metadata()
        if metadata["issuer"] != self.configuration.issuer:
            raise ProviderError("invalid_issuer", "discovery names another issuer")
        return metadata

    def authorization_url(self, language: str, *, prompt: str = "") -> str:
        """To sign in."""
        claims = json.dumps(claims_parameter(self.configuration.office, language), ensure_ascii=False)
        wanted = {"claims": claims, "acr_values": self.configuration.acr, "ui_locales": language}
        return self.pushed_url(wanted | ({"prompt": prompt} if prompt else {}))[0]

    def details_url(self, details: list[dict[str, Any]], id_token: str, language: str) -> tuple[str, str]:
        """To ask whoever is signed in here for something more (RFC 9396); with the `state` of the answer."""
        text = json.dumps(details, ensure_ascii=False)
        wanted = {"authorization_details": text, "id_token_hint": id_token, "ui_locales": language}
        return self.pushed_url(wanted)

    def pushed_url(self, parameters: dict[str, str]) -> tuple[str, str]:
        """Pushes the request and returns where the browser goes; state, nonce and verifier wait in its cookie."""
        redirect_uri = self.configuration.redirect_uri
        metadata = self.metadata()
        authorization = self.client.create_authorization_url(redirect_uri, **parameters)
        request_uri = self.push(dict(parse_qsl(urlsplit(authorization["url"]).query)))
        self.client.save_authorize_data(redirect_uri=redirect_uri, **authorization)
        query = urlencode({"client_id": self.configuration.client_id, "request_uri": request_uri})
        return f"{metadata['authorization_endpoint']}?{query}", str(authorization["state"])

    def push(self, parameters: dict[str, str]) -> str:
        """RFC 9126 section 2.1; the client authenticates as at the token endpoint."""
        return str(self.post("pushed_authorization_request_endpoint", parameters).json()["request_uri"])

    def post(self, endpoint: str, form: dict[str, str], headers: dict[str, str] | None = None) -> Any:
        """As this client, to one of the provider's endpoints. Raises its error."""
        metadata = self.metadata()
        with self.client._get_oauth_client(**metadata) as session:  # noqa: SLF001 - Authlib names no public way
            response = session.post(
                metadata[endpoint],
                data=form,
                headers=headers or {},
                auth=session.client_auth("private_key_jwt"),
                withhold_token=True,
            )
        if response.status_code not in (HTTPStatus.OK, HTTPStatus.CREATED):
            answer = response.json()
            nonce = response.headers.get("DPoP-Nonce", "")
            raise ProviderError(answer.get("error", "invalid_request"), answer.get("error_description", ""), nonce)
        return response

    def complete(self, request: Request) -> SignedIn:
        """The callback: checks who answered, redeems the code, validates the ID token, asks for the data."""
        token = self.redeem(request)
        claims = dict(token["userinfo"])  # what Authlib calls so is the validated ID token
        if not is_sufficient(str(claims.get("acr")), wanted=self.configuration.acr):
            raise ProviderError("unmet_authentication_requirements", "this sign-in is not assured enough for us")
        return SignedIn(
            id_token=token["id_token"],
            id_claims=claims,
            access_token=token["access_token"],
            access_token_expires_at=float(token["expires_at"]),
            data=self.userinfo(token["access_token"], expected_sub=claims["sub"]),
        )

    def complete_details(self, request: Request, *, expected_sub: str) -> dict[str, Any]:
        """The callback of `details_url`: the token response, of the person who is signed in here."""
        token = self.redeem(request)
        if token["userinfo"]["sub"] != expected_sub:
            raise ProviderError("access_denied", "somebody else answered at the provider")
        return token

    def redeem(self, request: Request) -> dict[str, Any]:
        """Checks who answered, redeems the code, validates the ID token."""
        self.check_issuer(request.args.get("iss"))
        try:
            token: dict[str, Any] = self.client.authorize_access_token()
        except OAuthError as error:
            raise ProviderError(error.error, error.description or "") from error
        return token

    def exchange(self, access_token: str, *, resource: str, key: ECKey) -> str:
        """RFC 8693 section 2.1: the token for another agency's API, bound to the key (RFC 9449)."""
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": access_token,
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "resource": resource,
        }
        url = self.metadata()["token_endpoint"]
        try:
            response = self.post("token_endpoint", form, {"DPoP": make_proof(key, "POST", url)})
        except ProviderError as error:
            if error.error != "use_dpop_nonce":
                raise
            proof = make_proof(key, "POST", url, nonce=error.nonce)
            response = self.post("token_endpoint", form, {"DPoP": proof})
        return str(response.json()["access_token"])

    def introspect(self, token: str) -> dict[str, Any]:
        """RFC 7662 section 2: what a token stands for that our API was shown."""
        known: dict[str, Any] = self.post("introspection_endpoint", {"token": token}).json()
        return known

    def check_issuer(self, issuer: str | None) -> None:
        """RFC 9207 section 2.4, errors too: an answer mixed up from another provider is thrown away."""
        if issuer != self.metadata()["issuer"]:
            raise ProviderError("invalid_issuer", "the answer does not come from our provider")

    def userinfo(self, access_token: str, *, expected_sub: str) -> dict[str, Any]:
        """Raises invalid_token when consent was withdrawn, the session ended or the token expired."""
        token = {"access_token": access_token, "token_type": "Bearer"}
        response = self.client.get(self.metadata()["userinfo_endpoint"], token=token)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            raise ProviderError("invalid_token")
        response.raise_for_status()
        data: dict[str, Any] = response.json()
        if data.get("sub") != expected_sub:
            raise ProviderError("invalid_token", "userinfo speaks of someone else")
        return data

    def logout_url(self, id_token: str, language: str) -> str:
        """RP-Initiated Logout 1.0 section 2; Authlib's session keeps the state until the person is back."""
        response = self.client.logout_redirect(
            post_logout_redirect_uri=self.configuration.post_logout_redirect_uri,
            id_token_hint=id_token,
            client_id=self.configuration.client_id,
            ui_locales=language,
        )
        return str(response.location)

    def verify_logout_token(self, unverified_token: str, sessions: Sessions) -> dict[str, Any]:
        """Back-Channel Logout 1.0 section 2.6, with the keys of `jwks_uri`."""
        return verify_logout_token(
            unverified_token,
            self.keys(unverified_kid(unverified_token)),
            expected_issuer=self.configuration.issuer,
            expected_audience=self.configuration.client_id,
            algorithms=[ALGORITHM],
            spend=sessions.spend_logout_token,
        )

    def keys(self, kid: str | None) -> KeySet:
        """OpenID Connect Core section 10.1.1: keys rotate, so one that is not known is looked for once more."""
        keys = KeySet.import_key_set(self.client.fetch_jwk_set())
        if kid in [key.kid for key in keys.keys]:
            return keys
        return KeySet.import_key_set(self.client.fetch_jwk_set(force=True))


def claims_parameter(office: dict[str, Any], language: str) -> dict[str, Any]:
    """OpenID Connect for Identity Assurance: verified claims, each with its purpose in the person's language."""
    wanted = {claim["name"]: {"purpose": claim["purpose"][language]} for claim in office["claims"]}
    verification = {"trust_framework": None, "assurance_level": None, "time": None}
    verified = {"verification": verification, "claims": wanted}
    return {"userinfo": {"verified_claims": verified}}


def is_sufficient(acr: str, *, wanted: str) -> bool:
    """An `acr` answers for every lower one of its own kind; a sandbox's never passes for a real one."""
    have, least = ACR.fullmatch(acr), ACR.fullmatch(wanted)
    if not have or not least or have["kind"] != least["kind"]:
        return False
    return level(have["ial"]) >= level(least["ial"]) and have["aal"] >= least["aal"]


def level(text: str) -> list[int]:
    return [int(part) for part in text.split(".")]


def unverified_kid(unverified_token: str) -> str | None:
    """Only to choose a key; the signature is checked with it afterwards."""
    try:
        return str(jws.extract_compact(unverified_token.encode()).headers().get("kid"))
    except (JoseError, ValueError):
        return None
