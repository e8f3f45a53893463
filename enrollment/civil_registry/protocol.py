"""What enrolment asks of the civil register, and the two answers it may have.

The service itself tells "no such laser code" from "the data do not match": told on, that is an oracle with which
somebody else's card can be guessed field by field. So the port knows only confirmed and not confirmed (SP 800-63A:
a failed applicant must not learn which attribute did not match).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from typing import Protocol

from core.errors import Unavailable


@dataclass(frozen=True)
class CardClaim:
    """What the holder says of the card. `birth_date` is YYYYMMDD in the Buddhist era, 00 where unknown."""

    citizen_number: str
    given_name: str
    family_name: str
    birth_date: str
    laser_code: str


class RegisterAnswer(Enum):
    """CONFIRMED: a living person's valid card, and all five fields are its own. NOT_CONFIRMED: anything else."""

    CONFIRMED = "confirmed"
    NOT_CONFIRMED = "not-confirmed"


@dataclass(frozen=True)
class RegisteredAddress:
    """The house registration, in Thai, by the members of OpenID Connect Core section 5.1.1; "" where unknown."""

    street_address: str = ""
    locality: str = ""
    region: str = ""
    postal_code: str = ""

    def known(self) -> dict[str, str]:
        return {name: value for name, value in asdict(self).items() if value}


class RegistryUnavailable(Unavailable):
    """No answer, or a service that says it is closed: nobody's attempt."""

    def __init__(self) -> None:
        super().__init__(
            "The civil register does not answer at the moment. What you entered was kept and this was not counted as"
            " an attempt. Please try again in a few minutes."
        )


class CivilRegistry(Protocol):
    def check_card(self, claim: CardClaim) -> RegisterAnswer:
        """Raises RegistryUnavailable. An outbound call: never inside a transaction."""

    def address(self, claim: CardClaim) -> RegisteredAddress:
        """Of somebody whom `check_card` confirmed; empty where the register does not tell. The same kind of call."""
