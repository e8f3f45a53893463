"""How a file goes on: what an incremental update that adds evidence and an archive time-stamp has to change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from io import BytesIO
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.sign.fields import ensure_sig_flags, enumerate_sig_fields, prepare_sig_field
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1

from signing.child.document import Updates, get, open_updates, page_of
from signing.child.permission import is_signing_permitted
from signing.errors import NothingToAugment, SigningNotPermitted
from signing.prepared import Continuation

TRAILER_ENTRIES = ("/Root", "/Info", "/ID")
EVIDENCE = {
    "certificates": ("/Certs", DecodePurpose.CERTIFICATE),
    "ocsps": ("/OCSPs", DecodePurpose.OCSP_RESPONSE),
    "crls": ("/CRLs", DecodePurpose.CRL),
}


def describe_document(stream: BytesIO, _arguments: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    """For augmentation: how the file goes on, and its signatures' and time-stamps' contents in hexadecimal."""
    continuation = continuation_of(stream)
    updates = open_updates(stream)
    if not is_signing_permitted(updates.prev):
        raise SigningNotPermitted
    signatures = updates.prev.embedded_regular_signatures
    if not signatures:
        raise NothingToAugment
    answer = {
        "continuation": asdict(continuation),
        "signatures": [signature.pkcs7_content.hex() for signature in signatures],
        "time_stamps": [stamp.pkcs7_content.hex() for stamp in updates.prev.embedded_timestamp_signatures],
    }
    return answer, b""


def continuation_of(stream: BytesIO) -> Continuation:
    """First the evidence's place in the catalog, then the time-stamp's field on the first page."""
    updates = open_updates(stream)
    store, known = security_store(updates)
    updates.register_extension(ESIC_EXTENSION_1)
    evidence_objects = serialized(updates)
    time_stamp = time_stamp_field(updates)
    archive_objects = serialized(updates)
    return Continuation(
        next_object=updates._lastobj_id + 1,  # noqa: SLF001
        startxref=updates.prev.last_startxref or 0,
        xref_stream=bool(updates.stream_xrefs),
        trailer=trailer_of(updates),
        security_store=store,
        time_stamp=time_stamp,
        evidence_objects=evidence_objects,
        archive_objects=archive_objects,
        **known,
    )


def security_store(updates: Updates) -> tuple[str, dict[str, Any]]:
    """The reference of the DSS, in the catalog from now on, and what it holds already."""
    root = updates.root
    present = get(root, "/DSS")
    if "/DSS" in root and isinstance(root.raw_get("/DSS"), generic.IndirectObject):
        reference = root.raw_get("/DSS").reference
    else:
        reference = updates.allocate_placeholder().reference
        root[pdf_name("/DSS")] = generic.IndirectObject(reference.idnum, reference.generation, updates)
        updates.mark_update(updates.root_ref)
    known: dict[str, Any] = {
        name: {
            sha256(entry.get_object().read_data(purpose)).hexdigest(): entry.idnum
            for entry in raw_entries(get(present, key))
        }
        for name, (key, purpose) in EVIDENCE.items()
    }
    vri = get(present, "/VRI")
    known["vri"] = (
        {key[1:]: as_syntax(vri.raw_get(key)) for key in vri} if isinstance(vri, generic.DictionaryObject) else {}
    )
    return f"{reference.idnum} {reference.generation}", known


def raw_entries(array: Any) -> list[Any]:
    """The indirect references of an array; generation 0, as every stream of a store has it."""
    if not isinstance(array, generic.ArrayObject):
        return []
    entries = [array.raw_get(index) for index in range(len(array))]
    return [entry for entry in entries if isinstance(entry, generic.IndirectObject) and entry.generation == 0]


def time_stamp_field(updates: Updates) -> str:
    """An invisible field whose value will be the time-stamp; answers with the value's reference."""
    taken = {name for name, _, _ in enumerate_sig_fields(updates)}
    number = 1
    while f"TimeStamp{number}" in taken:
        number += 1
    page = page_of(updates.prev, 1)
    _, field = prepare_sig_field(f"TimeStamp{number}", updates.root, updates, include_on_page=page.reference)
    ensure_sig_flags(updates)
    value = updates.allocate_placeholder()
    field.get_object()[pdf_name("/V")] = value
    return f"{value.idnum} 0"


def serialized(updates: Updates) -> dict[str, str]:
    """Every object that the update changes or adds, as PDF syntax."""
    return {f"{number} {generation}": as_syntax(body) for (generation, number), body in updates.objects.items()}


def as_syntax(body: Any) -> str:
    out = BytesIO()
    body.write_to_stream(out, None)
    return out.getvalue().decode("latin-1")


def trailer_of(updates: Updates) -> str:
    trailer = updates.prev.trailer.flatten()
    parts = [f"{key} {as_syntax(trailer.raw_get(key))}" for key in TRAILER_ENTRIES if key in trailer]
    return "".join(parts)
