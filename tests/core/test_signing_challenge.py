"""The challenge is bound to each of its parts and to nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.signing_challenge import signing_challenge

AT = datetime(2026, 11, 22, tzinfo=UTC)
DIGESTS = [sha256(each).digest() for each in (b"one", b"two")]
REQUEST = {"credential_id": "credential", "digests": DIGESTS, "expires_at": AT, "nonce": "nonce"}


def test_the_order_of_the_documents_does_not_matter():
    assert signing_challenge(**REQUEST) == signing_challenge(**REQUEST | {"digests": DIGESTS[::-1]})


@pytest.mark.parametrize(
    "changed",
    [
        {"credential_id": "credentia1"},
        {"digests": DIGESTS[:1]},
        {"digests": [*DIGESTS, DIGESTS[0]]},
        {"expires_at": AT + timedelta(seconds=1)},
        {"nonce": "n0nce"},
    ],
)
def test_every_part_changes_it(changed: dict[str, object]):
    assert signing_challenge(**REQUEST) != signing_challenge(**REQUEST | changed)


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_parts_cannot_be_moved_across_their_borders(one: str, two: str, three: str, four: str):
    first = signing_challenge(credential_id=one, digests=DIGESTS, expires_at=AT, nonce=two)
    second = signing_challenge(credential_id=three, digests=DIGESTS, expires_at=AT, nonce=four)
    assert (first == second) == ((one, two) == (three, four))


@pytest.mark.parametrize("digests", [[], [b"short"]])
def test_a_request_without_whole_digests_has_no_challenge(digests: list[bytes]):
    with pytest.raises(ValueError, match="digest"):
        signing_challenge(credential_id="credential", digests=digests, expires_at=AT, nonce="nonce")
