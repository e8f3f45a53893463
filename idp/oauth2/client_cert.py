"""The Client-Cert header, RFC 9440 section 2.2: what the proxy that ends TLS saw of the client's certificate.

Whoever may send this header may be any client, so it is read from a trusted proxy alone (`core/web/requests.py`), and
that proxy takes away what came from outside (section 4; `docker/haproxy.cfg`).
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64

from idp.errors import InvalidRequest

BYTE_SEQUENCE = re.compile(r":([A-Za-z0-9+/]+={0,2}):")  # RFC 8941 section 3.3.5
MAX_HEADER = 16 * 1024


def read_client_cert(header: str) -> bytes:
    """The certificate as DER, b"" where no header came. Raises InvalidRequest for anything but one Byte Sequence."""
    if not header:
        return b""
    found = BYTE_SEQUENCE.fullmatch(header) if len(header) <= MAX_HEADER else None
    if found is None:
        raise InvalidRequest("Client-Cert is not one certificate")
    try:
        return b64decode(found[1], validate=True)
    except NotBase64 as error:
        raise InvalidRequest("Client-Cert is not base64") from error
