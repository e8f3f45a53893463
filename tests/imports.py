"""Every import of the product's own code, read from the source without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = ("core", "keys", "enrollment", "signing", "idp", "demo", "kiosk", "bench")


@dataclass(frozen=True)
class Import:
    """`file` imports `module`, both dotted: `idp.oauth2.par` imports `core.errors`."""

    file: str
    module: str


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Dotted name and syntax tree of every product file."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "versions" in path.parts or "node_modules" in path.parts:
                continue
            dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield dotted.removesuffix(".__init__"), ast.parse(path.read_text("utf-8"))


@cache
def imports() -> tuple[Import, ...]:
    return tuple(Import(name, module) for name, tree in sources() for module in imported(tree))


def imported(tree: ast.Module) -> Iterator[str]:
    """Modules as written; `from a import b` is both `a` and `a.b`, since b may be a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_in(module: str, *places: str) -> bool:
    """Whether a module is one of the places or below one."""
    return any(module == place or module.startswith(place + ".") for place in places)
