"""What was authorized in detail (RFC 9396), between the code and its token: too long for a code to carry."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, String, Text, delete, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime
from core.identifiers import new_id


class RichAuthorization(Base):
    """`details` are the granted authorization_details as JSON; `assertion` the passkey's answer over the documents,
    "null" where none was asked for.
    """

    __tablename__ = "rich_authorization"

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    details: Mapped[str] = mapped_column(Text)
    assertion: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


def record_rich_authorization(
    connection: Connection,
    *,
    details: Sequence[Mapping[str, Any]],
    assertion: Mapping[str, str] | None,
    expires_at: datetime,
) -> str:
    row = {"id": new_id(), "details": json.dumps(list(details)), "assertion": json.dumps(assertion)}
    connection.execute(insert(RichAuthorization), row | {"expires_at": expires_at})
    return row["id"]


def load_rich_authorization(
    connection: Connection, identifier: str
) -> tuple[list[dict[str, Any]], dict[str, str] | None] | None:
    """(details, assertion)."""
    query = select(RichAuthorization.details, RichAuthorization.assertion).where(RichAuthorization.id == identifier)
    row = connection.execute(query).first()
    return None if row is None else (json.loads(row.details), json.loads(row.assertion))


def purge_rich_authorizations(connection: Connection, before: datetime) -> int:
    return connection.execute(delete(RichAuthorization).where(RichAuthorization.expires_at < before)).rowcount
