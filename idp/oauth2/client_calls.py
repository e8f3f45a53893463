"""What every call by a client goes through before its endpoint sees it, in this order: who the client is (RFC 6749
section 2.3), which key it holds (RFC 8705 section 3, RFC 9449 section 4.3), and, whatever comes of it, that what may
be used once is spent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.errors import PersonError
from core.ground import Ground
from idp.errors import InvalidClient, InvalidRequest, OAuthError, UseDpopNonce
from idp.oauth2 import dpop, mtls
from idp.oauth2.call import AuthenticatedCall, Call, Reply
from idp.oauth2.client_authentication import AuthenticatedClient, Method, Presented, Registry
from idp.oauth2.client_certificate import load_authorities
from idp.oauth2.dpop_nonce import Nonces
from idp.oauth2.endpoint import Answer
from idp.oauth2.one_time import OneTime, spend_what_is_left


class ClientCalls:
    """`methods` are those of client authentication; `answers` the endpoints by name."""

    def __init__(
        self,
        ground: Ground,
        registry: Registry,
        nonces: Nonces,
        *,
        token_endpoint: str,
        methods: Sequence[Method],
        answers: Mapping[str, Answer],
    ) -> None:
        self.ground = ground
        self.registry = registry
        self.nonces = nonces
        self.token_endpoint = token_endpoint
        self.methods = methods
        self.answers = answers
        self.authorities = load_authorities(ground.settings.mtls_trust)

    def answer(self, endpoint: str, call: Call) -> Reply:
        """What a call may use only once is spent by the act itself; by a refused call too, in a transaction of its
        own.
        """
        one_time: tuple[OneTime, ...] = ()
        try:
            authenticated = self.authenticate(call)
            one_time = authenticated.one_time
            cnf = mtls.confirmation(authenticated.client, call.client_certificate)
            if call.dpop:
                proof = self._proof(call)
                cnf, one_time = {"jkt": proof.jkt}, (*one_time, proof.one_time)
            return self.answers[endpoint].answer(AuthenticatedCall(call, authenticated.client, cnf, one_time))
        except UseDpopNonce:  # nothing was looked at yet; the same assertion may come again with the nonce
            raise
        except (OAuthError, PersonError):  # TooMany is one
            if one_time:
                with self.ground.database.write() as connection:
                    spend_what_is_left(connection, one_time)
            raise

    def authenticate(self, call: Call) -> AuthenticatedClient:
        """RFC 6749 section 2.3: one method in each request."""
        settings = self.ground.settings
        presented = Presented(
            parameters=call.form,
            authorization=call.authorization,
            issuer=settings.issuer,
            token_endpoint=self.token_endpoint,
            now=self.ground.clock.now(),
            skew=settings.clock_skew,
            longest_assertion=settings.client_assertion_lifetime,
            certificate=call.client_certificate,
            authorities=self.authorities,
        )
        methods = [method for method in self.methods if method.is_presented(presented)]
        shown = [method for method in methods if not method.by_name]
        if len(shown) > 1:
            raise InvalidRequest("the client authenticates in more than one way")
        if not methods:
            raise InvalidClient("the client did not authenticate")
        method = shown[0] if shown else self._registered_method(methods, call)
        return method.authenticate(presented, self.registry)

    def _registered_method(self, methods: Sequence[Method], call: Call) -> Method:
        """Of those that come with nothing but `client_id`, the client's own; `none` for whoever has another."""
        client = self.registry.load_client(call.form["client_id"])
        registered = client.token_endpoint_auth_method if client else ""
        return next((method for method in methods if method.name == registered), methods[-1])

    def _proof(self, call: Call) -> dpop.Proof:
        settings = self.ground.settings
        return dpop.verify_proof(
            call.dpop,
            method=call.method,
            uri=call.url,
            now=self.ground.clock.now(),
            skew=settings.clock_skew,
            check_nonce=self.nonces.check,
        )
