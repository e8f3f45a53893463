"""Whether earlier signers left the document open: ISO 32000-2 sections 12.8.2.2 (DocMDP) and 12.7.5.5 (lock)."""

from __future__ import annotations

from typing import Any

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields

from signing.child.document import entries, get

NO_CHANGES = 1


def is_signing_permitted(reader: PdfFileReader) -> bool:
    """False where a signature allows no changes at all."""
    for _, value, field in enumerate_sig_fields(reader, filled_status=True):
        signature = value.get_object()
        if permissions_of_certification(signature) == NO_CHANGES or lock_of(field.get_object()) == NO_CHANGES:
            return False
    return True


def permissions_of_certification(signature: Any) -> Any:
    """Table 257: the default is 2."""
    for reference in entries(get(signature, "/Reference")):
        if get(reference, "/TransformMethod") == "/DocMDP":
            return get(get(reference, "/TransformParams"), "/P", 2)
    return None


def lock_of(field: Any) -> Any:
    """Table 236: /P of the lock a signed field carries."""
    return get(get(field, "/Lock"), "/P")
