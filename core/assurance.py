"""Identity and authenticator assurance levels, `acr` and `amr`, and their order.

The levels are Thailand's (IAL1.1 to IAL3 in use on the national exchange, AAL1 to AAL3); what is needed to reach
one is policy data in `enrollment/policy`. An `acr` names both: `urn:prajak:ial2.1:aal2`. In the sandbox each is the
production value under `urn:prajak:sandbox:`, in the same order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class IAL(StrEnum):
    """Ordered as written; IAL1.1 asks for no evidence."""

    IAL1_1 = "1.1"
    IAL1_2 = "1.2"
    IAL1_3 = "1.3"
    IAL2_1 = "2.1"
    IAL2_2 = "2.2"
    IAL2_3 = "2.3"
    IAL3 = "3"

    NONE = "1.1"  # an alias: somebody of whom nothing was checked

    @property
    def rank(self) -> int:
        return list(IAL).index(self)


class AAL(IntEnum):
    AAL1 = 1
    AAL2 = 2
    AAL3 = 3


class AMR(StrEnum):
    """RFC 8176 section 2."""

    HARDWARE_KEY = "hwk"
    SOFTWARE_KEY = "swk"
    USER_PRESENCE = "user"
    MULTI_FACTOR = "mfa"
    ONE_TIME_PASSWORD = "otp"  # noqa: S105 - the registered name
    PROOF_OF_POSSESSION = "pop"


@dataclass(frozen=True)
class Acr:
    ial: IAL
    aal: AAL


PREFIX = "urn:prajak:"
SANDBOX_PREFIX = "urn:prajak:sandbox:"
ACR = re.compile(r"urn:prajak:(?P<sandbox>sandbox:)?ial(?P<ial>1\.[123]|2\.[123]|3):aal(?P<aal>[123])")


def acr_value(acr: Acr, *, sandbox: bool) -> str:
    return f"{SANDBOX_PREFIX if sandbox else PREFIX}ial{acr.ial.value}:aal{acr.aal.value}"


def parse_acr(value: str, *, sandbox: bool) -> Acr | None:
    """None for what this deployment does not speak: a sandbox value in production is as unknown as any other."""
    found = ACR.fullmatch(value)
    if not found or bool(found["sandbox"]) != sandbox:
        return None
    return Acr(IAL(found["ial"]), AAL(int(found["aal"])))


def satisfies(have: Acr, wanted: Acr) -> bool:
    """At least the identity wanted, and at least the authenticator wanted."""
    return have.ial.rank >= wanted.ial.rank and have.aal >= wanted.aal


def acr_values_supported(*, sandbox: bool) -> list[str]:
    """Weakest first, identity before authenticator; AAL1 is not offered."""
    return [acr_value(Acr(ial, aal), sandbox=sandbox) for ial in IAL for aal in (AAL.AAL2, AAL.AAL3)]
