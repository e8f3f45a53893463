"""Levels, their order, and the sandbox's own names for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.assurance import AAL, IAL, Acr, acr_value, acr_values_supported, parse_acr, satisfies

ACRS = st.builds(Acr, st.sampled_from(list(IAL)), st.sampled_from(list(AAL)))


@given(ACRS, st.booleans())
def test_an_acr_is_read_as_it_was_written(acr: Acr, sandbox: bool):
    assert parse_acr(acr_value(acr, sandbox=sandbox), sandbox=sandbox) == acr


@given(ACRS)
def test_a_sandbox_level_means_nothing_in_production_and_the_other_way_round(acr: Acr):
    assert parse_acr(acr_value(acr, sandbox=True), sandbox=False) is None
    assert parse_acr(acr_value(acr, sandbox=False), sandbox=True) is None


@given(ACRS, ACRS, ACRS)
def test_satisfying_is_an_order(one: Acr, two: Acr, three: Acr):
    assert satisfies(one, one)
    assert not (satisfies(one, two) and satisfies(two, three)) or satisfies(one, three)
    assert not (satisfies(one, two) and satisfies(two, one)) or one == two


@pytest.mark.parametrize(
    "value", ["", "urn:prajak:ial2.1", "urn:prajak:ial2.1:aal4", "urn:prajak:ial2.1:aal2\n", "URN:prajak:ial3:aal3"]
)
def test_what_is_no_acr_is_unknown(value: str):
    assert parse_acr(value, sandbox=False) is None


def test_the_sandbox_offers_the_production_levels_in_the_same_order():
    sandbox = [value.replace("sandbox:", "") for value in acr_values_supported(sandbox=True)]
    assert sandbox == acr_values_supported(sandbox=False)
