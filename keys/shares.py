"""A secret in shares, any M of N of which give it back: SLIP-39 (Shamir's scheme over words with checksums).

Words, because people keep them: written down, read aloud, typed in again years later. Each share has a checksum that
finds up to three wrong words, and the shares of one secret know each other: a stranger's is told from a mistake.
"""

from __future__ import annotations

from collections.abc import Sequence

from shamir_mnemonic import combine_mnemonics, generate_mnemonics
from shamir_mnemonic.share import Share
from shamir_mnemonic.utils import MnemonicError

from keys.errors import KeystoreError

SECRET_BYTES = 32
MOST_SHARES = 16  # SLIP-39 section 3: an index has four bits
FEWEST_NEEDED = 2  # one share that is enough is a copy of the secret
LONGEST_SHARE = 1024  # characters; 33 words have some 250


def split(secret: bytes, *, needed: int, shares: int) -> list[str]:
    """`shares` lines of words, any `needed` of which give the secret back. Tried before anything relies on it."""
    if not FEWEST_NEEDED <= needed <= shares <= MOST_SHARES:
        raise KeystoreError(
            f"shares: from {FEWEST_NEEDED} needed to {MOST_SHARES} in all, and no more needed than made"
        )
    made: list[str] = generate_mnemonics(1, [(needed, shares)], secret)[0]
    for first in range(shares):  # each share, with those after it
        chosen = [made[(first + step) % shares] for step in range(needed)]
        if combine(chosen) != secret:
            raise KeystoreError("the shares do not give the secret back: nothing was kept")
    return made


def combine(lines: Sequence[str]) -> bytes:
    """The secret; KeystoreError that says what is wrong with which share. More than are needed must all agree."""
    words = list(dict.fromkeys(" ".join(line.lower().split()) for line in lines if line.strip()))
    if not words:
        raise KeystoreError("no share was given")
    parsed = [read_share(number, line) for number, line in enumerate(words, start=1)]
    if len({each.common_parameters() for each in parsed}) > 1:
        raise KeystoreError("these shares are of different secrets: look at the ceremony that each names")
    needed = parsed[0].member_threshold
    if len(parsed) < needed:
        raise KeystoreError(f"{needed} shares are needed, {len(parsed)} were given")
    try:
        found = {combine_mnemonics(list(chosen)) for chosen in choices(words, needed)}
    except MnemonicError as error:
        raise KeystoreError(f"the shares do not fit: {error}") from error
    if len(found) > 1:
        raise KeystoreError("the shares do not fit: one of them is wrong")
    secret: bytes = found.pop()
    return secret


def choices(words: list[str], needed: int) -> Sequence[tuple[str, ...]]:
    """The first ones, and each further share in the place of the last of them."""
    first = words[: needed - 1]
    return [(*first, last) for last in words[needed - 1 :]]


def read_share(number: int, line: str) -> Share:
    if len(line) > LONGEST_SHARE:
        raise KeystoreError(f"share {number} is too long")
    try:
        return Share.from_mnemonic(line)
    except MnemonicError as error:
        raise KeystoreError(f"share {number} is misspelt, or a word is missing: {error}") from error
