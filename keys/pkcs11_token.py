"""A token in use: one login and a bounded pool of sessions per process, and what is done when it went away.

A process has one `Token` for each address; after a fork the child begins with none (PKCS #11 v3.0 section 5.4: it must
initialise for itself). Work is done by `run`, in this order:

1. on a session of the pool, with the handles that were found in it before;
2. once more on the same session with fresh handles, when they were stale and the token still shows our mark;
3. once more after the module was begun anew and the token logged in to, when it does not;
4. else `TokenAway`, at once for everybody until the next attempt is due.

Only work that may be done twice is given to `run`: a signature, a decryption, a look-up.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, RLock
from time import monotonic
from typing import TypeVar

import structlog
from pkcs11.exceptions import PKCS11Error

from core.settings import SettingsError
from keys.errors import KeystoreError, TokenAway
from keys.pkcs11_connection import Connection, PinRefused, TokenAddress, connect
from keys.pkcs11_errors import is_refusal, named
from keys.pkcs11_module import BEGUN_WITHIN, Module
from keys.pkcs11_session import TokenSession
from keys.pkcs11_uri import load_pin

log = structlog.get_logger()
T = TypeVar("T")
Work = Callable[[TokenSession], T]

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0  # seconds between attempts: well within the 30 that healing may take


@dataclass
class Absence:
    """Since the token was lost: why, and when the next attempt is due. Monotonic seconds: a wait, no time of day."""

    error: TokenAway | SettingsError
    pause: float
    due: float


class Token:
    """One per process and address."""

    def __init__(self, address: TokenAddress, module: Module) -> None:
        self.address = address
        self.module = module
        self._connection: Connection | None = None
        self._lost: int | None = None  # the generation of the module in which the token was lost
        self._absence: Absence | None = None
        self._refused_pin = ""
        self._connecting = RLock()

    def run(self, work: Work[T]) -> T:
        """Raises TokenAway when the token does not answer, KeystoreError when it refuses."""
        try:
            return self._attempt(work)
        except PKCS11Error as error:
            log.warning("token_lost", token=str(self.address), error=named(error))
        try:
            return self._attempt(work)
        except PKCS11Error as error:
            raise TokenAway(f"{self.address} does not answer: {named(error)}") from error

    def once(self, work: Work[T]) -> T:
        """For what must not be done twice, a key's making: the token is looked at before."""
        self.run(TokenSession.check)
        try:
            return self._attempt(work, again=False)
        except PKCS11Error as error:
            raise TokenAway(f"{self.address} does not answer: {named(error)}") from error

    def connect(self) -> Connection:
        """The login in force, or a new one; raises TokenAway, and SettingsError for what waiting does not mend."""
        connection = self._connection
        if connection is not None and connection.generation == self.module.generation:
            return connection
        if not self._connecting.acquire(timeout=BEGUN_WITHIN):
            raise TokenAway(f"{self.address}: another thread is waiting for it")
        try:
            return self._reconnect()
        finally:
            self._connecting.release()

    def open_sessions(self) -> int:
        """With the one that is logged in; 0 while the token is away."""
        connection = self._connection
        return 0 if connection is None else 1 + connection.open_sessions()

    def mechanisms(self) -> frozenset[int]:
        """What the token can do (C_GetMechanismList). Raises TokenAway."""
        return self._connect_to_work().mechanisms

    def _attempt(self, work: Work[T], *, again: bool = True) -> T:
        connection = self._connect_to_work()
        try:
            with self.module.entered(connection.generation), connection.session() as session:
                try:
                    return work(session)
                except PKCS11Error as error:
                    if is_refusal(error) or not again or not session.is_well():
                        raise
                    session.forget()
                    return work(session)
        except PKCS11Error as error:
            if is_refusal(error):
                raise KeystoreError(f"{self.address} refuses: {named(error)}") from error
            self._lose(connection)
            raise

    def _connect_to_work(self) -> Connection:
        try:
            return self.connect()
        except SettingsError as error:
            raise TokenAway(str(error)) from error

    def _lose(self, connection: Connection) -> None:
        if self._connecting.acquire(timeout=BEGUN_WITHIN):
            if self._connection is connection:
                self._connection, self._lost = None, connection.generation
            self._connecting.release()

    def _reconnect(self) -> Connection:
        connection = self._connection
        if connection is not None and connection.generation == self.module.generation:
            return connection
        if self._absence is not None and monotonic() < self._absence.due:
            raise type(self._absence.error)(str(self._absence.error))
        try:
            self._connection = self._found()
        except SettingsError as error:
            self._note_absence(error)
            raise
        except (PKCS11Error, TokenAway) as error:
            away = TokenAway(f"{self.address} is away: {named(error)}")
            self._note_absence(away)
            raise away from error
        if self._absence is not None:
            log.warning("token_returned", token=str(self.address))
        self._lost = self._absence = None
        return self._connection

    def _found(self) -> Connection:
        if self._lost is not None:
            self.module.renew(self._lost)
        try:
            return self._log_in()
        except PKCS11Error as error:
            if self._lost is not None or is_refusal(error):
                raise
        # Many modules look for tokens while they begin, and then no more; and another token's attempt may have failed.
        self.module.renew(self.module.generation)
        return self._log_in()

    def _log_in(self) -> Connection:
        """A token locks after a few wrong PINs: one that was refused is not tried again until another is there."""
        pin = load_pin(self.address.uri, self.address.setting)
        if pin == self._refused_pin:
            raise SettingsError(f"{self.address.setting}: {self.address} refused this PIN; it is not tried again")
        try:
            return connect(self.address, self.module, pin)
        except PinRefused:
            self._refused_pin = pin
            raise

    def _note_absence(self, error: TokenAway | SettingsError) -> None:
        """Nobody asks again before the next attempt is due: a token that comes back is not met by a storm."""
        pause = FIRST_PAUSE if self._absence is None else min(2 * self._absence.pause, LONGEST_PAUSE)
        self._absence = Absence(error, pause, monotonic() + pause)
        self._lost = self.module.generation
        log.warning("token_away", token=str(self.address), why=str(error), next_attempt_in=pause)


_tokens: dict[tuple[int, TokenAddress], Token] = {}
_modules: dict[tuple[int, Path], Module] = {}
_opening = Lock()


def token_at(address: TokenAddress) -> Token:
    """This process's token. SettingsError for a module that does not load, TokenAway for one that does not begin."""
    found = _tokens.get((os.getpid(), address))
    if found is not None:
        return found
    with _opening:
        key = os.getpid(), address
        if key not in _tokens:
            _tokens[key] = Token(address, module_at(address.uri.module_path))
        return _tokens[key]


def module_at(path: Path) -> Module:
    key = os.getpid(), path
    if key not in _modules:
        try:
            _modules[key] = Module(path)
        except PKCS11Error as error:
            raise TokenAway(f"{path} does not begin: {named(error)}") from error
    return _modules[key]


def begin_anew() -> None:
    """In the child of a fork: nothing of the parent's is used, and a lock that it held is not waited for."""
    global _opening  # noqa: PLW0603
    _opening = Lock()
    _tokens.clear()
    _modules.clear()


os.register_at_fork(after_in_child=begin_anew)
