"""From where an act comes and what brought it about: known at the edge, written by `core.audit` into every entry.

A request says it once (`core.web`), a job and a command too; what records an entry need not pass it on. `source` is a
pseudonym of the network address, or names the command; `cause` is the route, the job or the command, never a path as
it was typed: paths carry identifiers that somebody else chose.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path

ADDRESS = "address:"  # what a pseudonym begins with
PSEUDONYM_LENGTH = 32  # hexadecimal digits: 128 bits
LOGIN_UID = Path("/proc/self/loginuid")  # Linux's own audit: who logged in, kept over sudo
NO_LOGIN = str(2**32 - 1)


@dataclass(frozen=True)
class Origin:
    """Both are empty where nobody said them: a test, a script of a developer."""

    source: str = ""
    cause: str = ""


NOBODY_SAID = Origin()
CURRENT: ContextVar[Origin] = ContextVar("origin", default=NOBODY_SAID)

Pseudonym = Callable[[str], str]


def pseudonymiser(key: bytes) -> Pseudonym:
    """One address, one pseudonym, for ever: an auditor sees that two acts came from one place, and not from which.

    Who has an address and is entitled to ask finds its entries with `prajak audit source`. Keyed, because all IPv4
    addresses could be tried against a bare hash in minutes.
    """

    def pseudonym(address: str) -> str:
        return ADDRESS + hmac.new(key, canonical(address), sha256).hexdigest()[:PSEUDONYM_LENGTH]

    return pseudonym


def canonical(address: str) -> bytes:
    """An IPv4 address seen through IPv6 is the same address (RFC 4291 section 2.5.5.2)."""
    try:
        found = ip_address(address)
    except ValueError:
        return b"unknown"
    return str(getattr(found, "ipv4_mapped", None) or found).encode()


def command_source(uid: int) -> str:
    """Who gave a command, as the machine's own records name him: numbers, which lead to a person only there."""
    try:
        login = LOGIN_UID.read_text("ascii").strip()
    except OSError:
        login = NO_LOGIN
    return f"command uid={uid}" + (f" loginuid={login}" if login != NO_LOGIN else "")


def change(origin: Origin) -> Origin:
    """From now on every entry says this; returns what was said before."""
    before = CURRENT.get()
    CURRENT.set(origin)
    return before


@contextmanager
def acting(source: str, cause: str) -> Iterator[None]:
    """All entries written in the block say this."""
    before = change(Origin(source, cause))
    try:
        yield
    finally:
        change(before)
