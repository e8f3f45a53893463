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


class RequestedClaims(Base):
    __tablename__ = "requested_claims"

    digest: Mapped[str] = mapped_column(String(43), primary_key=True)
    claims: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


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
