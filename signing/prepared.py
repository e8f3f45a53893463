"""A document ready to be signed, as it waits for its signer: the storable pause of two-phase signing.

The placeholder is frozen: the digest is over these bytes, and only `/Contents` of the signature is filled afterwards
(ISO 32000-2 section 12.8.3.3.1). Nothing secret is in it.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest

from signing.errors import DocumentChanged

MAGIC = b"prajak-prepared-1\n"


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where the visible signature stands, in points of the page as it is shown (its crop box, after its rotation);
    the origin is the lower left corner, and pages count from 1.
    """

    page: int
    left: float
    bottom: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Continuation:
    """What an incremental update needs to know of the file it follows (ISO 32000-2 section 7.5.6), so that evidence
    and an archive time-stamp are appended without parsing the document again. References are "number generation".
    """

    next_object: int  # the first free object number
    startxref: int  # of the update before
    xref_stream: bool  # section 7.5.8: a file of cross-reference streams goes on with them
    trailer: str  # /Root, /Info, /ID as PDF syntax
    security_store: str  # the reference of the DSS
    time_stamp: str  # the reference the archive time-stamp gets
    evidence_objects: dict[str, str] = field(default_factory=dict)  # what changes where evidence is added
    archive_objects: dict[str, str] = field(default_factory=dict)  # what changes with an archive time-stamp as well
    certificates: dict[str, int] = field(default_factory=dict)  # SHA-256 -> object number, in the file's DSS already
    ocsps: dict[str, int] = field(default_factory=dict)
    crls: dict[str, int] = field(default_factory=dict)
    vri: dict[str, str] = field(default_factory=dict)  # key -> value, as PDF syntax


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """`document` holds zeros where the signature goes: from `gap_start` (the `<`) to `gap_end` (after the `>`)."""

    document: bytes
    gap_start: int
    gap_end: int
    byte_range_digest: bytes  # SHA-256 over the ByteRange: what the officer authorizes
    certificate: bytes  # DER, the signer's
    chain: tuple[bytes, ...]  # DER, its issuers, without the root
    signing_time: datetime  # as claimed in /M
    field_name: str
    continuation: Continuation

    def check_digest(self, expected_digest: bytes | None = None) -> None:
        """The bytes kept are the bytes that were digested, and those are the ones that were authorized."""
        actual = digest_around(self.document, self.gap_start, self.gap_end)
        if not compare_digest(actual, self.byte_range_digest):
            raise DocumentChanged
        if expected_digest is not None and not compare_digest(actual, expected_digest):
            raise DocumentChanged

    def to_bytes(self) -> bytes:
        """For storage; `from_bytes` gives the same again."""
        header = json.dumps(
            {
                "gap": [self.gap_start, self.gap_end],
                "digest": self.byte_range_digest.hex(),
                "certificate": b64encode(self.certificate).decode(),
                "chain": [b64encode(one).decode() for one in self.chain],
                "signing_time": self.signing_time.isoformat(),
                "field_name": self.field_name,
                "continuation": vars(self.continuation),
            }
        ).encode()
        return MAGIC + len(header).to_bytes(4, "big") + header + self.document

    @classmethod
    def from_bytes(cls, stored: bytes) -> Prepared:
        """Raises DocumentChanged where the stored bytes are not what `to_bytes` wrote."""
        start = len(MAGIC) + 4
        if not stored.startswith(MAGIC) or len(stored) < start:
            raise DocumentChanged
        end = start + int.from_bytes(stored[len(MAGIC) : start], "big")
        try:
            header = json.loads(stored[start:end])
            return cls(
                document=stored[end:],
                gap_start=header["gap"][0],
                gap_end=header["gap"][1],
                byte_range_digest=bytes.fromhex(header["digest"]),
                certificate=b64decode(header["certificate"]),
                chain=tuple(b64decode(one) for one in header["chain"]),
                signing_time=datetime.fromisoformat(header["signing_time"]),
                field_name=header["field_name"],
                continuation=Continuation(**header["continuation"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise DocumentChanged from error


def digest_around(document: bytes | bytearray, gap_start: int, gap_end: int) -> bytes:
    """SHA-256 over the ByteRange: all but the gap, without a copy of the document."""
    with memoryview(document) as view:
        digest = sha256(view[:gap_start])
        digest.update(view[gap_end:])
    return digest.digest()
