"""Discovery, OpenID Connect Discovery section 3 and RFC 8414, and the JSON Web Key Set: prepared bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from core.ground import Ground
from idp.oauth2.metadata import signed
from keys.keystore import Keystore
from keys.purposes import Purpose

PUBLISHED = (
    Purpose.ID_TOKEN,
    Purpose.ACCESS_TOKEN,
    Purpose.USERINFO,
    Purpose.LOGOUT,
    Purpose.AUTHORIZATION_RESPONSE,
    Purpose.INTROSPECTION,
    Purpose.METADATA,
    Purpose.REQUEST_OBJECT,
)
FRESH = timedelta(seconds=5)
MAX_AGE = timedelta(minutes=5)  # far shorter than keys stand before they sign (keys/purposes.py)


class Prepared:
    """Bytes that many ask for, with their entity tag (RFC 9110 section 8.8.3)."""

    def __init__(self, document: Any) -> None:
        self.body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        self.etag = sha256(self.body).hexdigest()[:32]


class KeySetDocument:
    """RFC 7517 section 5: what verifies our tokens, read again every few seconds."""

    def __init__(self, ground: Ground, keystore: Keystore) -> None:
        self.ground = ground
        self.keystore = keystore
        self.kept: tuple[datetime, Prepared] | None = None

    def prepared(self) -> Prepared:
        now = self.ground.clock.now()
        if self.kept is None or not timedelta() <= now - self.kept[0] < FRESH:
            self.kept = (now, Prepared({"keys": self.keys(PUBLISHED)}))
        return self.kept[1]

    def keys(self, purposes: Sequence[Purpose]) -> list[dict[str, str]]:
        return self.keystore.published(purposes)


class MetadataDocument:
    """The metadata with its signature (RFC 8414 section 2.1), made again when the key that signs changes."""

    def __init__(self, ground: Ground, keystore: Keystore, metadata: Mapping[str, Any]) -> None:
        self.ground = ground
        self.keystore = keystore
        self.metadata = metadata
        self.kept: tuple[str, Prepared] | None = None

    def prepared(self) -> Prepared:
        signer = self.keystore.active(Purpose.METADATA, "ES256")
        if self.kept is None or self.kept[0] != signer.kid:
            signature = signed(self.metadata, signer, issued_at=self.ground.clock.now())
            self.kept = (signer.kid, Prepared({**self.metadata, "signed_metadata": signature}))
        return self.kept[1]
