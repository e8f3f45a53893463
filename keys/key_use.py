"""What may be done with a key now, told from its row and the rules of its purpose alone."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from cryptography.hazmat.primitives.serialization import load_der_public_key

from keys.algorithms import PublicKey
from keys.errors import KeystoreError
from keys.key_rows import KeyRecord
from keys.key_states import State
from keys.purposes import RULES, Purpose
from keys.secret import SecretName
from keys.use_count import Uses

MOST_SEALS = 2**32


def slot_of(record: KeyRecord) -> str:
    if record.slot is None:
        raise KeystoreError(f"{record.kid} is not a key in use")
    return record.slot


def check_rotates(purpose: Purpose) -> None:
    if RULES[purpose].fixed:
        raise KeystoreError(f"{purpose} does not rotate: {RULES[purpose].fixed}")


def check_algorithm(purpose: Purpose, algorithm: str) -> str:
    """One that this purpose has a key of, or may have."""
    rules = RULES[purpose]
    if algorithm not in (rules.algorithm, *rules.also):
        raise KeystoreError(f"{purpose} has no key for {algorithm}")
    return algorithm


def check_replaceable(record: KeyRecord) -> None:
    """The look-ups of all people would have to be made anew with another key first, or each could enrol a second time:
    that is not built, so not even two people do it.
    """
    if record.purpose is Purpose.BLIND_INDEX and record.state is State.ACTIVE:
        raise KeystoreError(f"{record.purpose} cannot be replaced: {RULES[record.purpose].fixed}")


def check_there(record: KeyRecord) -> KeyRecord:
    if record.state is State.DESTROYED:
        raise KeystoreError(f"the key {record.kid} was destroyed: what it sealed does not open any more")
    return record


def check_becomes(purpose: Purpose, algorithm: str) -> None:
    """What its one key may be followed by."""
    check_rotates(purpose)
    if algorithm not in RULES[purpose].becomes:
        may = ", ".join(RULES[purpose].becomes) or "nothing else"
        raise KeystoreError(f"{purpose} does not move to {algorithm}; it may be {may}")


def has_come(record: KeyRecord, now: datetime) -> bool:
    """An announced successor whose time to sign is here."""
    return record.state is State.PRE_ACTIVATION and record.activates_at is not None and record.activates_at <= now


def is_aged(record: KeyRecord, now: datetime) -> bool:
    """SP 800-57 part 1 section 5.3: an active key past its cryptoperiod."""
    ends = next_change(record)
    return record.state is State.ACTIVE and ends is not None and ends <= now


def next_change(record: KeyRecord) -> datetime | None:
    """When the schedule changes something about it: it begins, its successor is announced, it leaves the JWKS."""
    period = RULES[record.purpose].cryptoperiod
    if record.state is State.PRE_ACTIVATION:
        return record.activates_at
    if record.state is State.ACTIVE and period is not None:
        return (record.activates_at or record.created_at) + period
    return record.published_until if record.state is State.DEACTIVATED else None


def is_worn(record: KeyRecord, uses: Uses) -> bool:
    """SP 800-38D section 8.3: of random nonces under one key at most 2^32; a successor comes at half of that."""
    return record.state is State.ACTIVE and record.algorithm == SecretName.A256GCM and uses.applied >= MOST_SEALS // 2


def is_disbelieved(record: KeyRecord) -> bool:
    """Others may have it, or had it before it was destroyed."""
    return record.state is State.COMPROMISED or record.compromised_at is not None


def takes_two(record: KeyRecord) -> bool:
    """Whether its end cannot be undone: nothing of its own kind takes its place."""
    return RULES[record.purpose].two_people


def is_published(record: KeyRecord, now: datetime) -> bool:
    """What was destroyed is published as if it were deactivated: its public half verifies what it signed."""
    rules = RULES[record.purpose]
    if not rules.published or is_disbelieved(record) or record.state is State.SUSPENDED:
        return False
    if rules.decrypts and record.state in (State.DEACTIVATED, State.DESTROYED):
        return False  # nobody may encrypt to it any more
    return record.published_until is None or now < record.published_until


def is_usable(record: KeyRecord, now: datetime) -> bool:
    """What it decrypts is still taken: in use, or replaced within the overlap. And whatever is published: somebody may
    have encrypted to an announced successor already.
    """
    if record.state is State.DEACTIVATED:
        return record.published_until is not None and now < record.published_until
    return record.state in (State.ACTIVE, State.PRE_ACTIVATION)


def public_key(record: KeyRecord) -> PublicKey:
    if record.public_key is None:
        raise KeystoreError(f"{record.kid} is a secret and has no public key")
    return cast("PublicKey", load_der_public_key(record.public_key))
