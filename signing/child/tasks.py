"""Every task of the limited child: a document and arguments in, JSON and bytes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from signing.child.continuation import describe_document
from signing.child.facts import read_facts
from signing.child.placeholder import add_placeholder
from signing.child.verdict import judge_document

Task = Callable[[BytesIO, Mapping[str, Any]], tuple[dict[str, Any], bytes]]

TASKS: Mapping[str, Task] = {
    "facts": read_facts,
    "prepare": add_placeholder,
    "continue": describe_document,
    "judge": judge_document,
}
