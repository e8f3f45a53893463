"""One session with a token, and the handles that were found in it: looking a key up costs more than using it.

A key's CKA_ID is its `kid`. Beside the keys there is one data object, the mark: it says sandbox or production, as
`custody.json` does in a directory of keys, and it tells a key that is missing from a token that is away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pkcs11 import Attribute, ObjectClass, _pkcs11
from pkcs11.exceptions import MultipleObjectsReturned, PKCS11Error

from keys.errors import KeystoreError
from keys.pkcs11_errors import SightLost

MARK = "prajak custody"
OBJECTS_AT_ONCE = 10
HANDLES_KEPT = 1024  # per session; beyond it they are looked up again


class TokenSession:
    """Used by one thread at a time."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self._found: dict[tuple[ObjectClass, str], Any] = {}

    def private_key(self, kid: str) -> Any:
        return self._held(ObjectClass.PRIVATE_KEY, kid)

    def public_key(self, kid: str) -> Any:
        return self._held(ObjectClass.PUBLIC_KEY, kid)

    def secret_key(self, kid: str) -> Any:
        return self._held(ObjectClass.SECRET_KEY, kid)

    def all_of(self, kid: str) -> list[Any]:
        return self._objects({Attribute.ID: kid.encode(), Attribute.TOKEN: True})

    def modes(self) -> set[str]:
        """What the marks on the token say: one mode, or none yet."""
        wanted = {Attribute.CLASS: ObjectClass.DATA, Attribute.LABEL: MARK, Attribute.TOKEN: True}
        return {mark[Attribute.VALUE].decode(errors="replace") for mark in self._objects(wanted)}

    def write_mark(self, mode: str) -> None:
        self.session.create_object(
            {
                Attribute.CLASS: ObjectClass.DATA,
                Attribute.TOKEN: True,
                Attribute.PRIVATE: True,
                Attribute.LABEL: MARK,
                Attribute.APPLICATION: "prajak",
                Attribute.VALUE: mode.encode(),
            }
        )

    def check(self) -> None:
        """Raises SightLost when the token does not show our mark."""
        if not self.modes():
            raise SightLost("the token shows nothing of ours")

    def is_well(self) -> bool:
        try:
            return bool(self.modes())
        except PKCS11Error:
            return False

    def forget(self) -> None:
        """Handles may be void though the session is not: they are found anew."""
        self._found.clear()

    def _held(self, kind: ObjectClass, kid: str) -> Any:
        found = self._found.get((kind, kid))
        if found is None:
            if len(self._found) >= HANDLES_KEPT:
                self._found.clear()
            found = self._found[kind, kid] = self._find(kind, kid)
        return found

    def _find(self, kind: ObjectClass, kid: str) -> Any:
        wanted = {Attribute.CLASS: kind, Attribute.ID: kid.encode(), Attribute.TOKEN: True}
        found = self._objects(wanted)
        if not found:
            self.check()
            raise KeystoreError(f"the key {kid} is missing from the token; restore it from the token's backup")
        if len(found) > 1:
            raise MultipleObjectsReturned(f"{len(found)} keys on the token have the identifier {kid}")
        return found[0]

    def _objects(self, wanted: Mapping[Attribute, object]) -> list[Any]:
        with Search(self.session, wanted, OBJECTS_AT_ONCE) as found:
            return [each for batch in found for each in batch]


class Search(_pkcs11.SearchIter):  # type: ignore[misc, name-defined]
    """C_FindObjects. python-pkcs11 0.10 leaves a search that could not begin to `__del__`, where its error is printed
    and nobody is told; the session that it was begun in is not used again.
    """

    def __del__(self) -> None:
        pass
