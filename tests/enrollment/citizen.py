"""A citizen at a browser, so that tests read as stories."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

from werkzeug.test import TestResponse

from enrollment.civil_registry.fictional_people import FictionalPerson
from tests.authenticator import SoftwareAuthenticator
from tests.browser_client import BrowserClient
from tests.enrollment.conftest import Provider

EMAIL = "citizen@example.com"


@dataclass
class Citizen:
    person: FictionalPerson
    provider: Provider
    email: str = EMAIL
    authenticator: SoftwareAuthenticator = field(default_factory=SoftwareAuthenticator)
    browser: BrowserClient = field(init=False)

    def __post_init__(self) -> None:
        self.browser = self.provider.browser()

    def agrees(self, return_to: str = "") -> TestResponse:
        return self.browser.submit("/enroll", {"agree": "1", "return_to": return_to})

    def card(self, **changed: str) -> dict[str, str]:
        born = self.person.birth_date
        fields = {
            "citizen_number": self.person.citizen_number,
            "given_name_th": self.person.given_name_th,
            "family_name_th": self.person.family_name_th,
            "birth_year": born[:4],
            "birth_month": born[4:6].replace("00", ""),
            "birth_day": born[6:].replace("00", ""),
            "laser_code": self.person.laser_code,
        }
        return fields | changed

    def shows_card(self, **changed: str) -> TestResponse:
        return self.browser.submit("/enroll/details", self.card(**changed))

    def gives_contact(self, contact: str | None = None) -> TestResponse:
        return self.browser.submit("/enroll/contact", {"contact": contact or self.email})

    def enters_code(self, code: str | None = None) -> TestResponse:
        return self.browser.submit("/enroll/code", {"code": code or self.provider.code_sent_to(self.email)})

    def options(self) -> str:
        page = self.browser.get("/enroll/passkey").get_data(as_text=True)
        found = re.search(r'data-options="([^"]*)"', page)
        assert found, page
        return html.unescape(found.group(1))

    def creates_passkey(self, **fields: str) -> TestResponse:
        return self.browser.submit(
            "/enroll/passkey", {"credential": self.authenticator.create(self.options()), **fields}
        )

    def recovery_codes(self) -> list[str]:
        page = self.browser.get("/enroll/recovery-codes").get_data(as_text=True)
        return re.findall(r"<code>([0-9A-Z]{4}(?:-[0-9A-Z]{4}){3})</code>", page)

    def keeps_codes(self) -> TestResponse:
        return self.browser.submit("/enroll/recovery-codes", {"kept": "1"})

    def proves_identity(self, return_to: str = "") -> None:
        """Up to the passkey."""
        for response in (self.agrees(return_to), self.shows_card(), self.gives_contact(), self.enters_code()):
            assert response.status_code == 303, response.get_data(as_text=True)

    def enrolls(self, return_to: str = "") -> list[str]:
        """The whole way; returns the recovery codes."""
        self.proves_identity(return_to)
        assert self.creates_passkey().status_code == 303
        codes = self.recovery_codes()
        assert self.keeps_codes().status_code == 303
        return codes

    @property
    def account_id(self) -> str:
        found = self.provider.services.accounts.find_by_citizen_number(self.person.citizen_number)
        assert found
        return found

    def stands_at(self) -> str:
        """The page to which /enroll leads this browser."""
        answer = self.browser.get("/enroll")
        return answer.headers.get("Location", "/enroll")
