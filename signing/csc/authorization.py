"""Does this answer of the provider authorize this signature? The signing module decides it by itself (house rule 2).

CSC API v2 section 8.4 and RFC 9396: the request carries `authorization_details` of type `credential` with the digests.
RFC 9396 section 7.1: the answer carries them too, enriched by the passkey's assertion. The plan:

 1. the access token is the provider's: signature, `typ`, `iss`, `aud` = our API, `exp`          (signing/tokens.py)
 2. it was issued to this client: `client_id`
 3. it speaks of the officer who asked, and the credential is this officer's: `sub`
 4. its `authorization_details` are exactly what was pushed: credential, every digest, expiry, nonce, names
 5. what was pushed is what is prepared now: this credential, this one digest
 6. the authorization has not expired
 7. the answer carries one assertion, by the passkey that was pinned when the credential was issued
 8. the assertion verifies with the pinned public key over the challenge that *we* compute from what is prepared:
    origin, relying party, user verified, signature counter            (WebAuthn Level 3 section 7.2, core/webauthn.py)

Then, in the transaction that marks the document as authorized, the assertion is spent (signing/workflow.py): once.
A provider that lies about 1 to 6 still has no assertion over our challenge, and gets no signature.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.clock import Clock, timestamp
from core.settings import Settings
from core.signing_challenge import signing_challenge
from core.webauthn import WebAuthnRefused, unverified_credential_id, verify_authentication
from signing.authorization import CLIENT_ID
from signing.credentials import Credential
from signing.refusals import AuthorizationExpired, NotAuthorized, TokenRefused
from signing.tokens import Issuer, verify_access_token

TYPE = "credential"
SHA_256_OID = "2.16.840.1.101.3.4.2.1"
ASSERTION = "prajak_assertion"
ASSERTION_MEMBERS = ("id", "clientDataJSON", "authenticatorData", "signature")


@dataclass(frozen=True, kw_only=True)
class DocumentDigest:
    """`digest` is over the prepared byte range: what is signed. `document_hash` is the uploaded file's, for the eye."""

    digest: bytes
    document_hash: bytes
    name: str


@dataclass(frozen=True, kw_only=True)
class SigningRequest:
    """What one authorization is asked for, and nothing else."""

    credential_id: str
    documents: tuple[DocumentDigest, ...]
    expires_at: datetime
    nonce: str

    def authorization_details(self) -> list[dict[str, Any]]:
        """RFC 9396 section 2 with the members of CSC API v2 section 8.4, and ours."""
        digests = [
            {
                "hash": b64encode(each.digest).decode(),
                "label": each.name,
                "prajak_document_hash": b64encode(each.document_hash).decode(),
                "prajak_document_name": each.name,
            }
            for each in self.documents
        ]
        return [
            {
                "type": TYPE,
                "credentialID": self.credential_id,
                "documentDigests": digests,
                "hashAlgorithmOID": SHA_256_OID,
                "prajak_expires_at": timestamp(self.expires_at),
                "prajak_nonce": self.nonce,
            }
        ]

    def to_wire(self) -> str:
        """The request parameter (RFC 9396 section 5)."""
        return json.dumps(self.authorization_details(), ensure_ascii=False)

    def challenge(self) -> bytes:
        return signing_challenge(
            credential_id=self.credential_id,
            digests=[each.digest for each in self.documents],
            expires_at=self.expires_at,
            nonce=self.nonce,
        )

    def to_json(self) -> dict[str, Any]:
        documents = [[each.digest.hex(), each.document_hash.hex(), each.name] for each in self.documents]
        expires_at = timestamp(self.expires_at)
        return {
            "credential_id": self.credential_id,
            "documents": documents,
            "expires_at": expires_at,
            "nonce": self.nonce,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> SigningRequest:
        return cls(
            credential_id=stored["credential_id"],
            documents=tuple(
                DocumentDigest(digest=bytes.fromhex(digest), document_hash=bytes.fromhex(document_hash), name=name)
                for digest, document_hash, name in stored["documents"]
            ),
            expires_at=datetime.fromtimestamp(stored["expires_at"], UTC),
            nonce=stored["nonce"],
        )


@dataclass(frozen=True, kw_only=True)
class SignatureAuthorization:
    """All eight checks passed. `assertion` is kept with the signature as its evidence; `spend` is its one-time key."""

    request: SigningRequest
    assertion: str
    sign_count: int
    spend: str


def check_authorization(
    answer: Mapping[str, Any],
    *,
    request: SigningRequest,
    prepared: Sequence[bytes],
    credential: Credential,
    officer: str,
    issuer: Issuer,
    settings: Settings,
) -> SignatureAuthorization:
    """Raises NotAuthorized with the name of the first check that failed, or AuthorizationExpired.

    `answer` is the token response, unverified; `prepared` the digests of what would be signed; `officer` the `sub` of
    the session that asked.
    """
    try:
        claims = verify_access_token(answer.get("access_token"), issuer, audience=f"{settings.issuer}/csc")  # 1
    except TokenRefused as error:
        raise NotAuthorized(f"access token: {error.reason}") from error
    check(claims["client_id"] == CLIENT_ID, "client_id")  # 2
    check(claims["sub"] == officer == credential.sub, "sub")  # 3
    check(claims.get("authorization_details") == request.authorization_details(), "authorization_details")  # 4
    check(request.credential_id == credential.id, "credential")  # 5
    check(sorted(each.digest for each in request.documents) == sorted(prepared), "digests")
    check_expiry(request, issuer.clock)  # 6
    assertion = unverified_assertion(answer)  # 7
    check_passkey(assertion, credential)
    try:
        verified = verify_authentication(  # 8
            assertion,
            expected_challenge=request.challenge(),
            expected_origin=origin(settings),
            expected_rp_id=settings.rp_id,
            public_key=credential.passkey.public_key,
            sign_count=credential.passkey_sign_count,
        )
    except WebAuthnRefused as error:
        raise NotAuthorized("assertion") from error
    return SignatureAuthorization(
        request=request, assertion=assertion, sign_count=verified.sign_count, spend=request.challenge().hex()
    )


def check(holds: bool, name: str) -> None:
    if not holds:
        raise NotAuthorized(name)


def check_expiry(request: SigningRequest, clock: Clock) -> None:
    """No leeway: the expiry is ours, and so is the clock."""
    if clock.now() >= request.expires_at:
        raise AuthorizationExpired


def unverified_assertion(answer: Mapping[str, Any]) -> str:
    """The enriched detail's assertion as the JSON that a browser would give (AuthenticationResponseJSON)."""
    details = answer.get("authorization_details")
    check(isinstance(details, list) and len(details) == 1 and isinstance(details[0], dict), "one authorization detail")
    assertion = details[0].get(ASSERTION)  # type: ignore[index]  # checked one line above
    check(
        isinstance(assertion, dict) and all(isinstance(assertion.get(each), str) for each in ASSERTION_MEMBERS),
        ASSERTION,
    )
    response = {name: assertion[name] for name in ASSERTION_MEMBERS if name != "id"}
    return json.dumps(
        {"id": assertion["id"], "rawId": assertion["id"], "type": "public-key", "response": response}, sort_keys=True
    )


def check_passkey(assertion: str, credential: Credential) -> None:
    try:
        check(unverified_credential_id(assertion) == credential.passkey.credential_id, "passkey")
    except WebAuthnRefused as error:
        raise NotAuthorized("passkey") from error


def origin(settings: Settings) -> str:
    """WebAuthn Level 3 section 7.2 step 12: the provider's origin, where the officer met the request."""
    scheme, _, rest = settings.issuer.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"
