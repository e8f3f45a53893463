"""Whatever this room says to a developer, it says in Thai too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from babel.messages.pofile import read_po

from tests.imports import ROOT
from tests.lint.translations import PLACEHOLDER

ROOM = ROOT / "idp" / "registration"
FILES = (
    "approved",
    "client_configuration",
    "client_metadata",
    "client_registration",
    "fields",
    "key_rules",
    "linter",
    "rules",
    "uris",
)


def sentences(file: Path) -> Iterator[str]:
    """Texts that are sentences, without docstrings and without what only a log or another exception says."""
    tree = ast.parse(file.read_text("utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    first = [each.body[0] for each in ast.walk(tree) if isinstance(each, documented)]
    skipped = {id(each.value) for each in first if isinstance(each, ast.Expr)}  # docstrings
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            text = node.value
            if " " in text and text.endswith((".", "?")):
                yield text


def test_every_sentence_has_its_thai_with_the_same_placeholders():
    with (ROOM / "translations" / "th" / "LC_MESSAGES" / "messages.po").open("rb") as source:
        thai = {str(each.id): str(each.string) for each in read_po(source, locale="th") if each.id}
    said = {text for name in FILES for text in sentences(ROOM / f"{name}.py")}
    assert len(said) > 60
    assert not {text for text in said if not thai.get(text)}
    assert not {text for text in said if set(PLACEHOLDER.findall(text)) != set(PLACEHOLDER.findall(thai[text]))}
    assert not set(thai) - said, "Thai for what nobody says"
