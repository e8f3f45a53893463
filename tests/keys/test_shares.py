"""SLIP-39: any M of N give the secret back, fewer give nothing, a slip of the pen is found."""

from __future__ import annotations

from itertools import combinations
from secrets import token_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shamir_mnemonic import combine_mnemonics

from keys.errors import KeystoreError
from keys.shares import combine, split

SECRET = bytes(range(32))


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_any_choice_that_is_large_enough_gives_the_secret_back(data):
    shares = data.draw(st.integers(2, 6))
    needed = data.draw(st.integers(2, shares))
    secret = token_bytes(32)
    lines = split(secret, needed=needed, shares=shares)
    chosen = data.draw(st.lists(st.sampled_from(lines), min_size=needed, max_size=shares, unique=True))
    assert combine(chosen) == secret


def test_every_choice_of_three_of_five_gives_it_back():
    lines = split(SECRET, needed=3, shares=5)
    assert {combine(chosen) for chosen in combinations(lines, 3)} == {SECRET}


def test_the_shares_are_of_the_standard_and_open_with_any_tool_for_it():
    assert combine_mnemonics(split(SECRET, needed=2, shares=3)[1:]) == SECRET


def test_a_vector_of_the_standard_opens():
    """SLIP-39 test vectors, number 4: basic sharing 2-of-3 of 128 bits, under the passphrase TREZOR."""
    lines = [
        (
            "shadow pistol academic always adequate wildlife fancy gross oasis cylinder mustang wrist rescue view short "
            "owner flip making coding armed"
        ),
        (
            "shadow pistol academic acid actress prayer class unknown daughter sweater depict flip twice unkind craft early "
            "superior advocate guest smoking"
        ),
    ]
    assert combine_mnemonics(lines, b"TREZOR").hex() == "b43ceb7e57a0ea8766221624d01b0864"
    assert len(combine(lines)) == 16


@pytest.mark.parametrize("given_shares", [0, 1, 2])
def test_fewer_than_needed_give_nothing(given_shares):
    with pytest.raises(KeystoreError, match="needed|no share"):
        combine(split(SECRET, needed=3, shares=5)[:given_shares])


def test_one_share_three_times_is_one_share():
    line = split(SECRET, needed=3, shares=5)[0]
    with pytest.raises(KeystoreError, match="3 shares are needed, 1 were given"):
        combine([line, line.upper(), f"  {line}  "])


def test_a_wrong_word_is_found_and_its_share_named():
    first, second, third = split(SECRET, needed=3, shares=3)
    words = second.split()
    words[7] = "academic" if words[7] != "academic" else "acid"
    with pytest.raises(KeystoreError, match="share 2 is misspelt"):
        combine([first, " ".join(words), third])


@pytest.mark.parametrize("line", ["", "x", "not words at all", "academic " * 40, "ก" * 2000])
def test_what_is_no_share_is_refused(line):
    with pytest.raises(KeystoreError):
        combine([line, line + " academic"])


@pytest.mark.parametrize(("needed", "shares"), [(1, 1), (1, 3), (4, 3), (2, 17), (0, 0)])
def test_numbers_that_protect_nothing_are_refused(needed, shares):
    with pytest.raises(KeystoreError, match="from 2 needed to 16"):
        split(SECRET, needed=needed, shares=shares)
