"""What a document brings for its own validation: certificates, OCSP responses and revocation lists, and since when
each is proven to exist (ETSI EN 319 102-1 section 5.6.2.3, proofs of existence).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from asn1crypto import cms, crl, ocsp, x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.sign.general import extract_certificate_info

from signing.child.document import entries, get
from signing.child.findings import Finding

STORES = (
    ("/Certs", DecodePurpose.CERTIFICATE, x509.Certificate, "certificates"),
    ("/OCSPs", DecodePurpose.OCSP_RESPONSE, ocsp.OCSPResponse, "ocsps"),
    ("/CRLs", DecodePurpose.CRL, crl.CertificateList, "crls"),
)
MOST_ENTRIES = 2000


@dataclass
class Known:
    """DER to value. `proven` says since when a piece of evidence is proven to exist; what is not in it, since now."""

    certificates: dict[bytes, x509.Certificate] = field(default_factory=dict)
    ocsps: dict[bytes, ocsp.OCSPResponse] = field(default_factory=dict)
    crls: dict[bytes, crl.CertificateList] = field(default_factory=dict)
    proven: dict[bytes, datetime] = field(default_factory=dict)

    def add_store(self, root: Any, *, proven: datetime | None = None) -> None:
        """ISO 32000-2 section 12.8.4.3; an entry that is broken is left out, since nothing rests on it then."""
        store = get(root, "/DSS")
        for key, purpose, kind, place in STORES:
            for entry in entries(get(store, key))[:MOST_ENTRIES]:
                if isinstance(entry, generic.StreamObject):
                    self.add(place, kind, entry.read_data(purpose), proven=proven)

    def add(self, place: str, kind: Any, data: bytes, *, proven: datetime | None = None) -> None:
        try:
            value = kind.load(data, strict=True)
            value.native  # noqa: B018 - asn1crypto parses when asked
        except (ValueError, TypeError, KeyError):
            return
        getattr(self, place)[data] = value
        if proven is not None:
            self.proven.setdefault(data, proven)

    def add_signed_data(self, signed_data: cms.SignedData) -> None:
        """The certificates that stand in a signature or token."""
        try:
            info = extract_certificate_info(signed_data)
        except (ValueError, KeyError, TypeError, Finding):
            return
        for certificate in (info.signer_cert, *info.other_certs):
            self.certificates[certificate.dump()] = certificate

    def add_revocation(self, given: Iterable[bytes]) -> None:
        """Known beside the document: each is a list or a response."""
        for data in given:
            before = len(self.crls)
            self.add("crls", crl.CertificateList, data)
            if len(self.crls) == before:
                self.add("ocsps", ocsp.OCSPResponse, data)

    def since(self, data: bytes, now: datetime) -> datetime:
        return self.proven.get(data, now)
