"""RFC 9440 section 2: one certificate in one header, as RFC 8941 writes a Byte Sequence."""

from __future__ import annotations

import pytest

from idp.errors import InvalidRequest
from idp.oauth2.client_cert import read_client_cert
from tests.certificates import self_signed
from tests.protocol.requirement import requirement

HOLDER = self_signed()


@requirement("RFC 9440", "2.2", "MUST")
def test_a_byte_sequence_is_the_certificate():
    assert read_client_cert(HOLDER.header) == HOLDER.der


def test_no_header_is_no_certificate():
    assert read_client_cert("") == b""


@requirement("RFC 9440", "2.2", "MUST NOT")
@pytest.mark.parametrize(
    "header",
    [
        HOLDER.header[1:],
        HOLDER.header[:-1],
        HOLDER.header.strip(":"),
        f"{HOLDER.header}, {HOLDER.header}",
        f"{HOLDER.header};a=1",
        "::",
        ":====:",
        ":A:",
        ":MIIB\n:",
        ":-_-_:",
        ":" + "A" * 20_000 + ":",
        "-----BEGIN CERTIFICATE-----",
    ],
)
def test_anything_else_is_refused(header):
    with pytest.raises(InvalidRequest, match="Client-Cert"):
        read_client_cert(header)
