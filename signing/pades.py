"""PAdES baseline signatures, ETSI EN 319 142-1, in two phases: `prepare` freezes the bytes, `finish` signs them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from cryptography import x509

from core.settings import Settings
from keys.signer import Signer
from signing.appearance import Appearance
from signing.prepared import Placement, Prepared
from signing.trust_material import TrustMaterial


class Level(StrEnum):
    """The words of `prajak sign --level`."""

    B_B = "b-b"
    B_T = "b-t"
    B_LT = "b-lt"
    B_LTA = "b-lta"


def prepare(
    pdf: bytes,
    *,
    settings: Settings,
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate],
    at: datetime,
    field_name: str = "",
    placement: Placement | None = None,
    appearance: Appearance | None = None,
    reason: str = "",
) -> Prepared:
    """The document with a frozen placeholder; `Prepared.byte_range_digest` is what the officer authorizes.

    Runs in the limited child. `field_name` empty makes a new field; an existing empty one is taken by its name.
    """
    raise NotImplementedError


def finish(
    prepared: Prepared,
    *,
    signer: Signer,
    trust: TrustMaterial,
    level: Level = Level.B_LTA,
    expected_digest: bytes | None = None,
) -> bytes:
    """The signed document at the level asked for, or LevelNotReached. No parsing, no outbound call.

    `expected_digest` is the digest that was authorized; another one raises DocumentChanged.
    """
    raise NotImplementedError


def sign(
    pdf: bytes,
    *,
    settings: Settings,
    signer: Signer,
    certificate: x509.Certificate,
    trust: TrustMaterial,
    level: Level = Level.B_LTA,
    field_name: str = "",
    placement: Placement | None = None,
    appearance: Appearance | None = None,
    reason: str = "",
) -> bytes:
    """Both phases at once, for seals."""
    raise NotImplementedError


def augment(pdf: bytes, *, settings: Settings, trust: TrustMaterial, level: Level = Level.B_LTA) -> bytes:
    """Raises the level of the signatures in a document: evidence (B-LT) and an archive time-stamp (B-LTA)."""
    raise NotImplementedError
