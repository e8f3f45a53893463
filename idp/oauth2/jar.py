"""JWT-secured authorization requests, RFC 9101: the request as an object that the client signed, and may encrypt.

`RequestObjects.read` is what turns parameters into the ones that count; the numbers stand at the steps again:

1. by value, or fetched from an address that the client registered   2. decrypted (section 6.1)
3. verified with the client's registered keys (section 6.2)           4. made for us, now, by this client (section 4)
5. its parameters alone are used, whatever stands beside it (section 6.3)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from core.ground import Ground
from core.outbound import OutboundFailed, OutboundRefused
from idp.errors import InvalidRequest, InvalidRequestObject, InvalidRequestUri, TemporarilyUnavailable
from idp.models.client import RegisteredClient
from idp.models.jose import ENCRYPTION_ALGORITHMS, ENCRYPTION_METHODS, VERIFYING_ALGORITHMS
from idp.oauth2.authorization_request import Asked
from idp.oauth2.client_authentication import RefreshKeys
from idp.oauth2.client_signature import verify_by_client
from idp.oauth2.compact_jwe import MAX_JWE, decrypt, is_encrypted
from idp.oauth2.compact_jws import BadToken, UnverifiedToken, numeric_date, parse_unverified, read_object
from idp.oauth2.parameters import REPEATABLE, repeated
from keys.keystore import Keystore
from keys.purposes import Purpose

METADATA = {
    "request_parameter_supported": True,
    "request_uri_parameter_supported": True,
    "require_request_uri_registration": True,  # OpenID Connect Discovery section 3
    "require_signed_request_object": False,  # RFC 9101 section 10.5: some clients must, see `prajak_profile`
    "request_object_signing_alg_values_supported": list(VERIFYING_ALGORITHMS),
    "request_object_encryption_alg_values_supported": list(ENCRYPTION_ALGORITHMS),
    "request_object_encryption_enc_values_supported": list(ENCRYPTION_METHODS),
}
TYPES = (None, "JWT", "jwt", "oauth-authz-req+jwt", "application/oauth-authz-req+jwt")  # section 10.8
OF_THE_JWT = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti", "sub"})  # RFC 7519, not parameters
ACCEPT = {"Accept": "application/oauth-authz-req+jwt, application/jwt"}  # section 9.4
WINDOW = timedelta(minutes=1)
FETCHES = 60  # for each client and source: whoever knows its address locks out himself, and not the client's people
FETCHES_OF_ALL = 600  # for each client: nobody sends us there without end


@dataclass(frozen=True)
class AskedFor:
    """The parameters that count. `signed` says that the client vouched for each of them."""

    parameters: Mapping[str, str]
    signed: bool = False


class RequestObjects:
    def __init__(self, ground: Ground, keystore: Keystore, refresh_keys: RefreshKeys) -> None:
        self.ground = ground
        self.keystore = keystore
        self.refresh_keys = refresh_keys

    def read(self, client: RegisteredClient, parameters: Mapping[str, str], *, source: str = "") -> AskedFor:
        """Section 6; `source` is where the request came from. Raises InvalidRequest, InvalidRequestUri,
        InvalidRequestObject and TemporarilyUnavailable.
        """
        if "request" not in parameters and "request_uri" not in parameters:
            return AskedFor(parameters)
        if "request" in parameters and "request_uri" in parameters:
            raise InvalidRequest("request and request_uri exclude each other")  # section 5
        request_object = parameters.get("request") or self._fetch(client, parameters["request_uri"], source)  # 1
        try:
            claims = self._verified(request_object, client)
            self._check_claims(claims, client)  # 4
            return AskedFor(parameters_of(claims), signed=True)  # 5
        except BadToken as error:
            raise InvalidRequestObject(f"request object: {error}") from error

    def _verified(self, request_object: str, client: RegisteredClient) -> Mapping[str, Any]:
        """Section 6.1 and 6.2. Registration section 2: encryption stays the client's choice, the signature's algorithm
        does not.
        """
        if is_encrypted(request_object):
            check_encryption(request_object, client)
            request_object = decrypt(request_object, self.keystore, Purpose.REQUEST_OBJECT)  # 2
        token = parse_unverified(request_object)
        check_type(token)
        algorithms = allowed_algorithms(client)
        return verify_by_client(token, client, algorithms=algorithms, refresh_keys=self.refresh_keys)  # 3

    def _fetch(self, client: RegisteredClient, request_uri: str, source: str) -> str:
        """Section 5.2.3. Only what was registered, character by character: no way to make us call somebody else."""
        if request_uri not in (client.get("request_uris") or ()):
            raise InvalidRequestUri("request_uri is not one of those registered for this client")
        for key, limit in ((f"{client.client_id} {source}", FETCHES), (client.client_id, FETCHES_OF_ALL)):
            if self.ground.ephemeral.count("request-uri", key, WINDOW) > limit:
                raise TemporarilyUnavailable("request_uri was fetched too often; try again in a minute")
        try:
            answer = self.ground.outbound.get(request_uri, headers=ACCEPT, max_bytes=MAX_JWE)
        except (OutboundFailed, OutboundRefused) as error:
            raise InvalidRequestUri(f"request_uri: {error}") from error
        if answer.status != 200:  # noqa: PLR2004 - RFC 9110: the only one that has the object
            raise InvalidRequestUri(f"request_uri: the answer was {answer.status}")
        return answer.body.decode("ascii", errors="replace").strip()

    def _check_claims(self, claims: Mapping[str, Any], client: RegisteredClient) -> None:
        settings, now = self.ground.settings, self.ground.clock.now()
        check_parties(claims, client, settings.issuer)
        check_times(claims, client, now, settings.clock_skew)


def check_encryption(request_object: str, client: RegisteredClient) -> None:
    """FAPI 2.0 Security Profile section 5.4.1: what the client's profile allows."""
    allowed = client.profile.encryption_algorithms
    if read_object(request_object.partition(".")[0]).get("alg") not in allowed:
        raise BadToken(f"alg of the encryption must be one of {', '.join(allowed)}")


def check_type(token: UnverifiedToken) -> None:
    """Section 10.8: another JWT that the client signed is no request."""
    if token.header.get("typ") not in TYPES:
        raise BadToken("typ must be oauth-authz-req+jwt or JWT")


def allowed_algorithms(client: RegisteredClient) -> tuple[str, ...]:
    """OpenID Connect Registration section 2: request_object_signing_alg narrows it to one; never `none`."""
    registered = client.get("request_object_signing_alg")
    return (registered,) if registered else client.profile.assertion_algorithms


def check_parties(claims: Mapping[str, Any], client: RegisteredClient, issuer: str) -> None:
    """Sections 4 and 5. An assertion names its client as `sub` (RFC 7523 section 3): it is refused here (10.8)."""
    if claims.get("client_id") != client.client_id:
        raise BadToken("client_id must be in it, the same as outside")
    if claims.get("iss", client.client_id) != client.client_id:
        raise BadToken("iss must be the client_id")
    if claims.get("sub") == client.client_id:
        raise BadToken("sub must not be the client_id")
    audience = claims.get("aud")
    if audience is None and not client.profile.request_object_must_expire:
        return
    if issuer not in (audience if isinstance(audience, list) else [audience]):
        raise BadToken(f"aud must be {issuer}")


def check_times(claims: Mapping[str, Any], client: RegisteredClient, now: datetime, skew: timedelta) -> None:
    """RFC 7519 sections 4.1.4 and 4.1.5; FAPI 2.0 Message Signing section 5.3.1: how long it may be of use."""
    profile = client.profile
    begins, ends = (date_of(claims, name) for name in ("nbf", "exp"))
    if ends is not None and ends <= now - skew:
        raise BadToken("exp is past")
    for name, date in (("nbf", begins), ("iat", date_of(claims, "iat"))):
        if date is not None and date > now + skew:
            raise BadToken(f"{name} is in the future")
    if not profile.request_object_must_expire:
        return
    minutes = int(profile.request_object_lifetime.total_seconds() // 60)
    if begins is None or begins < now - profile.request_object_lifetime - skew:
        raise BadToken(f"nbf must be there, at most {minutes} minutes ago")
    if ends is None or ends > begins + profile.request_object_lifetime:
        raise BadToken(f"exp must be there, at most {minutes} minutes after nbf")


def date_of(claims: Mapping[str, Any], name: str) -> datetime | None:
    return datetime.fromtimestamp(numeric_date(claims, name), UTC) if name in claims else None


def parameters_of(claims: Mapping[str, Any]) -> dict[str, str]:
    """Section 4: parameters are strings, numbers, or JSON as it stands; no request within the request."""
    if "request" in claims or "request_uri" in claims:
        raise BadToken("request and request_uri must not be in it")
    texts = {
        name: text_of(name, value) for name, value in claims.items() if name not in OF_THE_JWT and value is not None
    }
    return {name: text for name, text in texts.items() if text}  # an empty parameter is an absent one


def text_of(name: str, value: Any) -> str:
    if isinstance(value, str):
        if "\0" in value:
            raise BadToken(f"{name[:40]} has a NUL character")
        return value
    if name in REPEATABLE and isinstance(value, list) and all(isinstance(each, str) for each in value):
        return " ".join(repeated(name, each) for each in value)
    if isinstance(value, dict | list):  # `claims`, `authorization_details`
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadToken(f"{name[:40]} must be a text, an integer, an object or a list")
    return str(value)


def check_signed(asked: Asked) -> Mapping[str, Any]:
    """Section 10.5: a client that must sign its requests may not do otherwise."""
    if asked.client.requires_signed_request_object and not asked.signed:
        raise InvalidRequest("this client must sign its authorization requests (RFC 9101)")
    return {}
