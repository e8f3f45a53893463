"""The registered error codes, one class each: RFC 6749 (4.1.2.1, 5.2), RFC 6750, OpenID Connect Core 3.1.2.6 and the
extensions that add to them. Raised where a rule is broken, translated once, at the edge.

`error_description` is plain English for the client's developer and is safe for strangers; causes stay in the log.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import PrajakError


class OAuthError(PrajakError):
    """`error` is the wire word, `status` the HTTP status where the answer is JSON."""

    error = "invalid_request"
    status = 400

    def __init__(self, description: str = "") -> None:
        super().__init__(description)
        self.description = printable(description)

    def parameters(self) -> dict[str, str]:
        """RFC 6749 sections 4.1.2.1 and 5.2."""
        if not self.description:
            return {"error": self.error}
        return {"error": self.error, "error_description": self.description}

    def challenge(self) -> dict[str, str]:
        """RFC 6750 section 3: what stands in WWW-Authenticate."""
        return self.parameters()


class InvalidRequest(OAuthError):
    """RFC 6749: a parameter is missing, repeated, or not what it must be."""


class InvalidClient(OAuthError):
    """RFC 6749 section 5.2: client authentication failed."""

    error = "invalid_client"
    status = 401


class InvalidGrant(OAuthError):
    """RFC 6749 section 5.2: the code or refresh token is spent, expired or another client's."""

    error = "invalid_grant"


class UnauthorizedClient(OAuthError):
    """RFC 6749: this client may not use this grant or response type."""

    error = "unauthorized_client"


class UnsupportedGrantType(OAuthError):
    """RFC 6749 section 5.2."""

    error = "unsupported_grant_type"


class UnsupportedResponseType(OAuthError):
    """RFC 6749 section 4.1.2.1."""

    error = "unsupported_response_type"


class InvalidScope(OAuthError):
    """RFC 6749: the scope is unknown, malformed, or more than this client may ask."""

    error = "invalid_scope"


class AccessDenied(OAuthError):
    """RFC 6749 section 4.1.2.1: the person refused, or may not."""

    error = "access_denied"
    status = 403


class ServerError(OAuthError):
    """RFC 6749 section 4.1.2.1: a 500 that has to travel by redirect."""

    error = "server_error"
    status = 500


class TemporarilyUnavailable(OAuthError):
    """RFC 6749 section 4.1.2.1: a 503 that has to travel by redirect."""

    error = "temporarily_unavailable"
    status = 503


class LoginRequired(OAuthError):
    """OpenID Connect Core 3.1.2.6: prompt=none, and nobody is signed in well enough."""

    error = "login_required"


class InteractionRequired(OAuthError):
    """OpenID Connect Core 3.1.2.6: prompt=none, and something must be shown."""

    error = "interaction_required"


class AccountSelectionRequired(OAuthError):
    """OpenID Connect Core 3.1.2.6: prompt=none, and the person must choose an account."""

    error = "account_selection_required"


class ConsentRequired(OAuthError):
    """OpenID Connect Core 3.1.2.6: prompt=none, and the person has not agreed yet."""

    error = "consent_required"


class RequestNotSupported(OAuthError):
    """OpenID Connect Core 3.1.2.6: the `request` parameter is not served."""

    error = "request_not_supported"


class RequestUriNotSupported(OAuthError):
    """OpenID Connect Core 3.1.2.6: the `request_uri` parameter is not served."""

    error = "request_uri_not_supported"


class RegistrationNotSupported(OAuthError):
    """OpenID Connect Core 3.1.2.6: the `registration` parameter is not served."""

    error = "registration_not_supported"


class InvalidRequestUri(OAuthError):
    """RFC 9101 section 7: the `request_uri` is unknown, expired, used or another client's."""

    error = "invalid_request_uri"


class InvalidRequestObject(OAuthError):
    """RFC 9101 section 7: the request object is not signed by the client, expired, for another server, or malformed."""

    error = "invalid_request_object"


class UnmetAuthenticationRequirements(OAuthError):
    """OpenID Connect Core Error Code unmet_authentication_requirements 1.0: an essential `acr` cannot be reached."""

    error = "unmet_authentication_requirements"


class InvalidAuthorizationDetails(OAuthError):
    """RFC 9396 section 5."""

    error = "invalid_authorization_details"


class InvalidTarget(OAuthError):
    """RFC 8707 section 2: the resource is unknown, malformed, or not one that this client may ask for."""

    error = "invalid_target"


class InvalidDpopProof(OAuthError):
    """RFC 9449 section 5."""

    error = "invalid_dpop_proof"


class UseDpopNonce(OAuthError):
    """RFC 9449 section 8: the same request once more, with the nonce that the answer brings."""

    error = "use_dpop_nonce"


class InvalidToken(OAuthError):
    """RFC 6750 section 3.1: expired, revoked, malformed, or bound to another key."""

    error = "invalid_token"
    status = 401


class InsufficientScope(OAuthError):
    """RFC 6750 section 3.1."""

    error = "insufficient_scope"
    status = 403


class InsufficientUserAuthentication(OAuthError):
    """RFC 9470 section 3: who is behind the token must authenticate anew, or better."""

    error = "insufficient_user_authentication"
    status = 401

    def __init__(self, description: str, *, acr_values: Sequence[str], max_age: int | None) -> None:
        super().__init__(description)
        self.acr_values = " ".join(acr_values)
        self.max_age = max_age

    def challenge(self) -> dict[str, str]:
        members = super().challenge()
        if self.acr_values:
            members["acr_values"] = self.acr_values
        if self.max_age is not None:
            members["max_age"] = str(self.max_age)
        return members


class InvalidRedirectUri(OAuthError):
    """RFC 7591 section 3.2.2."""

    error = "invalid_redirect_uri"


class InvalidClientMetadata(OAuthError):
    """RFC 7591 section 3.2.2."""

    error = "invalid_client_metadata"


class InvalidSoftwareStatement(OAuthError):
    """RFC 7591 section 3.2.2: it does not verify."""

    error = "invalid_software_statement"


class UnapprovedSoftwareStatement(OAuthError):
    """RFC 7591 section 3.2.2: nobody who is trusted here signed it."""

    error = "unapproved_software_statement"


class AuthorizationPending(OAuthError):
    """RFC 8628 section 3.5: the person has not decided yet."""

    error = "authorization_pending"


class SlowDown(OAuthError):
    """RFC 8628 section 3.5: still pending, and the client polls too often."""

    error = "slow_down"


class ExpiredToken(OAuthError):
    """RFC 8628 section 3.5: the device_code, or auth_req_id, ran out before the person decided."""

    error = "expired_token"


class RequestDenied(AccessDenied):
    """RFC 8628 section 3.5, CIBA Core section 11: the same word at the token endpoint (RFC 6749 section 5.2)."""

    status = 400


class InvalidBindingMessage(OAuthError):
    """CIBA Core section 13: it cannot be shown to the person."""

    error = "invalid_binding_message"


class UnknownUserId(OAuthError):
    """CIBA Core section 13: the hint names nobody."""

    error = "unknown_user_id"


def printable(text: str) -> str:
    """RFC 6749 section 4.1.2.1: error_description has only %x20-21 / %x23-5B / %x5D-7E."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" if c == '"' else "?" for c in text)[:500]
