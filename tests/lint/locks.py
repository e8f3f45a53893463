"""Locks pin every package by its hash and name no host."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.imports import ROOT

HOST = re.compile(r"https?://|--index-url|--find-links|\"resolved\"")


def findings() -> Iterator[str]:
    files = [*ROOT.glob("requirements*.txt"), *ROOT.glob("*/**/package-lock.json")]
    for path in files:
        if {".venv", "node_modules", "var"} & set(path.parts):
            continue
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if HOST.search(line) and '"url":' not in line:
                yield f"{path.relative_to(ROOT)}:{number}: a lock names a host"
    for path in ROOT.glob("requirements*.txt"):
        text = path.read_text("utf-8")
        pins, hashed = len(re.findall(r"(?m)^\S+==", text)), len(re.findall(r"(?m)^\S+==[^\n]*\\\n\s+--hash=", text))
        if pins != hashed:
            yield f"{path.relative_to(ROOT)}: {pins - hashed} pins without a hash"
