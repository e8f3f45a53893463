"""WebAuthn Level 3 section 5.8.4: transports are a hint from the browser, and whatever else stands there is dropped."""

from __future__ import annotations

import pytest

from core.webauthn import transports_of


@pytest.mark.parametrize("said", [None, "usb", 7, {}, [None, 3, {}], ["teleport"]])
def test_what_is_no_list_of_transports_is_none(said: object):
    assert transports_of({"response": {"transports": said}}) == ()


def test_known_transports_are_kept_once():
    assert transports_of({"response": {"transports": ["internal", "usb", "usb", "x"]}}) == ("usb", "internal")
