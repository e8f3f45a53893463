"""What one value of client metadata must be, by its kind: a check takes the value and gives it back as it is kept, or
raises Wrong without knowing the field's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from core.assurance import parse_acr
from idp.oauth2.client_certificate import read_name
from idp.oidc import claims
from idp.registration.client_keys import BadKeys, check_key_set
from idp.registration.problems import Wrong
from idp.registration.uris import check_redirect_address, check_request_uri, check_web_address

# Personal Data Protection Act B.E. 2562, sections 19 and 24
LEGAL_BASES = ("consent", "contract", "public_task", "legitimate_interest", "legal_obligation", "vital_interest")
CLAIM_NAMES = (*claims.CATALOGUE, claims.VERIFIED_CLAIMS)
SCOPES = tuple(dict.fromkeys((*claims.SCOPES, "address", "offline_access")))
HOST_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})+")
MAIL_ADDRESS = re.compile(r"[\x21-\x3F\x41-\x7E]{1,64}@[A-Za-z0-9.-]{1,190}")
MAX_LIST = 20
MAX_SECONDS = 10**9
LONGEST_STATEMENT = 16 * 1024


@dataclass(frozen=True)
class Context:
    sandbox: bool
    native: bool


Check = Callable[[Any, Context], Any]


def text(longest: int) -> Check:
    def check(value: Any, _: Context) -> str:
        if not isinstance(value, str) or not value.strip():
            raise Wrong("This must be a text.")
        if len(value) > longest:
            raise Wrong("This is longer than %(limit)s characters.", limit=longest)
        if not value.isprintable():
            raise Wrong("This has a character that cannot be shown.")
        return value.strip()

    return check


def one_of(*values: str) -> Check:
    def check(value: Any, _: Context) -> str:
        if value not in values:
            raise Wrong("This must be one of: %(values)s.", values=", ".join(values))
        return str(value)

    return check


def one_of_or_none(*values: str) -> Check:
    """OpenID Connect Registration section 2: `none` for an answer is the same as leaving it out: plain JSON."""
    return lambda value, context: None if value == "none" else one_of(*values)(value, context)


def list_of(item: Check, *, least: int = 0) -> Check:
    def check(value: Any, context: Context) -> list[Any]:
        if not isinstance(value, list) or not least <= len(value) <= MAX_LIST:
            raise Wrong("This must be a list of %(least)s to %(limit)s values.", least=least, limit=MAX_LIST)
        found = [item(each, context) for each in value]
        if len({str(each) for each in found}) != len(found):
            raise Wrong("A value is there more than once.")
        return found

    return check


def boolean(value: Any, _: Context) -> bool:
    if not isinstance(value, bool):
        raise Wrong("This must be true or false.")
    return value


def seconds(value: Any, _: Context) -> int:
    if type(value) is not int or not 0 <= value < MAX_SECONDS:
        raise Wrong("This must be a number of seconds.")
    return value


def address(value: Any, context: Context) -> str:
    return check_web_address(value, sandbox=context.sandbox)


def redirect_address(value: Any, context: Context) -> str:
    return check_redirect_address(value, sandbox=context.sandbox, native=context.native)


def request_uri(value: Any, context: Context) -> str:
    return check_request_uri(value, sandbox=context.sandbox)


def scope(value: Any, _: Context) -> str:
    """An empty one is for a client that asks nobody; whether it is one is a rule's to say."""
    words = value.split() if isinstance(value, str) else []
    unknown = [word for word in words if word not in SCOPES]
    if (value != "" and not words) or unknown:
        raise Wrong("This must be scopes parted by spaces, among: %(values)s.", values=" ".join(SCOPES))
    return " ".join(dict.fromkeys(words))


def key_set(value: Any, _: Context) -> dict[str, Any]:
    try:
        return check_key_set(value)
    except BadKeys as error:
        raise Wrong("The key set cannot be used: %(why)s.", why=str(error)) from error


def acr(value: Any, context: Context) -> str:
    if not isinstance(value, str) or parse_acr(value, sandbox=context.sandbox) is None:
        raise Wrong("%(value)s is not a level of assurance that is known here.", value=str(value)[:60])
    return value


def subject_dn(value: Any, context: Context) -> str:
    """RFC 8705 section 2.1.2: a string as RFC 4514 writes it."""
    written = text(1000)(value, context)
    try:
        found = read_name(written)
    except ValueError as error:
        raise Wrong("This must be a name as in RFC 4514, such as CN=client,O=Agency,C=TH.") from error
    if not found.rdns:
        raise Wrong("This must be a name as in RFC 4514, such as CN=client,O=Agency,C=TH.")
    return str(written)


def host_name(value: Any, _: Context) -> str:
    if not isinstance(value, str) or not HOST_NAME.fullmatch(value):
        raise Wrong("This must be a host name such as client.agency.example.")
    return value


def certificate_uri(value: Any, context: Context) -> str:
    """RFC 8705 section 2.1.2: any URI; it is compared, never visited."""
    written = str(text(1000)(value, context))
    if not written.isascii() or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]+", written):
        raise Wrong("This must be an address such as https://agency.example/path.")
    return written


def network_address(value: Any, _: Context) -> str:
    try:
        return str(ip_address(value if isinstance(value, str) and value.isascii() else ""))
    except ValueError as error:
        raise Wrong("This must be an IP address.") from error


def mail_address(value: Any, _: Context) -> str:
    if not isinstance(value, str) or not MAIL_ADDRESS.fullmatch(value):
        raise Wrong("This must be an e-mail address.")
    return value


def no_user_code(value: Any, context: Context) -> bool:
    """CIBA Core section 4. A secret typed at the agency would be one more to phish."""
    if boolean(value, context):
        raise Wrong("User codes are not asked for here: people approve with their passkey.")
    return False


def statement(value: Any, _: Context) -> str:
    """RFC 7591 section 2.3. It was verified before, and is kept only to be given back unmodified (section 3.2.1)."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_STATEMENT or not value.isascii():
        raise Wrong("This must be a signed JWT.")
    return value


def claim_entry(value: Any, context: Context) -> dict[str, Any]:
    """A claim this client wants, what for, and by which right: what the consent page shows."""
    if not isinstance(value, dict) or value.get("claim") not in CLAIM_NAMES:
        raise Wrong("Each entry needs a claim, one of: %(values)s.", values=", ".join(CLAIM_NAMES))
    name = value["claim"]
    if value.get("legal_basis") not in LEGAL_BASES:
        raise Wrong("%(claim)s needs a legal_basis, one of: %(values)s.", claim=name, values=", ".join(LEGAL_BASES))
    if not isinstance(value.get("essential", False), bool):
        raise Wrong("%(claim)s: essential must be true or false.", claim=name)
    entry: dict[str, Any] = {"claim": name, "legal_basis": value["legal_basis"]}
    entry["essential"] = value.get("essential", False)
    for purpose in ("purpose", "purpose#th", "purpose#en"):
        if purpose in value or purpose == "purpose":
            entry[purpose] = purpose_text(name, value.get(purpose), context)
    return entry


def purpose_text(claim: str, value: Any, context: Context) -> str:
    try:
        return str(text(300)(value, context))
    except Wrong as error:
        raise Wrong(
            "%(claim)s needs a purpose that people can read, of at most 300 characters.", claim=claim
        ) from error
