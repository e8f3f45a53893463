"""What the console does itself once two have agreed to it (`keys/two_person.py`): one table.

An act that is not here needs something that only the machine has, a file say: the command that asked is called again.
Each spends the agreement in its own transaction, so a second try, by whoever, does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from idp.admin.services import ConsoleServices
from keys.errors import KeystoreError
from keys.two_person import Act, Asked

Perform = Callable[[ConsoleServices, Asked, str], None]


def destroy_key(services: ConsoleServices, asked: Asked, by: str) -> None:
    services.keystore.destroy(asked.subject, actor=by, reason=asked.reason)


def compromise_key(services: ConsoleServices, asked: Asked, by: str) -> None:
    services.trust.compromise(asked.subject, actor=by, reason=asked.reason)


def retire_key(services: ConsoleServices, asked: Asked, by: str) -> None:
    services.keystore.retire(asked.subject, actor=by, reason=asked.reason)


def erase_person(services: ConsoleServices, asked: Asked, by: str) -> None:
    services.erase(asked.subject, actor=by)


PERFORMED: Mapping[Act, Perform] = {
    Act.DESTROY_KEY: destroy_key,
    Act.COMPROMISE_KEY: compromise_key,
    Act.RETIRE_KEY: retire_key,
    Act.ERASE_PERSON: erase_person,
}


def perform(services: ConsoleServices, asked: Asked, *, by: str) -> str:
    """Does it where it can be done here. What stood against it, "" where nothing did."""
    act = PERFORMED.get(asked.act)
    try:
        if act is not None:
            act(services, asked, by)
    except KeystoreError as error:
        return str(error)
    return ""
