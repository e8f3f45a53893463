"""The signed-in person's name, for greetings and the menu: opened only when a page shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from core import i18n
from enrollment.account import AccountStore, PersonAttributes
from idp.interaction import signed_in
from idp.interaction.services import InteractionServices


@dataclass(frozen=True)
class MenuPerson:
    """What the base template's menu shows."""

    account_id: str
    accounts: AccountStore

    @cached_property
    def display_name(self) -> str:
        return display_name(self.accounts.attributes(self.account_id))


def display_name(attributes: PersonAttributes) -> str:
    """In the language of the page, where the person has a name in it."""
    thai, english = attributes.name_th, attributes.name_en
    return (thai or english) if i18n.language() == "th" else (english or thai)


def menu_person(services: InteractionServices) -> Callable[[], MenuPerson | None]:
    """For `core.web.Web.signed_in`."""

    def person() -> MenuPerson | None:
        session = signed_in.current(services)
        return MenuPerson(session.account_id, services.accounts) if session else None

    return person
