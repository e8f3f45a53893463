"""Time-stamps judged: ETSI EN 319 102-1 section 5.4, each as of the time since when it is proven to exist."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from asn1crypto import cms, x509
from pyhanko.sign.ades.report import AdESFailure, AdESIndeterminate
from pyhanko.sign.general import NonexistentAttributeError, extract_signer_info, find_cms_attribute_iter

from signing.child.findings import Finding, Outcome, iso
from signing.child.integrity import check_token, digest_with
from signing.child.paths import TIME_STAMP_USAGE, TOLERANCE, Paths
from signing.reasons import Reason


@dataclass
class TimeStamp:
    kind: Literal["signature", "document"]
    outcome: Outcome = field(default_factory=Outcome)
    time: datetime | None = None
    certificate: x509.Certificate | None = None

    @property
    def intact(self) -> bool:
        """Its own bytes and what it stamps agree, whoever made it."""
        return self.certificate is not None and not self.outcome.broken

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "time": iso(self.time),
            "authority": common_name(self.certificate) if self.certificate else "",
            **self.outcome.as_json(),
        }


async def judge_token(
    signed_data: cms.SignedData,
    imprint: Callable[[str], bytes],
    *,
    kind: Literal["signature", "document"],
    paths: Paths,
    proven_at: datetime,
) -> TimeStamp:
    """1. the token; 2. its authority's certificate was valid then, and still when the token is proven to exist."""
    stamp = TimeStamp(kind)
    try:
        certificate, moment = check_token(signed_data, imprint)
        stamp.certificate, stamp.time = certificate, moment
        check_times(moment, proven_at, certificate)
        await paths.judge(certificate, used_at=moment, proven_at=proven_at, usage=TIME_STAMP_USAGE)
    except Finding as finding:
        stamp.outcome.found(finding)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        stamp.outcome.found(Finding(AdESFailure.FORMAT_FAILURE, Reason.TIME_STAMP_UNREADABLE))
    return stamp


def check_times(moment: datetime, proven_at: datetime, certificate: x509.Certificate) -> None:
    if moment > proven_at + TOLERANCE:
        raise Finding(AdESIndeterminate.TIMESTAMP_ORDER_FAILURE, Reason.TIME_STAMP_ORDER)
    if proven_at > certificate.not_valid_after:
        raise Finding(AdESIndeterminate.OUT_OF_BOUNDS_NO_POE, Reason.TIME_STAMP_EXPIRED)


def signature_tokens(signed_data: cms.SignedData) -> Iterator[cms.SignedData]:
    """RFC 3161 appendix A."""
    try:
        attributes = extract_signer_info(signed_data)["unsigned_attrs"]
        for token in find_cms_attribute_iter(attributes, "signature_time_stamp_token"):
            yield token["content"]
    except NonexistentAttributeError:
        return


def signature_imprint(signed_data: cms.SignedData) -> Callable[[str], bytes]:
    """Over the signature value."""

    def imprint(name: str) -> bytes:
        counted = digest_with(name)
        counted.update(extract_signer_info(signed_data)["signature"].native)
        return counted.finalize()

    return imprint


def common_name(certificate: x509.Certificate) -> str:
    found = certificate.subject.native.get("common_name") or certificate.subject.human_friendly
    return found if isinstance(found, str) else "; ".join(str(one) for one in found)
