"""One round over a document of our own before the first fork, so that no child loads and builds what all need."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from signing.child.facts import read_facts
from signing.child.placeholder import add_placeholder
from signing.child.verdict import judge_document

PAGE = b"""%PDF-1.7
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj
xref
0 4
0000000000 65535 f\r
0000000009 00000 n\r
0000000052 00000 n\r
0000000101 00000 n\r
trailer<</Size 4/Root 1 0 R>>
startxref
164
%%EOF
"""
MOMENT = "2026-01-01T00:00:00+00:00"
PLACEHOLDER: Mapping[str, Any] = {
    "field_name": "",
    "placement": {"page": 1, "left": 0, "bottom": 0, "width": 200, "height": 70},
    "appearance": {
        "name": "ก",
        "position": "ข",
        "agency": "ค",
        "at": MOMENT,
        "qr_url": "https://localhost/verify",
        "language": "th",
        "kind": "signature",
    },
    "at": MOMENT,
    "reason": "",
    "reserved": 1024,
}


def rehearse() -> None:
    read_facts(BytesIO(PAGE), {})
    _, tail = add_placeholder(BytesIO(PAGE), PLACEHOLDER)
    judge_document(BytesIO(PAGE + tail), {"at": MOMENT, "anchors": [], "revocation": []})
