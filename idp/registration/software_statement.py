"""Software statements, RFC 7591 sections 2.3 and 3.1.1: metadata that somebody trusted has signed. What it says takes
precedence over what the client says of itself.

Who is trusted is `PRAJAK_SOFTWARE_STATEMENT_ISSUERS`: a JSON file, issuer → its JWK Set.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from core.ground import Ground
from core.settings import SettingsError
from idp.errors import InvalidSoftwareStatement, UnapprovedSoftwareStatement
from idp.models.jose import VERIFYING_ALGORITHMS
from idp.oauth2.compact_jws import (
    BadToken,
    PublicKey,
    UnverifiedToken,
    fits,
    import_public_key,
    numeric_date,
    parse_unverified,
    verify,
)
from idp.registration.client_keys import check_key_set

MEMBER = "software_statement"
OF_THE_TOKEN = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti", MEMBER})  # RFC 7519 section 4.1
TYPES = (None, "JWT", "jwt", "software-statement+jwt")  # never a token made for something else (RFC 8725 3.11)


class TrustedIssuers:
    """The file is read anew for each statement: they are rare, and a key that was taken out must stop working."""

    def __init__(self, ground: Ground) -> None:
        """Raises SettingsError for a file that cannot be used: at the start, not at the first statement."""
        self.ground = ground
        load_issuers(ground.settings.software_statement_issuers)

    def applied(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """The metadata with what its statement says put over it. Raises InvalidSoftwareStatement for one that does not
        verify, UnapprovedSoftwareStatement for one of somebody who is not trusted.
        """
        statement = metadata.get(MEMBER)
        if statement is None:
            return dict(metadata)
        if not isinstance(statement, str):
            raise InvalidSoftwareStatement("software_statement: it must be a signed JWT")
        try:
            token = parse_unverified(statement)
            claims = self._verified(token)
            check_time(claims, self.ground.clock.now(), skew=self.ground.settings.clock_skew.total_seconds())
            check_audience(claims, self.ground.settings.issuer)
        except BadToken as error:
            raise InvalidSoftwareStatement(f"software_statement: {error}") from error
        return dict(metadata) | {name: value for name, value in claims.items() if name not in OF_THE_TOKEN}

    def _verified(self, token: UnverifiedToken) -> Mapping[str, Any]:
        if token.header.get("typ") not in TYPES:
            raise BadToken("typ must be software-statement+jwt or JWT")
        issuer = token.claims.get("iss")
        keys = load_issuers(self.ground.settings.software_statement_issuers).get(str(issuer))
        if keys is None:
            raise UnapprovedSoftwareStatement("software_statement: its issuer is not trusted here")
        for key in candidates(token, keys):
            try:
                return verify(token, key, algorithms=VERIFYING_ALGORITHMS)
            except BadToken:
                continue
        raise BadToken("no key of its issuer verifies the signature")


def load_issuers(file: Path | None) -> Mapping[str, list[Mapping[str, Any]]]:
    """Issuer → keys; nobody without the setting."""
    if file is None:
        return {}
    try:
        written = json.loads(file.read_text("utf-8"))
        return {str(issuer): check_key_set(keys)["keys"] for issuer, keys in written.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise SettingsError(f"PRAJAK_SOFTWARE_STATEMENT_ISSUERS: {file} is not issuer → JWK Set: {error}") from error


def candidates(token: UnverifiedToken, keys: list[Mapping[str, Any]]) -> list[PublicKey]:
    """By `kid` where the statement has one, else every key of the right kind."""
    kid, algorithm = token.header.get("kid"), token.header.get("alg")
    if algorithm not in VERIFYING_ALGORITHMS:
        raise BadToken(f"alg must be one of {', '.join(VERIFYING_ALGORITHMS)}")
    named = [import_public_key(key) for key in keys if kid is None or key.get("kid") in (kid, None)]
    return [key for key in named if fits(key, algorithm)]


def check_time(claims: Mapping[str, Any], now: datetime, *, skew: float) -> None:
    """RFC 7519 sections 4.1.4 to 4.1.6: a statement may live for years; where it says how long, it is believed."""
    moment = now.timestamp()
    if "exp" in claims and numeric_date(claims, "exp") <= moment - skew:
        raise BadToken("exp is past")
    for name in ("nbf", "iat"):
        if name in claims and numeric_date(claims, name) > moment + skew:
            raise BadToken(f"{name} is in the future")


def check_audience(claims: Mapping[str, Any], issuer: str) -> None:
    """RFC 7519 section 4.1.3: one that names audiences is for them."""
    audiences = claims.get("aud", issuer)
    if issuer not in (audiences if isinstance(audiences, list) else [audiences]):
        raise BadToken("aud does not name this server")
