"""`python -m tests.protocol.matrix` writes docs/protocol-matrix.md: which test shows which rule of which text.

The marks are read from the sources, not from a run, so the list is the same on every machine; `make lint` checks that
it is current.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.imports import ROOT

PAGE = ROOT / "docs" / "protocol-matrix.md"
KEYWORDS = ("MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY")
SPECIFICATIONS = {  # in the order of the page
    "RFC 6749": "The OAuth 2.0 Authorization Framework",
    "RFC 6750": "Bearer Token Usage",
    "RFC 7009": "Token Revocation",
    "RFC 7515": "JSON Web Signature (JWS)",
    "RFC 7516": "JSON Web Encryption (JWE)",
    "RFC 7517": "JSON Web Key (JWK)",
    "RFC 7518": "JSON Web Algorithms (JWA)",
    "RFC 7519": "JSON Web Token (JWT)",
    "RFC 7521": "Assertion Framework for Client Authentication",
    "RFC 7523": "JWT Profile for Client Authentication",
    "RFC 7591": "Dynamic Client Registration",
    "RFC 7592": "Dynamic Client Registration Management",
    "RFC 7636": "Proof Key for Code Exchange",
    "RFC 7662": "Token Introspection",
    "RFC 8252": "OAuth 2.0 for Native Apps",
    "RFC 8414": "Authorization Server Metadata",
    "RFC 8628": "Device Authorization Grant",
    "RFC 8693": "Token Exchange",
    "RFC 8705": "Mutual-TLS Client Authentication and Certificate-Bound Access Tokens",
    "RFC 8707": "Resource Indicators",
    "RFC 8725": "JSON Web Token Best Current Practices",
    "RFC 9068": "JWT Profile for Access Tokens",
    "RFC 9101": "JWT-Secured Authorization Request (JAR)",
    "RFC 9126": "Pushed Authorization Requests",
    "RFC 9207": "Authorization Server Issuer Identification",
    "RFC 9396": "Rich Authorization Requests",
    "RFC 9440": "Client-Cert HTTP Header Field",
    "RFC 9449": "Demonstrating Proof of Possession (DPoP)",
    "RFC 9470": "Step Up Authentication Challenge",
    "RFC 9700": "Best Current Practice for OAuth 2.0 Security",
    "RFC 9701": "JWT Response for Token Introspection",
    "RFC 9728": "Protected Resource Metadata",
    "OAuth Form Post": "Form Post Response Mode",
    "OAuth Multiple Response Types": "Multiple Response Type Encoding Practices",
    "JARM": "JWT Secured Authorization Response Mode",
    "OIDC Core": "OpenID Connect Core 1.0",
    "OIDC Discovery": "OpenID Connect Discovery 1.0",
    "OIDC Registration": "OpenID Connect Dynamic Client Registration 1.0",
    "OIDC RP-Initiated Logout": "OpenID Connect RP-Initiated Logout 1.0",
    "OIDC Back-Channel Logout": "OpenID Connect Back-Channel Logout 1.0",
    "OIDC Front-Channel Logout": "OpenID Connect Front-Channel Logout 1.0",
    "OIDC IDA": "OpenID Connect for Identity Assurance 1.0",
    "Unmet Authentication Requirements": "OpenID Connect Core Error Code unmet_authentication_requirements",
    "FAPI 2.0 SP": "FAPI 2.0 Security Profile, Final",
    "FAPI 2.0 MS": "FAPI 2.0 Message Signing, Final",
    "CIBA Core": "OpenID Connect Client-Initiated Backchannel Authentication 1.0",
    "FAPI-CIBA": "FAPI: Client Initiated Backchannel Authentication Profile",
}
HEAD = """# The protocol suite as a matrix

Every rule below is shown by the test that names it: run against real parts, good and bad cases both. A test may show
several rules, a rule may have several tests. What is deliberately narrower or other than a text says stands in
[idp/README.md](../idp/README.md), each with its reason.

Written by `python -m tests.protocol.matrix` from the marks `@requirement(specification, section, keyword)`; `make lint`
checks that it is current.
"""


class Shown(NamedTuple):
    """A mark on a test."""

    specification: str
    section: str
    keyword: str
    path: str
    test: str

    @property
    def order(self) -> tuple[object, ...]:
        known = list(SPECIFICATIONS)
        place = known.index(self.specification) if self.specification in SPECIFICATIONS else len(known)
        return place, section_order(self.section), KEYWORDS.index(self.keyword), self.path, self.test


class NotListed(ValueError):
    """A mark that the page has no place for; the text names the test."""


def section_order(section: str) -> list[tuple[int, str]]:
    """3.1.2.10 after 3.1.2.9, appendices after numbers."""
    return [(int(part), "") if part.isdecimal() else (10**6, part) for part in re.split(r"[.\s]+", section)]


def marks(root: Path = ROOT) -> list[Shown]:
    """Every mark in the tests, in the order of the page. Raises NotListed."""
    found = [mark for path in sorted((root / "tests").rglob("test_*.py")) for mark in marks_of(path, root)]
    for mark in found:
        if mark.specification not in SPECIFICATIONS or mark.keyword not in KEYWORDS or not mark.section:
            raise NotListed(f"{mark.path}: {mark.test}: {mark.specification}, {mark.section}, {mark.keyword}")
    return sorted(found, key=lambda mark: mark.order)


def marks_of(path: Path, root: Path) -> Iterator[Shown]:
    text = path.read_text("utf-8")
    if "@requirement(" not in text:
        return
    where, module = path.relative_to(root).as_posix(), ast.parse(text)
    named = constants(module)
    for node in ast.walk(module):
        if not isinstance(node, ast.FunctionDef):
            continue
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "requirement":
                yield Shown(*words_of(decorator, named, f"{where}: {node.name}"), where, node.name)


def constants(module: ast.Module) -> dict[str, object]:
    """A file about one text may name it once."""
    return {
        target.id: each.value.value
        for each in module.body
        if isinstance(each, ast.Assign) and isinstance(each.value, ast.Constant)
        for target in each.targets
        if isinstance(target, ast.Name)
    }


def words_of(decorator: ast.Call, named: dict[str, object], where: str) -> tuple[str, str, str]:
    values = [
        each.value if isinstance(each, ast.Constant) else named.get(getattr(each, "id", "")) for each in decorator.args
    ]
    words = [value for value in values if isinstance(value, str)]
    if len(words) != len(Shown._fields) - 2 or len(words) != len(values):
        raise NotListed(f"{where}: a mark is three texts")
    specification, section, keyword = words
    return specification, section, keyword


def page(found: Sequence[Shown]) -> str:
    by_specification = {name: [mark for mark in found if mark.specification == name] for name in SPECIFICATIONS}
    shown = {name: of_it for name, of_it in by_specification.items() if of_it}
    parts = [HEAD, counts(shown), *(chapter(name, of_it) for name, of_it in shown.items())]
    return "\n".join(parts)


def counts(shown: dict[str, list[Shown]]) -> str:
    lines = ["## Counts", "", f"| text | sections | {' | '.join(KEYWORDS)} | tests |", "|---" * 8 + "|"]
    for name, of_it in [*shown.items(), ("all", [mark for each in shown.values() for mark in each])]:
        kinds = Counter(mark.keyword for mark in of_it)
        sections = len({(mark.specification, mark.section) for mark in of_it})
        tests = len({(mark.path, mark.test) for mark in of_it})
        title = "**all**" if name == "all" else f"[{name}](#{anchor(name)})"
        lines.append(f"| {title} | {sections} | {' | '.join(str(kinds[each]) for each in KEYWORDS)} | {tests} |")
    return "\n".join([*lines, ""])


def chapter(name: str, of_it: Sequence[Shown]) -> str:
    """The heading is the anchor of the counts: the text's full name stands below it."""
    lines = [f"## {name}", "", f"{SPECIFICATIONS[name]}.", "", "| section | keyword | shown by |", "|---|---|---|"]
    for mark in of_it:
        sentence = mark.test.removeprefix("test_").replace("_", " ")
        lines.append(f"| {mark.section} | {mark.keyword} | [{sentence}](../{mark.path}) |")
    return "\n".join([*lines, ""])


def anchor(heading: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


def main() -> None:
    PAGE.write_text(page(marks()), "utf-8")


if __name__ == "__main__":
    main()
