"""A certificate as rules read it, RFC 5280 section 4: its parts by name, beside the profile that it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from asn1crypto import x509 as asn1

from keys.profiles import Profile


@dataclass(frozen=True)
class Extension:
    """`value` is parsed where asn1crypto knows the extension, else the bytes."""

    critical: bool
    value: Any


@dataclass(frozen=True)
class Examined:
    """A certificate as the rules read it. `issuer` is the issuer's certificate, the certificate itself for a root."""

    certificate: asn1.Certificate
    profile: Profile
    issuer: asn1.Certificate
    extensions: Mapping[str, Extension]
    repeated: tuple[str, ...]

    @property
    def tbs(self) -> Any:
        return self.certificate["tbs_certificate"]

    @property
    def is_root(self) -> bool:
        return self.profile.name == "root"

    def value(self, name: str) -> Any:
        """None where there is no such extension."""
        found = self.extensions.get(name)
        return None if found is None else found.value

    def native(self, name: str) -> Any:
        found = self.value(name)
        return None if found is None else found.native

    def is_critical(self, name: str) -> bool | None:
        found = self.extensions.get(name)
        return None if found is None else found.critical


def examine(encoded: bytes, profile: Profile, issuer: asn1.Certificate | None) -> Examined:
    certificate = asn1.Certificate.load(encoded, strict=True)
    extensions: dict[str, Extension] = {}
    repeated = []
    for each in certificate["tbs_certificate"]["extensions"]:
        name = each["extn_id"].native
        if name in extensions:
            repeated.append(name)
        extensions[name] = Extension(bool(each["critical"].native), each["extn_value"].parsed)
    return Examined(certificate, profile, issuer or certificate, extensions, tuple(repeated))
