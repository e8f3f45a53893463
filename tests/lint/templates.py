"""What the Content-Security-Policy would block, and what a form must carry."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.imports import ROOT

INLINE = (
    (re.compile(r"<script(?![^>]*\bsrc=)[^>]*>", re.IGNORECASE), "an inline script"),
    (re.compile(r"<style\b", re.IGNORECASE), "an inline style sheet"),
    (re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE), "a style attribute"),
    (re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE), "an event attribute"),
    (re.compile(r"""(href|src|action)\s*=\s*["']\s*javascript:""", re.IGNORECASE), "a javascript: address"),
    (
        re.compile(r"""<(script|link|img)[^>]*(src|href)\s*=\s*["']https?://""", re.IGNORECASE),
        "something loaded from elsewhere",
    ),
    (re.compile(r"\|\s*safe\b"), "an unescaped value"),
)
FORM = re.compile(r"<form\b[^>]*>.*?</form>", re.IGNORECASE | re.DOTALL)
POST = re.compile(r"""method\s*=\s*["']?post""", re.IGNORECASE)


def findings() -> Iterator[str]:
    for path in sorted(ROOT.glob("*/**/templates/**/*.html")):
        if ".venv" in path.parts or "node_modules" in path.parts:
            continue
        text, place = path.read_text("utf-8"), path.relative_to(ROOT)
        for pattern, what in INLINE:
            for match in pattern.finditer(text):
                yield f"{place}:{line_of(text, match.start())}: {what}"
        if place.parts[0] == "demo":
            continue
        for form in FORM.finditer(text):
            if POST.search(form.group()) and "csrf_field()" not in form.group() and "form_post" not in path.name:
                yield f"{place}:{line_of(text, form.start())}: a form without csrf_field()"


def line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
