"""The baseline level a signature reached, ETSI EN 319 142-1 section 6: by what is there and intact, whoever made it."""

from __future__ import annotations

from typing import Any

from pyhanko.sign.general import extract_signer_info
from pyhanko.sign.validation import EmbeddedPdfSignature
from pyhanko.sign.validation.generic_cms import get_signing_cert_attr

from signing.child.document import get
from signing.child.known import Known
from signing.child.tokens import TimeStamp

NOT_ETSI = "PDF-NOT-ETSI"


def level_of(signature: EmbeddedPdfSignature, *, stamps: list[TimeStamp], later: list[tuple[int, TimeStamp]]) -> str:
    """`later` are document time-stamps over this signature, with their revisions."""
    if not is_baseline(signature):
        return NOT_ETSI
    intact = [revision for revision, stamp in later if stamp.intact]
    if not intact and not any(stamp.intact for stamp in stamps):
        return "PAdES-BASELINE-B"
    if not holds_revocation(signature, signature.reader.root):
        return "PAdES-BASELINE-T"
    reader = signature.reader
    archived = any(holds_revocation(signature, reader.get_historical_root(revision)) for revision in intact)
    return "PAdES-BASELINE-LTA" if archived else "PAdES-BASELINE-LT"


def is_baseline(signature: EmbeddedPdfSignature) -> bool:
    """Section 6.3: the sub-filter, and the signing certificate among the signed attributes."""
    if signature.sig_object.get("/SubFilter") != "/ETSI.CAdES.detached":
        return False
    try:
        return get_signing_cert_attr(extract_signer_info(signature.signed_data)["signed_attrs"]) is not None
    except (ValueError, KeyError, TypeError):
        return False


def holds_revocation(signature: EmbeddedPdfSignature, root: Any) -> bool:
    """Section 5.4.2: the security store has an answer about the signer's certificate."""
    if get(root, "/DSS") is None:
        return False
    store = Known()
    store.add_store(root)
    certificate = signature.signer_cert
    answers = (
        response["cert_id"]["serial_number"].native
        for answer in store.ocsps.values()
        for response in responses_of(answer)
    )
    issuer = certificate.issuer.dump()
    lists = (one["tbs_cert_list"]["issuer"].dump() for one in store.crls.values())
    return certificate.serial_number in answers or issuer in lists


def responses_of(answer: Any) -> Any:
    try:
        return answer.response_data["responses"]
    except (ValueError, KeyError, TypeError):
        return ()
