"""A report's sentences, in the person's language: its msgids are translated here, its times formatted."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext

from core.i18n import format_datetime
from signing.report import Sentence


def told(sentence: Sentence) -> str:
    """The template filter `|told`."""
    values = {
        name: format_datetime(value) if isinstance(value, datetime) else value
        for name, value in sentence.values.items()
    }
    return str(gettext(sentence.message, **values))
