"""Request parameters, RFC 6749 section 3: UTF-8 forms, each name once but for two that extensions let be repeated; an
empty value is an absent one.

And JSON inside parameters and tokens, read so that nothing odd goes further: no repeated member, no NaN, no NUL, no
lone surrogate, no nesting that would break whoever writes it again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from idp.errors import InvalidRequest

MAX_FIELDS = 100
MAX_DEPTH = 16
REPEATABLE = frozenset({"resource", "audience"})  # RFC 8707 section 2, RFC 8693 section 2.1


class NotStrictJson(ValueError):
    """The text is not JSON, or not JSON that we take; the message says why."""


def read_form(raw: bytes) -> dict[str, str]:
    """A query or an application/x-www-form-urlencoded body (sections 3.1 and 3.2, Appendix B)."""
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except (UnicodeError, ValueError) as error:
        raise InvalidRequest("the parameters are not a well-formed UTF-8 form of at most 100 fields") from error
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in REPEATABLE:
            value = f"{found.get(name, '')} {repeated(name, value)}".strip()  # noqa: PLW2901
        elif name in found:
            raise InvalidRequest(f"{name[:40]} is there more than once")
        if "\0" in value:
            raise InvalidRequest(f"{name[:40]} has a NUL character")
        found[name] = value
    return {name: value for name, value in found.items() if value}


def repeated(name: str, value: str) -> str:
    """One of its values: they are kept parted by spaces, of which a URI has none."""
    if " " in value:
        raise InvalidRequest(f"{name} has a space in it")
    return value


def required(parameters: Mapping[str, str], name: str) -> str:
    value = parameters.get(name)
    if value is None:
        raise InvalidRequest(f"{name} is missing")
    return value


def check_line(name: str, value: str, *, longest: int) -> str:
    """For values that are kept and given back: one line, of a bounded length."""
    if len(value) > longest:
        raise InvalidRequest(f"{name} is longer than {longest} characters")
    if not value.isprintable():
        raise InvalidRequest(f"{name} has control characters")
    return value


def read_json(text: str | bytes, *, longest: int) -> Any:
    """RFC 8259, strictly; raises NotStrictJson."""
    if len(text) > longest:
        raise NotStrictJson(f"it is longer than {longest} characters")
    try:
        value = json.loads(text, object_pairs_hook=without_repeats, parse_constant=refuse_constant, parse_float=finite)
        json.dumps(value, ensure_ascii=False).encode()  # lone surrogates
    except RecursionError as error:
        raise NotStrictJson("it is nested too deeply") from error
    except UnicodeError as error:
        raise NotStrictJson("it has a lone surrogate") from error
    except ValueError as error:
        raise NotStrictJson(str(error) if isinstance(error, NotStrictJson) else "it is not JSON") from error
    check_value(value, MAX_DEPTH)
    return value


def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotStrictJson("a member is there more than once")
    return members


def refuse_constant(name: str) -> Any:
    raise NotStrictJson(f"{name} is not JSON")


def finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise NotStrictJson("a number is out of range")
    return value


def check_value(value: Any, left: int) -> None:
    """Not deeper than `left`; and no NUL, for no database has such texts, and nobody means one."""
    if left == 0:
        raise NotStrictJson("it is nested too deeply")
    if isinstance(value, str) and "\0" in value:
        raise NotStrictJson("it has a NUL character")
    if isinstance(value, dict | list):
        for each in (*value, *value.values()) if isinstance(value, dict) else value:
            check_value(each, left - 1)
