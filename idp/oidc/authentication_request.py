"""The authentication request, OpenID Connect Core section 3.1.2.1, once it is validated.

An `AuthorizationRequest` is only ever made by `idp/server.py`'s table of checks (or read back from the row that one
was kept in): whoever holds one need not check it again. It survives a login as JSON in the Interaction row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from idp.errors import InvalidRequest, LoginRequired, RegistrationNotSupported
from idp.oauth2 import jarm
from idp.oauth2.authorization_request import Asked
from idp.oauth2.parameters import check_line
from idp.oauth2.rar import is_signed

RESPONSE_MODES = ("query", "fragment", "form_post", *jarm.MODES)
PROMPTS = ("none", "login", "consent", "select_account")
DISPLAYS = ("page", "popup", "touch", "wap")
LANGUAGE_TAG = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")  # RFC 5646, its shape
SECONDS = re.compile(r"[0-9]{1,9}")
MAX_WORDS = 20
METADATA = {
    "response_types_supported": ["code"],
    "response_modes_supported": list(RESPONSE_MODES),
    "prompt_values_supported": list(PROMPTS),
    "display_values_supported": list(DISPLAYS),
}
TUPLES = frozenset(
    {"scope", "prompt", "acr_values", "ui_locales", "claims_locales", "authorization_details", "resource"}
)


@dataclass(frozen=True, kw_only=True)
class AuthorizationRequest:
    """Absent parameters are "" or (); `max_age` is None. `claims` is the validated claims parameter (section 5.5):
    {"id_token": {...}, "userinfo": {...}}.
    """

    client_id: str
    redirect_uri: str
    scope: tuple[str, ...]
    response_type: str = "code"
    response_mode: str = "query"
    state: str = ""
    nonce: str = ""
    code_challenge: str = ""  # always S256 (RFC 7636)
    prompt: tuple[str, ...] = ()
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()  # the voluntary ones, in order of preference
    claims: Mapping[str, Any] = field(default_factory=dict)
    authorization_details: tuple[Mapping[str, Any], ...] = ()  # RFC 9396
    login_hint: str = ""
    hinted_account_id: str = ""  # whom a valid id_token_hint names
    ui_locales: tuple[str, ...] = ()
    claims_locales: tuple[str, ...] = ()
    display: str = "page"
    dpop_jkt: str = ""  # RFC 9449 section 10
    resource: tuple[str, ...] = ()  # RFC 8707
    request_uri: str = ""  # the reference of the pushed request (RFC 9126) this came from
    decoupled: Mapping[str, str] = field(default_factory=dict)  # id and shown words of a request without a browser
    received_at: int  # NumericDate: an authentication at or after it answers prompt=login

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: list(value) if name in TUPLES else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> AuthorizationRequest:
        """The inverse of `to_dict`, for what this server itself stored."""
        known = {each.name for each in fields(cls)}
        values: dict[str, Any] = {k: tuple(v) if k in TUPLES else v for k, v in stored.items() if k in known}
        return cls(**values)

    @property
    def received(self) -> datetime:
        return datetime.fromtimestamp(self.received_at, UTC)

    @property
    def essential_acr_values(self) -> tuple[str, ...]:
        """Section 5.5.1.1: `acr` asked for as an essential claim; one of these or no answer at all."""
        acr = (self.claims.get("id_token") or {}).get("acr") or {}
        if not acr.get("essential"):
            return ()
        values = acr.get("values") or [acr.get("value")]
        return tuple(each for each in values if isinstance(each, str))

    @property
    def signing_details(self) -> tuple[Mapping[str, Any], ...]:
        """Those that the person's passkey signs: documents, a payment (RFC 9396)."""
        return tuple(each for each in self.authorization_details if is_signed(each))

    @property
    def consented_details(self) -> tuple[Mapping[str, Any], ...]:
        """Those that are consented to each time anew: records of other agencies (RFC 9396)."""
        return tuple(each for each in self.authorization_details if not is_signed(each))


def reject_unsupported(asked: Asked) -> Mapping[str, Any]:
    """Section 3.1.2.6; request objects were read before (RFC 9101)."""
    if "registration" in asked.parameters:
        raise RegistrationNotSupported("registration is not supported")
    return {}


def assign_response_mode(asked: Asked) -> Mapping[str, Any]:
    """OAuth 2.0 Multiple Response Types section 2.1, Form Post Response Mode and JARM section 2.3. A client that
    registered `response_modes` (FAPI 2.0 Message Signing section 5.4) is held to them.
    """
    mode = asked.parameters.get("response_mode") or jarm.default_mode(asked.client)
    allowed = asked.client.response_modes or RESPONSE_MODES
    if mode not in allowed or mode not in RESPONSE_MODES:
        raise InvalidRequest(f"response_mode must be one of {', '.join(allowed)}")
    jarm.check_mode(asked.client, mode)
    return {"response_mode": mode}


def assign_nonce(asked: Asked) -> Mapping[str, Any]:
    return {"nonce": check_line("nonce", asked.parameters.get("nonce", ""), longest=512)}


def assign_prompt(asked: Asked) -> Mapping[str, Any]:
    """`none` stands alone."""
    prompt = words(asked, "prompt")
    if any(each not in PROMPTS for each in prompt):
        raise InvalidRequest(f"prompt must be among {', '.join(PROMPTS)}")
    if "none" in prompt and len(prompt) > 1:
        raise InvalidRequest("prompt: none must stand alone")
    return {"prompt": prompt}


def assign_max_age(asked: Asked) -> Mapping[str, Any]:
    """What the request says, else the client's `default_max_age` (Registration section 2)."""
    max_age = asked.parameters.get("max_age")
    if max_age is None:
        return {"max_age": asked.client.get("default_max_age")}
    if not SECONDS.fullmatch(max_age):
        raise InvalidRequest("max_age must be a number of seconds")
    return {"max_age": int(max_age)}


def assign_acr_values(asked: Asked) -> Mapping[str, Any]:
    """What the request says, else the client's `default_acr_values`. Unknown values ask for nothing: it is a wish."""
    default = tuple(asked.client.get("default_acr_values") or ())
    return {"acr_values": words(asked, "acr_values") or default}


def assign_display(asked: Asked) -> Mapping[str, Any]:
    """Every display is the same responsive page."""
    display = asked.parameters.get("display", "page")
    if display not in DISPLAYS:
        raise InvalidRequest(f"display must be one of {', '.join(DISPLAYS)}")
    return {"display": display}


def assign_locales(asked: Asked) -> Mapping[str, Any]:
    """Section 3.1.2.1: a locale that is not spoken here is no error."""
    found = {name: words(asked, name) for name in ("ui_locales", "claims_locales")}
    if not all(LANGUAGE_TAG.fullmatch(each) for tags in found.values() for each in tags):
        raise InvalidRequest("ui_locales and claims_locales must be language tags (RFC 5646)")
    return found


def assign_login_hint(asked: Asked) -> Mapping[str, Any]:
    return {"login_hint": check_line("login_hint", asked.parameters.get("login_hint", ""), longest=255)}


def assign_hinted_account(asked: Asked) -> Mapping[str, Any]:
    """`id_token_hint`, and `sub` asked for by value (section 5.5.1): nobody else may answer for who is named."""
    hint = asked.parameters.get("id_token_hint")
    if hint is None:
        return {}
    account_id = asked.hints.account_of_id_token(asked.client, hint)
    if account_id is None:
        raise LoginRequired("id_token_hint names nobody known")
    return {"hinted_account_id": account_id}


def words(asked: Asked, name: str) -> tuple[str, ...]:
    """A list parted by spaces, each word once."""
    value = check_line(name, asked.parameters.get(name, ""), longest=1000)
    found = tuple(dict.fromkeys(value.split()))
    if len(found) > MAX_WORDS:
        raise InvalidRequest(f"{name} has more than {MAX_WORDS} values")
    return found
