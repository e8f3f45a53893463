"""Addresses in client metadata: some stand in our own Content-Security-Policy later, so a host is a host's name."""

from __future__ import annotations

import pytest

from idp.registration.problems import Wrong
from idp.registration.uris import check_redirect_address, check_web_address


@pytest.mark.parametrize(
    "address",
    [
        "https://a.example;frame-ancestors/x",
        "https://a.example,x/",
        "https://*.example/",
        "https://*/",
        "https://'self'/",
    ],
)
def test_a_host_that_would_say_more_in_a_policy_is_refused(address):
    with pytest.raises(Wrong):
        check_web_address(address, sandbox=False)
    with pytest.raises(Wrong):
        check_redirect_address(address, sandbox=False, native=False)


@pytest.mark.parametrize(
    "address",
    [
        "https://agency.go.th/x?y=1",
        "https://a_b.example:8443/",
        "https://xn--12c1fe0br.example/",
        "https://[2001:db8::1]/",
    ],
)
def test_a_host_is_a_name_or_an_address(address):
    assert check_web_address(address, sandbox=False) == address
