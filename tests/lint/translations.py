"""Every sentence that a person may read has its Thai, and the Thai keeps its placeholders."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from tests.imports import ROOT

ROOMS = ("core", "enrollment", "signing", "idp/interaction", "idp/portal", "idp/admin", "idp/sandbox", "idp", "keys")
PERSON_ERRORS = re.compile(r"(PersonError|NotFound|NotAllowed|TooMany|Unavailable|Refused|Error)$")
PLACEHOLDER = re.compile(r"%\((\w+)\)")


def findings() -> Iterator[str]:
    thai = catalogue()
    for msgid, place in sorted(messages()):
        translated = thai.get(msgid)
        if not translated:
            yield f"{place}: no Thai for {msgid!r}"
        elif set(PLACEHOLDER.findall(msgid)) != set(PLACEHOLDER.findall(translated)):
            yield f"{place}: the Thai of {msgid!r} has other placeholders"


def catalogue() -> dict[str, str]:
    """All rooms' Thai as one, as the running product sees it."""
    merged: dict[str, str] = {}
    for room in ROOMS:
        file = ROOT / room / "translations" / "th" / "LC_MESSAGES" / "messages.po"
        if file.is_file():
            with file.open("rb") as source:
                catalog: Catalog = read_po(source, locale="th")
            merged |= {first(each.id): first(each.string) for each in catalog if each.id and not each.fuzzy}
    return merged


def first(text: object) -> str:
    """Of a message with a plural, the singular; Thai has one form for both."""
    return str(text[0]) if isinstance(text, tuple | list) else str(text)


def messages() -> set[tuple[str, str]]:
    """(msgid, where) from templates, from gettext calls and from the errors that a person reads."""
    found: set[tuple[str, str]] = set()
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*")):
            if path.suffix == ".html":
                found |= set(in_template(path))
            elif path.suffix == ".py" and "migrations" not in path.parts:
                found |= set(in_python(path))
    return found


def in_template(path: Path) -> Iterator[tuple[str, str]]:
    with path.open("rb") as source:
        keywords = {"_": None, "gettext": None, "ngettext": (1, 2)}
        for line, message, _comments, _context in extract("jinja2", source, keywords, options={"silent": "false"}):
            texts = message if isinstance(message, tuple) else (message,)
            for text in texts[:1]:  # of a plural the singular is the catalogue's key
                if isinstance(text, str) and text:
                    yield text, f"{path.relative_to(ROOT)}:{line}"


def in_python(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and node.args and is_for_people(name_of(node.func)):
            text = node.args[0]
            if isinstance(text, ast.Constant) and isinstance(text.value, str) and " " in text.value:
                yield text.value, f"{path.relative_to(ROOT)}:{node.lineno}"


def name_of(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def is_for_people(name: str) -> bool:
    return name in ("gettext", "lazy_gettext", "_", "PersonError", "NotFound", "NotAllowed", "TooMany", "Unavailable")
