"""Which token, behind which module, and where its PIN stands: PKCS #11 URIs, RFC 7512.

`pkcs11:token=prajak?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/run/secrets/pin`. What is not used
here is refused by name: an attribute that were ignored could be the one that told two tokens apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from core.settings import SettingsError

SCHEME = "pkcs11:"
PATH_ATTRIBUTES = ("token", "serial", "slot-id")  # RFC 7512 section 2.3, pk11-pattr
QUERY_ATTRIBUTES = ("module-path", "pin-source", "pin-value")  # section 2.3, pk11-qattr
SLOT_ID = re.compile(r"[0-9]{1,19}")
PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class TokenUri:
    """One of `token` (its label), `serial` and `slot_id` at least. `pin_value` is empty outside the sandbox."""

    module_path: Path
    token: str = ""
    serial: str = ""
    slot_id: int | None = None
    pin_source: Path | None = None
    pin_value: str = field(default="", repr=False)

    def __str__(self) -> str:
        """For people: without module and PIN."""
        parts = [("token", self.token), ("serial", self.serial), ("slot-id", self.slot_id)]
        return SCHEME + ";".join(f"{name}={value}" for name, value in parts if value not in ("", None))


def parse_token_uri(uri: str, *, setting: str, sandbox: bool) -> TokenUri:
    """RFC 7512 section 2.3; raises SettingsError that names the setting and what is wrong in it."""
    if not uri.startswith(SCHEME):
        raise SettingsError(f"{setting} must be a pkcs11: URI (RFC 7512)")
    path, _, query = uri.removeprefix(SCHEME).partition("?")
    named = attributes(path, ";", PATH_ATTRIBUTES, setting)
    asked = attributes(query, "&", QUERY_ATTRIBUTES, setting)
    if not named:
        raise SettingsError(f"{setting} must name its token: token=LABEL, serial=SERIAL or slot-id=NUMBER")
    module_path = Path(asked.get("module-path", ""))
    if not module_path.is_absolute():
        raise SettingsError(f"{setting} needs ?module-path= with the absolute path of the token's PKCS #11 module")
    pin_source, pin_value = pin(asked, setting, sandbox=sandbox)
    return TokenUri(
        module_path=module_path,
        token=named.get("token", ""),
        serial=named.get("serial", ""),
        slot_id=slot_id(named.get("slot-id"), setting),
        pin_source=pin_source,
        pin_value=pin_value,
    )


def attributes(text: str, separator: str, known: tuple[str, ...], setting: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, text.split(separator)):
        name, equals, value = part.partition("=")
        if name not in known:
            raise SettingsError(f"{setting}: the attribute {name} is not used here; there are {', '.join(known)}")
        if name in found:  # section 2.3: an attribute MUST NOT appear twice
            raise SettingsError(f"{setting}: {name} stands there twice")
        if not equals or not value or PERCENT.search(value):
            raise SettingsError(f"{setting}: {name} has no value, or one that is not percent-encoded rightly")
        found[name] = decoded(value, name, setting)
    return found


def decoded(value: str, name: str, setting: str) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{setting}: {name} is not UTF-8") from error


def slot_id(text: str | None, setting: str) -> int | None:
    if text is None:
        return None
    if not SLOT_ID.fullmatch(text):
        raise SettingsError(f"{setting}: slot-id must be a decimal number")
    return int(text)


def pin(asked: Mapping[str, str], setting: str, *, sandbox: bool) -> tuple[Path | None, str]:
    """Section 7: a PIN in a URI stands in process lists, shells' histories and logs."""
    source, value = asked.get("pin-source", ""), asked.get("pin-value", "")
    if value and not sandbox:
        raise SettingsError(f"{setting}: pin-value is for the sandbox alone; use pin-source=file:/PATH")
    if bool(source) == bool(value):
        raise SettingsError(f"{setting} needs pin-source=file:/PATH")
    if not source:
        return None, value
    path = Path(re.sub(r"^file:(//)?", "", source))
    if not path.is_absolute():  # section 2.4 knows `|COMMAND` too: nothing is run here
        raise SettingsError(f"{setting}: pin-source must be file: and an absolute path")
    return path, ""


def load_pin(uri: TokenUri, setting: str) -> str:
    """Read at each login, so that a PIN can be changed without a restart."""
    if uri.pin_source is None:
        return uri.pin_value
    try:
        found = uri.pin_source.read_text("utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{setting}: pin-source {uri.pin_source} cannot be read") from error
    if not found:
        raise SettingsError(f"{setting}: pin-source {uri.pin_source} is empty")
    return found
