"""What the tests of the device and CIBA grants share: a client without a browser, and the person who decides."""

from __future__ import annotations

import re
from typing import Any

from werkzeug.test import TestResponse

from idp.oauth2.device_authorization import GRANT_TYPE as DEVICE_CODE
from tests.browser_client import BrowserClient
from tests.idp.provider import Agency, Provider

CIBA = "urn:openid:params:grant-type:ciba"


def device_client(provider: Provider, host: str = "television", **metadata: Any) -> Agency:
    """A native app without a secret, as RFC 8628 section 5.6 has it in mind."""
    given: dict[str, Any] = {"application_type": "native", "token_endpoint_auth_method": "none"}
    given |= {"grant_types": [DEVICE_CODE], "response_types": [], "scope": "openid profile"}
    return provider.agency(host, **(given | metadata))


def ask(agency: Agency, *, headers: dict[str, str] | None = None, **parameters: Any) -> TestResponse:
    """A device authorization request."""
    form = agency.authentication() | {"scope": "openid profile"} | parameters
    form = {name: value for name, value in form.items() if value is not None}
    return agency.provider.browser().post("/device_authorization", data=form, headers=headers)


def poll(agency: Agency, *, headers: dict[str, str] | None = None, **parameters: Any) -> TestResponse:
    """A token request with the client's secret of the request."""
    form = agency.authentication() | parameters
    return agency.provider.browser().post("/token", data=form, headers=headers)


def poll_device(agency: Agency, device_code: str, **more: Any) -> TestResponse:
    return poll(agency, grant_type=DEVICE_CODE, device_code=device_code, **more)


def type_code(browser: BrowserClient, user_code: str) -> TestResponse:
    """At `/device`, as a person types it."""
    return browser.submit("/device", {"user_code": user_code})


def come_to_the_decision(agency: Agency, browser: BrowserClient, location: str, name: str = "somchai") -> str:
    """Signs in until the page with the two buttons is there; its text."""
    for _ in range(5):
        text = browser.get(location).text
        if 'id="request-approve"' in text or 'id="go-on"' in text:
            return text
        agency.step(browser, location, name)
    raise AssertionError("there is no decision to make: " + re.sub(r"\s+", " ", text)[:600])


def decide(browser: BrowserClient, location: str, decision: str = "approve") -> TestResponse:
    return browser.submit(location, {"step": "approve", "decision": decision})


def approve_device(agency: Agency, browser: BrowserClient, user_code: str, name: str = "somchai") -> str:
    """The whole of the person's part; where it took place."""
    location = str(type_code(browser, user_code).location)
    come_to_the_decision(agency, browser, location, name)
    decide(browser, location)
    return location
