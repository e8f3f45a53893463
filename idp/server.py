"""What this server is, on one screen: client authentication, the checks of a request in their order, grants,
extensions, endpoints. A feature is a file and a line here; discovery is built from these tables and promises no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from core.assurance import acr_values_supported
from core.ground import Ground
from enrollment.account import AccountStore
from idp.errors import InvalidAuthorizationDetails
from idp.interaction.session_row import is_session_in_force
from idp.models.catalogue import Catalogue
from idp.models.client import Clients, RegisteredClient
from idp.models.decoupled_request import purge_decoupled_requests
from idp.models.issued_token import purge_issued_tokens
from idp.models.profile import PROFILES, ProfileName
from idp.models.protected_resource import ProtectedResources
from idp.models.pushed_request import purge_pushed_requests
from idp.models.refresh_token import purge_refresh_tokens
from idp.models.rich_authorization import purge_rich_authorizations
from idp.models.session_client import purge_session_clients
from idp.oauth2 import (
    authorization_request,
    client_secret,
    dpop,
    introspection,
    issuer,
    jar,
    jarm,
    metadata,
    mtls,
    par,
    pkce,
    private_key_jwt,
    public_client,
    rar,
    resource_indicators,
)
from idp.oauth2.authorization_request import Asked, Step
from idp.oauth2.bearer import read_access_token
from idp.oauth2.call import Call, Reply
from idp.oauth2.client_authentication import Registry
from idp.oauth2.client_calls import ClientCalls
from idp.oauth2.client_credentials import ClientCredentialsGrant
from idp.oauth2.device_authorization import DeviceAuthorization, DeviceCodeGrant
from idp.oauth2.dpop_nonce import Nonces
from idp.oauth2.endpoint import Endpoint, EndpointServices, MakeGrant
from idp.oauth2.introspection import Introspection
from idp.oauth2.refresh_token import RefreshTokenGrant
from idp.oauth2.revocation import Revocation
from idp.oauth2.token_endpoint import TokenEndpoint
from idp.oauth2.token_exchange import TokenExchangeGrant
from idp.oidc import (
    authentication_request,
    backchannel_logout,
    ciba,
    claims,
    claims_parameter,
    frontchannel_logout,
    id_token,
    subject,
    userinfo,
    verified_claims,
)
from idp.oidc.authentication_request import AuthorizationRequest
from idp.oidc.ciba import CibaGrant
from idp.oidc.code_grant import CodeGrant
from idp.oidc.discovery import KeySetDocument, MetadataDocument, Prepared
from idp.oidc.hints import KnownSubjects
from idp.oidc.issuing import Tokens
from idp.registration import dynamic_registration
from idp.registration.client_keys import ClientKeys
from idp.registration.fields import SCOPES
from keys.keystore import Keystore

CLIENT_AUTHENTICATION = (  # the one that is presented; two at once are refused
    private_key_jwt.METHOD,
    client_secret.BASIC,
    client_secret.POST,
    *mtls.METHODS,
    public_client.NONE,
)

AUTHORIZATION_REQUEST: tuple[Step, ...] = (
    authentication_request.assign_response_mode,  # first: the errors of all that follow travel by it
    authorization_request.assign_state,
    authentication_request.reject_unsupported,
    authorization_request.check_pushed,
    jar.check_signed,
    authorization_request.check_response_type,
    authorization_request.assign_scope,
    rar.assign_authorization_details,
    resource_indicators.assign_resource,
    pkce.assign_code_challenge,
    dpop.assign_dpop_jkt,
    authentication_request.assign_nonce,
    authentication_request.assign_prompt,
    authentication_request.assign_max_age,
    authentication_request.assign_acr_values,
    authentication_request.assign_display,
    authentication_request.assign_locales,
    authentication_request.assign_login_hint,
    authentication_request.assign_hinted_account,
    claims_parameter.assign_claims,
)

DECOUPLED_REQUEST: tuple[Step, ...] = (  # no browser brings it (RFC 8628, CIBA Core): nothing of redirects
    authorization_request.assign_scope,
    resource_indicators.assign_resource,
    authentication_request.assign_max_age,
    authentication_request.assign_acr_values,
    authentication_request.assign_locales,
    claims_parameter.assign_claims,
)

GRANTS: tuple[MakeGrant, ...] = (
    CodeGrant,
    RefreshTokenGrant,
    ClientCredentialsGrant,
    TokenExchangeGrant,
    DeviceCodeGrant,
    CibaGrant,
)

EXTENSIONS: tuple[Mapping[str, Any], ...] = (
    authentication_request.METADATA,
    claims.METADATA,
    id_token.METADATA,
    userinfo.METADATA,
    subject.METADATA,
    verified_claims.metadata(),
    pkce.METADATA,
    par.METADATA,
    jar.METADATA,
    jarm.METADATA,
    rar.METADATA,
    dpop.METADATA,
    introspection.METADATA,
    issuer.METADATA,
    backchannel_logout.METADATA,
    frontchannel_logout.METADATA,
    ciba.METADATA,
)


CLIENT_ENDPOINTS = (
    Endpoint("token_endpoint", "/token", lambda services: TokenEndpoint(services, GRANTS)),
    Endpoint("pushed_authorization_request_endpoint", "/par", par.PushedAuthorizationRequests),
    Endpoint("introspection_endpoint", "/introspect", Introspection),
    Endpoint("revocation_endpoint", "/revoke", Revocation),
    Endpoint("device_authorization_endpoint", "/device_authorization", DeviceAuthorization),
    Endpoint("backchannel_authentication_endpoint", "/bc-authorize", ciba.BackchannelAuthentication),
)

ENDPOINTS = {
    "authorization_endpoint": "/authorize",
    **{endpoint.name: endpoint.path for endpoint in CLIENT_ENDPOINTS},
    "userinfo_endpoint": "/userinfo",
    "jwks_uri": "/jwks",
    "end_session_endpoint": "/logout",
    "registration_endpoint": dynamic_registration.PATH,
}

ALIASED = (*(endpoint.name for endpoint in CLIENT_ENDPOINTS), "userinfo_endpoint")  # RFC 8705 section 5

KEPT = timedelta(minutes=10)  # tokens, after they expired: a late replay of their code still finds them


def checked(steps: Iterable[Step], asked: Asked, *, redirect_uri: str) -> AuthorizationRequest:
    """Every step in its order; raises the first refusal."""
    values: dict[str, Any] = {}
    for step in steps:
        values |= step(asked)
    received_at = int(asked.now.timestamp())
    return AuthorizationRequest(
        client_id=asked.client.client_id, redirect_uri=redirect_uri, received_at=received_at, **values
    )


class Server:
    def __init__(self, ground: Ground, keystore: Keystore, accounts: AccountStore) -> None:
        self.ground = ground
        self.clients = Clients(ground)
        self.catalogue = Catalogue(ground)
        self.resources = ProtectedResources(ground)
        self.client_keys = ClientKeys(ground, self.clients)
        self.key_set = KeySetDocument(ground, keystore)
        self.hints = KnownSubjects(ground, self.key_set)
        self.userinfo_endpoint = userinfo.Userinfo(ground, keystore, accounts, self.clients)
        self.registry = Registry(self.clients.load, self.client_keys.refresh)
        self.request_objects = jar.RequestObjects(ground, keystore, self.registry.refresh_keys)
        self.metadata_document = MetadataDocument(ground, keystore, self._metadata())
        tokens = Tokens(ground, keystore, accounts, is_session_in_force)
        services = EndpointServices(
            ground=ground,
            keystore=keystore,
            accounts=accounts,
            clients=self.clients,
            tokens=tokens,
            is_session_in_force=is_session_in_force,
            validate=self.validate,
            request_objects=self.request_objects,
            validate_decoupled=self.validate_decoupled,
            hints=self.hints,
            resources=self.resources,
        )
        self.nonces = Nonces(ground, keystore)
        self.calls = ClientCalls(
            ground,
            self.registry,
            self.nonces,
            token_endpoint=self.url("token_endpoint"),
            methods=CLIENT_AUTHENTICATION,
            answers={endpoint.name: endpoint.answer(services) for endpoint in CLIENT_ENDPOINTS},
        )

    def url(self, endpoint: str, *, alias: bool = False) -> str:
        """`alias`: its name at the listener for mutual TLS (RFC 8705 section 5)."""
        settings = self.ground.settings
        return (settings.mtls_url if alias else settings.issuer) + ENDPOINTS[endpoint]

    # The authorization request --------------------------------------------------------------------------------------

    def validate(
        self,
        client: RegisteredClient,
        parameters: Mapping[str, str],
        *,
        pushed: bool = False,
        jkt: str = "",
        signed: bool = False,
    ) -> AuthorizationRequest:
        """The whole table, for a redirect_uri that was checked before. Raises the first refusal."""
        asked = self._asked(client, parameters, pushed=pushed, jkt=jkt, signed=signed)
        return checked(AUTHORIZATION_REQUEST, asked, redirect_uri=parameters["redirect_uri"])

    def validate_decoupled(self, client: RegisteredClient, parameters: Mapping[str, str]) -> AuthorizationRequest:
        """The shorter table. Raises the first refusal; rich requests have no such way, and are not ignored."""
        if "authorization_details" in parameters:
            raise InvalidAuthorizationDetails("authorization_details are taken at the authorization endpoint alone")
        return checked(DECOUPLED_REQUEST, self._asked(client, parameters), redirect_uri="")

    def _asked(
        self,
        client: RegisteredClient,
        parameters: Mapping[str, str],
        *,
        pushed: bool = False,
        jkt: str = "",
        signed: bool = False,
    ) -> Asked:
        return Asked(
            client=client,
            parameters=parameters,
            now=self.ground.clock.now(),
            hints=self.hints,
            sandbox=self.ground.settings.sandbox,
            pushed=pushed,
            jkt=jkt,
            signed=signed,
            records=self.catalogue,
            resources=self.resources,
        )

    # What clients call ----------------------------------------------------------------------------------------------

    def answer(self, endpoint: str, call: Call) -> Reply:
        """One of CLIENT_ENDPOINTS, by its name."""
        return self.calls.answer(endpoint, call)

    def userinfo(self, call: Call) -> Reply:
        presented = read_access_token(call.authorization, call.form, call.query)
        return self.userinfo_endpoint.answer(presented, call)

    def purge(self) -> None:
        """A job: rows whose time is over. A session's clients are kept for as long as any session can last."""
        now, settings = self.ground.clock.now(), self.ground.settings
        with self.ground.database.write() as connection:
            purge_issued_tokens(connection, now - KEPT)
            purge_refresh_tokens(connection, now - KEPT)
            purge_pushed_requests(connection, now - settings.interaction_lifetime)
            purge_decoupled_requests(connection, now - settings.interaction_lifetime)
            purge_rich_authorizations(connection, now)
            purge_session_clients(connection, now - 2 * settings.session_lifetime)

    # Discovery ------------------------------------------------------------------------------------------------------

    @property
    def metadata(self) -> Prepared:
        return self.metadata_document.prepared()

    def _metadata(self) -> dict[str, Any]:
        """RFC 8414 section 2 and OpenID Connect Discovery section 3: built from the tables above, once."""
        settings = self.ground.settings
        certificates = mtls.offered(settings)
        methods = [each.name for each in CLIENT_AUTHENTICATION if each not in mtls.METHODS or each.name in certificates]
        algorithms = list(dict.fromkeys(each for p in PROFILES.values() for each in p.assertion_algorithms))
        own = {
            "issuer": settings.issuer,
            **{name: self.url(name) for name in ENDPOINTS},
            "scopes_supported": list(SCOPES),
            "claims_supported": ["sub", "iss", "auth_time", "acr", "amr", "sid", *claims.CATALOGUE],
            "claims_locales_supported": ["th", "en"],
            "ui_locales_supported": ["th", "en"],
            "grant_types_supported": [grant.name for grant in GRANTS],
            "acr_values_supported": acr_values_supported(sandbox=settings.sandbox),
            "token_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_methods_supported": methods,
            "introspection_endpoint_auth_methods_supported": [each for each in methods if each != "none"],
            "token_endpoint_auth_signing_alg_values_supported": algorithms,
            "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
            "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
            "prajak_profiles_supported": [name.value for name in ProfileName],
        }
        aliases = mtls.metadata(settings, ENDPOINTS, ALIASED)
        return metadata.joined((own, aliases, *EXTENSIONS))
