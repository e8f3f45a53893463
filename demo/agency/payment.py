"""A fee that this agency asks for: RFC 9396 details that the person's passkey signs at the provider."""

from __future__ import annotations

import secrets
import time
from typing import Any

from demo.agency.configuration import Configuration
from demo.agency.provider import ProviderError

ANSWERED_WITHIN = 600  # seconds


def payment_details(configuration: Configuration) -> list[dict[str, Any]]:
    fee, office = configuration.office["fee"], configuration.office
    return [
        {
            "type": "prajak_payment",
            "instructedAmount": {"currency": "THB", "amount": fee["amount"]},
            "creditorName": office["name"]["en"],
            "creditorName#th": office["name"]["th"],
            "prajak_fee_reference": fee["reference"],
            "prajak_expires_at": int(time.time()) + ANSWERED_WITHIN,
            "prajak_nonce": secrets.token_urlsafe(24),
        }
    ]


def signed_payment(granted: list[dict[str, Any]], asked: list[dict[str, Any]]) -> dict[str, Any]:
    """What was signed is what was asked for, or it counts for nothing. The assertion is for the office's files."""
    (detail,) = granted
    assertion = detail.get("prajak_assertion")
    if not assertion or {name: value for name, value in detail.items() if name != "prajak_assertion"} != asked[0]:
        raise ProviderError("invalid_request", "another payment was signed")
    return {"amount": detail["instructedAmount"]["amount"], "reference": detail["prajak_fee_reference"]}
