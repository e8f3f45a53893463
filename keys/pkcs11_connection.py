"""A login to a token and a bounded pool of sessions beside it (PKCS #11 v3.0 section 5.6).

The login belongs to the whole process and lasts as long as one session is open, so the first session does no work and
is never closed: closing it would log all others out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Condition
from typing import Any

import pkcs11
from pkcs11.constants import TokenFlag
from pkcs11.exceptions import PKCS11Error

from core.settings import SettingsError
from keys.errors import KeystoreError, TokenAway
from keys.pkcs11_errors import PIN_REFUSED, SightLost, named
from keys.pkcs11_module import Module
from keys.pkcs11_session import TokenSession
from keys.pkcs11_uri import TokenUri

SESSION_WITHIN = 5.0  # seconds that a thread waits for a session of the pool


@dataclass(frozen=True)
class TokenAddress:
    """`setting` is what named it, for messages; `mode` what it must be marked for; `sessions` the size of the pool."""

    uri: TokenUri
    setting: str
    mode: str
    sessions: int

    def __str__(self) -> str:
        return str(self.uri)


class PinRefused(SettingsError):
    """The token took the PIN for wrong, and counts: it must not be tried again."""


class Connection:
    """What holds for one initialisation of the module."""

    def __init__(self, address: TokenAddress, token: Any, login: TokenSession, generation: int) -> None:
        self.generation = generation
        self.mechanisms: frozenset[int] = frozenset(token.slot.get_mechanisms())
        self._address = address
        self._token = token
        self._login = login
        self._idle: list[TokenSession] = []
        self._size = address.sessions
        self._open = 0
        self._freed = Condition()

    @contextmanager
    def session(self) -> Iterator[TokenSession]:
        """One of the pool's, alone; raises TokenAway when none is free in time."""
        taken = self._take()
        try:
            yield taken
        except PKCS11Error:
            self._drop(taken)  # an operation may still be active in it
            raise
        except BaseException:
            self._give_back(taken)
            raise
        self._give_back(taken)

    def open_sessions(self) -> int:
        """For metrics: those of the pool."""
        return self._open

    def _take(self) -> TokenSession:
        with self._freed:
            ready = self._freed.wait_for(lambda: self._idle or self._open < self._size, SESSION_WITHIN)
            if not ready:
                raise TokenAway(f"{self._address}: all {self._size} sessions are at work")
            if self._idle:
                return self._idle.pop()
            self._open += 1
        try:
            return TokenSession(self._token.open(rw=True))
        except pkcs11.SessionCount:
            self._fewer()
            return self._take()
        except BaseException:
            self._closed()
            raise

    def _fewer(self) -> None:
        """The token has fewer sessions than were asked for: those that it gave must do."""
        with self._freed:
            self._open -= 1
            self._size = self._open
            if not self._size:
                raise KeystoreError(f"{self._address} gives no session beside the one that is logged in")

    def _give_back(self, session: TokenSession) -> None:
        with self._freed:
            self._idle.append(session)
            self._freed.notify()

    def _drop(self, session: TokenSession) -> None:
        with suppress(PKCS11Error):
            session.session.close()
        self._closed()

    def _closed(self) -> None:
        with self._freed:
            self._open -= 1
            self._freed.notify()


def connect(address: TokenAddress, module: Module, pin: str) -> Connection:
    """Finds the token, logs in, and checks the mark that a new token is given.

    Raises PKCS11Error while it is away, SettingsError for what waiting does not mend.
    """
    generation = module.generation
    with module.entered(generation):
        token = find_token(address, module)
        login = TokenSession(log_in(address, token, pin))
        check_mark(address, login)
        return Connection(address, token, login, generation)


def find_token(address: TokenAddress, module: Module) -> Any:
    uri = address.uri
    found = [
        token
        for token in present_tokens(module)
        if uri.token in ("", token.label)
        and uri.serial.encode() in (b"", token.serial)
        and uri.slot_id in (None, token.slot.slot_id)
    ]
    if not found:
        raise SightLost("there is no such token")
    if len(found) > 1:
        raise SettingsError(f"{address.setting}: {len(found)} tokens are meant by {address}; name the serial too")
    return found[0]


def present_tokens(module: Module) -> Iterator[Any]:
    for slot in module.library.get_slots(token_present=True):
        with suppress(pkcs11.TokenNotPresent, pkcs11.TokenNotRecognised):
            token = slot.get_token()
            if token.flags & TokenFlag.TOKEN_INITIALIZED:
                yield token


def log_in(address: TokenAddress, token: Any, pin: str) -> Any:
    try:
        return token.open(rw=True, user_pin=pin)
    except pkcs11.UserAlreadyLoggedIn:  # by another address of the same token in this process
        return token.open(rw=True)
    except PIN_REFUSED as error:
        raise PinRefused(f"{address.setting}: {address} refuses the PIN ({named(error)})") from error


def check_mark(address: TokenAddress, session: TokenSession) -> None:
    """A sandbox's keys must never become a country's. Of two processes that mark a new token both write the same."""
    if not session.modes():
        session.write_mark(address.mode)
    for mode in session.modes():
        if mode != address.mode:
            raise SettingsError(f"PRAJAK_SANDBOX: the keys on {address} were made for {mode}, not for {address.mode}")
