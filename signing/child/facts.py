"""What a document is, before it may be signed."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields

from signing.child.document import Page, entries, get, open_reader, pages_of, rectangle
from signing.child.permission import is_signing_permitted

MOST_FIELDS = 10_000


def read_facts(stream: BytesIO, _arguments: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Pages, signature fields, and what the signer should know of."""
    reader = open_reader(stream)
    pages = pages_of(reader)
    facts = {
        "page_sizes": [page.size for page in pages],
        "fields": signature_fields(reader, pages),
        "signing_permitted": is_signing_permitted(reader),
        "concerns": [name for name, holds in CONCERNS.items() if holds(reader.root)],
    }
    return facts, b""


def signature_fields(reader: PdfFileReader, pages: list[Page]) -> list[dict[str, Any]]:
    numbers = {page.reference.reference: number for number, page in enumerate(pages, 1)}
    return [
        {"name": name, "kind": kind(value), "page": shown_on(field.get_object(), numbers)}
        for name, value, field in enumerate_sig_fields(reader)
    ]


def kind(value: Any) -> str:
    if value is None:
        return "empty"
    found = value.get_object()
    is_time_stamp = get(found, "/Type") == "/DocTimeStamp"
    return "time-stamp" if is_time_stamp else "signature"


def shown_on(field: generic.DictionaryObject, numbers: Mapping[generic.Reference, int]) -> int | None:
    """None for a widget without an area, or without a page."""
    page = field.raw_get("/P") if "/P" in field else None
    return (
        numbers.get(page.reference)
        if rectangle(get(field, "/Rect")) and isinstance(page, generic.IndirectObject)
        else None
    )


def has_scripts(root: generic.DictionaryObject) -> bool:
    opens = get(get(root, "/OpenAction"), "/S") == "/JavaScript"
    return opens or "/AA" in root or get(get(root, "/Names"), "/JavaScript") is not None


def has_hidden_layers(root: generic.DictionaryObject) -> bool:
    """Section 8.11.4: optional content that is off when the document opens, or is on by default off."""
    settings = get(get(root, "/OCProperties"), "/D")
    return bool(entries(get(settings, "/OFF"))) or get(settings, "/BaseState") == "/OFF"


def opens_elsewhere(root: generic.DictionaryObject) -> bool:
    return get(get(root, "/OpenAction"), "/S") in ("/Launch", "/GoToR", "/URI")


def has_empty_form_fields(root: generic.DictionaryObject) -> bool:
    fields = entries(get(get(root, "/AcroForm"), "/Fields"))[:MOST_FIELDS]
    return any(get(field, "/FT") not in (None, "/Sig") and not get(field, "/V") for field in fields)


CONCERNS = {
    "scripts": has_scripts,
    "hidden-layers": has_hidden_layers,
    "external-content": opens_elsewhere,
    "empty-form-fields": has_empty_form_fields,
}
