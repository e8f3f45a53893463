"""Every sentence that the engine can say to a person has its Thai, with the same placeholders."""

from __future__ import annotations

import re

import pytest

from core.errors import PersonError
from signing.errors import REFUSALS, DocumentChanged, FieldTaken, LevelNotReached, PageNotThere, PdfTooLarge
from signing.reasons import Reason
from signing.report import (
    CHANGES,
    HEADLINES,
    LASTING,
    NO_SIGNATURE,
    NOBODY,
    NOT_CONFIRMED,
    ONE_VALID,
    SIGNED,
    SIGNED_CLAIMED,
    SIGNED_PROVEN,
)
from tests.lint.translations import PLACEHOLDER, catalogue


def refusals() -> list[PersonError]:
    wanting = {PdfTooLarge: (2**20,), PageNotThere: (1,), FieldTaken: ("x",), LevelNotReached: ("x",)}
    return [kind(*wanting.get(kind, ())) for kind in (*REFUSALS, DocumentChanged, LevelNotReached)]


SENTENCES = [
    *(refusal.message for refusal in refusals()),
    *Reason,
    *CHANGES.values(),
    *HEADLINES.values(),
    *(LASTING, NO_SIGNATURE, NOBODY, NOT_CONFIRMED, ONE_VALID, SIGNED, SIGNED_CLAIMED, SIGNED_PROVEN),
]


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_has_its_thai(sentence: str):
    thai = catalogue().get(str(sentence), "")
    assert re.search("[ก-๛]", thai)
    assert set(PLACEHOLDER.findall(thai)) == set(PLACEHOLDER.findall(sentence))
