"""Names below `localhost` are this machine (RFC 6761 section 6.3); the resolver of many a system does not know it."""

from __future__ import annotations

from urllib.parse import urlsplit


def reach(url: str) -> tuple[str, dict[str, str]]:
    """Where to connect, and the headers that name who is meant."""
    parts = urlsplit(url)
    if not (parts.hostname or "").endswith(".localhost"):
        return url, {}
    return parts._replace(netloc=f"127.0.0.1:{parts.port or 80}").geturl(), {"Host": parts.netloc}
