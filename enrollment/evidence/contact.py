"""Where somebody can be reached: an e-mail address or a mobile number, told apart by what was typed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from core.errors import PersonError
from enrollment.evidence.citizen_number import western_digits

LOCAL_PART = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
THAI_MOBILE = re.compile(r"0[689][0-9]{8}")
INTERNATIONAL = re.compile(r"\+[1-9][0-9]{7,14}")  # E.164
PHONE_SEPARATORS = re.compile(r"[\s().\-\u2010-\u2015]+")


@dataclass(frozen=True)
class Contact:
    channel: Literal["email", "sms"]
    address: str

    @property
    def hint(self) -> str:
        """Enough for its owner to recognise it, too little for anybody else."""
        if self.channel == "sms":
            return f"{self.address[:3]}•••••{self.address[-3:]}"
        local, _, domain = self.address.partition("@")
        return f"{local[:2]}•••@{domain}"


def read_contact(typed: str, *, field: str = "contact") -> Contact:
    """Raises PersonError beside its field."""
    text = typed.strip()
    if not text:
        raise PersonError("Please enter an e-mail address or a mobile phone number.", field=field)
    return read_email(text, field) if "@" in text else read_phone(text, field)


def read_email(text: str, field: str) -> Contact:
    local, _, domain = text.rpartition("@")
    try:
        domain = domain.encode("idna").decode().lower()
    except UnicodeError:
        domain = ""
    labels = domain.split(".")
    well_formed = LOCAL_PART.fullmatch(local) and not local.startswith(".") and not local.endswith(".")
    if not well_formed or ".." in local or len(labels) < 2 or len(text) > 254 or not all(map(LABEL.fullmatch, labels)):  # noqa: PLR2004
        raise PersonError("This is not an e-mail address. It looks like name@example.com.", field=field)
    return Contact("email", f"{local}@{domain}")


def read_phone(text: str, field: str) -> Contact:
    """Thai mobile numbers as people write them, others with their country code; kept in E.164."""
    number = PHONE_SEPARATORS.sub("", western_digits(text))
    if number.startswith("+660"):
        number = "+66" + number[4:]
    if THAI_MOBILE.fullmatch(number):
        number = "+66" + number[1:]
    is_thai_mobile = number.startswith("+66") and THAI_MOBILE.fullmatch("0" + number[3:])
    if not INTERNATIONAL.fullmatch(number) or (number.startswith("+66") and not is_thai_mobile):
        raise PersonError("This is not a mobile phone number. It looks like 081 234 5678.", field=field)
    return Contact("sms", number)
