"""What `/metrics` asks when it is read: whether the parts answer, and what lies in the database.

Each question is bounded and stands alone: one that fails leaves its own numbers out and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TypeAlias

import structlog
from sqlalchemy import func, select
from sqlalchemy.pool import QueuePool

from core.audit import AuditEntry
from core.audit_chain import waiting
from core.metric_values import Key
from core.outbox import OutboxMessage
from idp.composition import Provider, health
from keys.audit_checkpoint import AuditCheckpoint
from keys.audit_witness import AuditWitness
from keys.models import Key as KeyRow
from keys.use_count import KeyUse

Samples: TypeAlias = Iterable[tuple[Key, float]]

COUNTED = 100_000  # waiting rows; more are not told apart

log = structlog.get_logger()


def measured(provider: Provider) -> str:
    """All that is known, as Prometheus' text. A database that is away is asked once: its time-outs would add up."""
    up = health(provider)
    samples: list[tuple[Key, float]] = [(("prajak_part_up", name), float(answers)) for name, answers in up.items()]
    if up["database"]:
        samples += [sample for question in QUESTIONS for sample in asked(question, provider)]
    return provider.ground.metrics.text(samples)


def asked(question: Callable[[Provider], Samples], provider: Provider) -> Samples:
    try:
        return list(question(provider))
    except Exception:
        log.exception("not_measured", question=question.__name__)
        return ()


def audit_trail(provider: Provider) -> Iterator[tuple[Key, float]]:
    with provider.ground.database.read() as connection:
        behind = waiting(connection, most=COUNTED)
        chained = connection.execute(select(func.max(AuditEntry.sequence))).scalar_one() or 0
        signed = connection.execute(select(func.max(AuditCheckpoint.sequence))).scalar_one() or 0
        told = connection.execute(select(func.min(AuditWitness.delivered_sequence))).scalar_one()
    yield ("prajak_audit_waiting",), behind.count
    yield ("prajak_audit_lag_seconds",), seconds_since(provider, behind.oldest_at)
    yield ("prajak_audit_unsigned",), chained - signed
    if told is not None:
        yield ("prajak_audit_unwitnessed",), chained - told


def outbox(provider: Provider) -> Iterator[tuple[Key, float]]:
    waits = (OutboxMessage.delivered_at.is_(None), OutboxMessage.given_up_at.is_(None))
    left = select(OutboxMessage.channel, OutboxMessage.created_at).where(*waits).limit(COUNTED).subquery()
    query = select(left.c.channel, func.count(), func.min(left.c.created_at)).group_by(left.c.channel)
    with provider.ground.database.read() as connection:
        for channel, number, oldest in connection.execute(query):
            yield ("prajak_outbox_waiting", channel), number
            yield ("prajak_outbox_lag_seconds", channel), seconds_since(provider, oldest)


def keys(provider: Provider) -> Iterator[tuple[Key, float]]:
    by = (KeyRow.purpose, KeyRow.algorithm, KeyRow.state)
    with provider.ground.database.read() as connection:
        for purpose, algorithm, state, number in connection.execute(select(*by, func.count()).group_by(*by)):
            yield ("prajak_keys", purpose, algorithm, state), number


def key_uses(provider: Provider) -> Iterator[tuple[Key, float]]:
    """SP 800-57 part 1 section 7.2: applied (signed, sealed) and processed (opened)."""
    by, sums = (KeyRow.purpose, KeyRow.algorithm), (func.sum(KeyUse.applied), func.sum(KeyUse.processed))
    query = select(*by, *sums).join(KeyUse, KeyUse.kid == KeyRow.kid).group_by(*by)
    with provider.ground.database.read() as connection:
        for purpose, algorithm, applied, processed in connection.execute(query):
            yield ("prajak_key_uses_total", purpose, algorithm, "applied"), float(applied)
            yield ("prajak_key_uses_total", purpose, algorithm, "processed"), float(processed)


def note_worker(provider: Provider) -> None:
    """A job of every worker: what it holds now."""
    metrics, pool = provider.ground.metrics, provider.ground.database.engine.pool
    metrics.gauge("prajak_token_sessions", provider.trust.keystore.token_sessions())
    if isinstance(pool, QueuePool):
        metrics.gauge("prajak_database_connections", pool.checkedout(), "used")
        metrics.gauge("prajak_database_connections", pool.size(), "size")


def seconds_since(provider: Provider, moment: datetime | None) -> float:
    """0 where nothing waits."""
    return 0.0 if moment is None else max((provider.ground.clock.now() - moment).total_seconds(), 0.0)


QUESTIONS = (audit_trail, outbox, keys, key_uses)
