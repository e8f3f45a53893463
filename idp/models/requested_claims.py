"""The `claims` parameter of a request (OpenID Connect Core section 5.5), kept once by its hash.

Codes and tokens carry the hash. A client sends the same request every time, so the row is nearly always there.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, String, Text, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime

MOST_REMEMBERED = 1000


class RequestedClaims(Base):
    __tablename__ = "requested_claims"

    digest: Mapped[str] = mapped_column(String(43), primary_key=True)
    claims: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Recorded:
    """Digests known to be in the database, as many as a worker cares to remember: a client that never asks for the same
    twice must not fill its memory.
    """

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self.most = most
        self.digests: set[str] = set()

    def __contains__(self, digest: str) -> bool:
        return digest in self.digests

    def __len__(self) -> int:
        return len(self.digests)

    def add(self, digest: str) -> None:
        if len(self.digests) >= self.most:
            self.digests.clear()
        self.digests.add(digest)


def digest_claims(claims: Mapping[str, Any]) -> tuple[str, str]:
    """(digest, canonical JSON)."""
    text = json.dumps(claims, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return urlsafe_b64encode(sha256(text.encode()).digest()).rstrip(b"=").decode(), text


def load_requested_claims(connection: Connection, digest: str) -> dict[str, Any] | None:
    text = connection.execute(
        select(RequestedClaims.claims).where(RequestedClaims.digest == digest)
    ).scalar_one_or_none()
    return None if text is None else json.loads(text)


def record_requested_claims(connection: Connection, digest: str, text: str, *, now: datetime) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {"digest": digest, "claims": text, "created_at": now}
    connection.execute(dialect.insert(RequestedClaims).values(**row).on_conflict_do_nothing())
