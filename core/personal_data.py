"""What must not slip into a record that outlives its person: numbers and addresses in a free text are taken out.

People who give a reason sometimes name somebody by number. A name cannot be recognised, and is asked not to be written;
these can, in Thai digits too.
"""

from __future__ import annotations

import re

KINDS = (
    ("[e-mail]", re.compile(r"[^\s@<>(),;:]+@[^\s@<>(),;:]+\.[^\s@<>(),;:]+")),
    ("[citizen number]", re.compile(r"(?<![\w-])\d[ -]?\d{4}[ -]?\d{5}[ -]?\d{2}[ -]?\d(?![\w-])")),
    ("[telephone]", re.compile(r"(?<![\w-])(?:\+66|[0๐])[ -]?\d{1,2}[ -]?\d{3}[ -]?\d{4}(?![\w-])")),
)


def without_personal_data(text: str) -> str:
    """The text with each such thing replaced by what it was."""
    for word, pattern in KINDS:
        text = pattern.sub(word, text)
    return text
