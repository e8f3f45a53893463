"""Identifiers nobody can guess, and secrets kept only as hashes."""

from __future__ import annotations

from hashlib import sha256
from secrets import token_urlsafe


def new_id() -> str:
    """128 random bits in 22 base64url characters."""
    return token_urlsafe(16)


def new_secret() -> str:
    """256 random bits in 43 base64url characters."""
    return token_urlsafe(32)


def hashed(secret: str) -> bytes:
    """SHA-256, 32 bytes. For secrets of high entropy only: codes that people type go through a keyed hash."""
    return sha256(secret.encode()).digest()
