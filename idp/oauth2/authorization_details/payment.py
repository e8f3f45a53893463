"""`prajak_payment`: a fee that the person is asked to pay.

Who asks is who is paid: nobody can name another payee. The person sees amount, payee and reference, and their passkey
signs just these; whoever takes the payment finds the assertion in the token response and verifies it over the same hash
(`core.signing_challenge.details_challenge`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from idp.errors import InvalidAuthorizationDetails
from idp.oauth2.authorization_details.schema import (
    Detail,
    DetailType,
    Member,
    check_members,
    is_just,
    is_nonce,
    is_soon,
    is_text,
)
from idp.oauth2.authorization_request import Asked

AMOUNT = re.compile(r"(0|[1-9][0-9]{0,8})\.[0-9]{2}")  # under a thousand million, always with satang
REFERENCE = re.compile(r"[A-Z0-9][A-Z0-9-]{0,39}")  # as it is printed on a bill
INSTRUCTED_AMOUNT: Mapping[str, Member] = {
    "currency": is_just("THB"),
    "amount": lambda value, _: (
        isinstance(value, str) and AMOUNT.fullmatch(value) is not None and value.strip("0.") != ""
    ),
}


def is_amount(value: Any, asked: Asked) -> bool:
    check_members("instructedAmount", value, INSTRUCTED_AMOUNT, asked)
    return True


def check_payee(detail: Detail, asked: Asked) -> None:
    """By the names that were registered, and approved before the client went live."""
    for name, registered in (("creditorName", "client_name"), ("creditorName#th", "client_name#th")):
        if name in detail and detail[name] != asked.client.get(registered):
            raise InvalidAuthorizationDetails(f"prajak_payment: {name} must be this client's own {registered}")


TYPE = DetailType(
    name="prajak_payment",
    members={
        "type": is_just("prajak_payment"),
        "instructedAmount": is_amount,
        "creditorName": is_text(140),
        "prajak_fee_reference": lambda value, _: isinstance(value, str) and REFERENCE.fullmatch(value) is not None,
        "prajak_expires_at": is_soon,
        "prajak_nonce": is_nonce,
    },
    optional={"creditorName#th": is_text(140)},
    check=check_payee,
    audience=lambda _detail, issuer: f"{issuer}/payments",
    signed=True,
)
