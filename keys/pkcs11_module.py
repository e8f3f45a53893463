"""A PKCS #11 module in this process: loaded, told that threads will call it, and begun anew when it must be.

python-pkcs11 calls C_Initialize without arguments, which promises that one thread alone will ever call (PKCS #11 v3.0
section 5.4): SoftHSM then locks nothing. So the module is initialised here, with CKF_OS_LOCKING_OK. C_Finalize while a
thread is inside is undefined: `renew` lets nobody in and waits until all are out.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Condition

from pkcs11 import _pkcs11
from pkcs11.exceptions import PKCS11Error

from core.settings import SettingsError
from keys.errors import TokenAway
from keys.pkcs11_errors import SightLost

CKF_OS_LOCKING_OK = 2
CKR_OK, CKR_CRYPTOKI_ALREADY_INITIALIZED = 0, 0x191
OUTSIDE_WITHIN = 5.0  # seconds that a renewal waits for calls under way
BEGUN_WITHIN = 2.0  # seconds that a call waits for a renewal, or for another thread's login: requests must not pile up


class InitializeArgs(ctypes.Structure):
    """CK_C_INITIALIZE_ARGS: no mutexes of ours, the system's are to be used."""

    _fields_ = (
        *[(name, ctypes.c_void_p) for name in ("CreateMutex", "DestroyMutex", "LockMutex", "UnlockMutex")],
        ("flags", ctypes.c_ulong),
        ("pReserved", ctypes.c_void_p),
    )


Call = ctypes.CFUNCTYPE(ctypes.c_ulong, ctypes.c_void_p)


class FunctionList(ctypes.Structure):
    """The head of CK_FUNCTION_LIST."""

    _fields_ = (("version", ctypes.c_ubyte * 2), ("C_Initialize", Call), ("C_Finalize", Call))


class Library(_pkcs11.lib):
    """python-pkcs11's library over a module that was initialised before it."""

    def initialize(self) -> None:
        """p11-kit's client is another module to each who asks for its functions, so it begins here too (it locks
        always); all others say that they are initialised already.
        """
        with suppress(PKCS11Error):
            super().initialize()

    def finalize(self) -> None:
        with suppress(PKCS11Error):
            super().finalize()


class Module:
    """`generation` counts initialisations: sessions and handles of an earlier one are void."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.generation = 0
        self._changed = Condition()
        self._inside = 0
        self._renewing = False
        self._functions = load_functions(path)
        self._begin()
        self.library = Library(str(path))  # which calls its `initialize`

    @contextmanager
    def entered(self, generation: int) -> Iterator[None]:
        """Stay inside while calling; raises SightLost when the module was begun anew meanwhile."""
        with self._changed:
            if self._renewing and not self._changed.wait_for(lambda: not self._renewing, BEGUN_WITHIN):
                raise TokenAway(f"{self.path} does not come back from being initialised")
            if generation != self.generation:
                raise SightLost("the module was begun anew")
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                if not self._inside:
                    self._changed.notify_all()

    def renew(self, generation: int) -> None:
        """C_Finalize and C_Initialize, once for all who lost the same generation; never from inside."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._renewing, BEGUN_WITHIN):
                raise TokenAway(f"{self.path} does not come back from being initialised")
            if generation != self.generation:
                return
            self._renewing = True
        try:
            with self._changed:
                if not self._changed.wait_for(lambda: not self._inside, OUTSIDE_WITHIN):
                    raise TokenAway(f"a call into {self.path} does not come back")
            self.library.finalize()
            self._functions.C_Finalize(None)  # it may be uninitialised already, after a failed attempt
            self._begin()
            self.library.initialize()
        finally:
            with self._changed:
                self._renewing = False
                self._changed.notify_all()

    def _begin(self) -> None:
        self.generation += 1
        arguments = InitializeArgs(flags=CKF_OS_LOCKING_OK)
        result = self._functions.C_Initialize(ctypes.byref(arguments))
        if result == CKR_CRYPTOKI_ALREADY_INITIALIZED:  # inherited over a fork, or somebody else's: with which locks?
            self._functions.C_Finalize(None)
            result = self._functions.C_Initialize(ctypes.byref(arguments))
        if result != CKR_OK:
            raise PKCS11Error(f"C_Initialize of {self.path}: {result:#x}")


def load_functions(path: Path) -> FunctionList:
    """C_GetFunctionList; raises SettingsError for what is no PKCS #11 module."""
    found = ctypes.POINTER(FunctionList)()
    try:
        result = ctypes.CDLL(str(path)).C_GetFunctionList(ctypes.byref(found))
    except (OSError, AttributeError) as error:
        raise SettingsError(f"module-path: {path} is no PKCS #11 module that can be loaded: {error}") from error
    if result != CKR_OK:
        raise SettingsError(f"module-path: {path} gives no functions: {result:#x}")
    return found.contents
