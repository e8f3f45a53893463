"""What is to be signed, as the person sees it: the `credential` details of RFC 9396 (CSC API v2 section 8.4), and the
`prajak_payment` ones.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core import i18n
from core.assurance import AAL
from core.signing_challenge import details_challenge, signing_challenge


@dataclass(frozen=True)
class Document:
    """`document_hash` is the uploaded file's, `digest` what the signature covers; both lower-case hexadecimal."""

    name: str
    document_hash: str
    digest: str


@dataclass(frozen=True)
class SigningRequest:
    credential_id: str
    documents: tuple[Document, ...]
    expires_at: datetime
    challenge: bytes
    aal = AAL.AAL3


@dataclass(frozen=True)
class PaymentRequest:
    """A fee: `amount` is as the request has it, such as `1200.00`."""

    amount: str
    currency: str
    payee: str
    reference: str
    expires_at: datetime
    challenge: bytes
    aal = AAL.AAL2

    @property
    def shown_amount(self) -> str:
        whole, satang = self.amount.split(".")
        return f"{int(whole):,}.{satang}"


ToSign = SigningRequest | PaymentRequest


def read_to_sign(details: Sequence[Mapping[str, Any]]) -> ToSign:
    """Validated when the request was (idp/oauth2/rar): exactly one."""
    (detail,) = details
    return read_payment(detail) if detail["type"] == "prajak_payment" else read_signing_request(detail)


def read_payment(detail: Mapping[str, Any]) -> PaymentRequest:
    return PaymentRequest(
        amount=detail["instructedAmount"]["amount"],
        currency=detail["instructedAmount"]["currency"],
        payee=detail.get(f"creditorName#{i18n.language()}", detail["creditorName"]),
        reference=detail["prajak_fee_reference"],
        expires_at=datetime.fromtimestamp(detail["prajak_expires_at"], UTC),
        challenge=details_challenge(detail),
    )


def read_signing_request(detail: Mapping[str, Any]) -> SigningRequest:
    """With SHA-256 digests."""
    digests = [b64decode(each["hash"]) for each in detail["documentDigests"]]
    expires_at = datetime.fromtimestamp(detail["prajak_expires_at"], UTC)
    return SigningRequest(
        credential_id=detail["credentialID"],
        documents=tuple(
            Document(each["prajak_document_name"], b64decode(each["prajak_document_hash"]).hex(), digest.hex())
            for each, digest in zip(detail["documentDigests"], digests, strict=True)
        ),
        expires_at=expires_at,
        challenge=signing_challenge(
            credential_id=detail["credentialID"],
            digests=digests,
            expires_at=expires_at,
            nonce=detail["prajak_nonce"],
        ),
    )
