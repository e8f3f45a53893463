"""What is done beside requests: chaining the audit trail, delivering, expiring, renewing keys, purging."""

from __future__ import annotations

from datetime import datetime, timedelta

from core import audit_chain
from core.ephemeral import DatabaseEphemeral
from core.jobs import Job
from core.one_time import purge_spent
from idp.admin.invitation import purge_invitations
from idp.composition import Provider
from idp.measurements import note_worker
from keys.use_count import FLUSHED

CHAINED_AT_ONCE = 10  # batches: five thousand entries in one round


def background(provider: Provider) -> list[Job]:
    """What is done beside requests, and how often it is looked at."""
    ground = provider.ground
    second, minute = timedelta(seconds=1), timedelta(minutes=1)
    return [
        Job("audit-sequencer", second / 4, lambda: chain_audit(provider)),
        Job("audit-checkpoint", minute, provider.trust.checkpoints.make),
        Job("audit-witness", 5 * second, provider.witnesses.deliver),
        Job("outbox", second / 4, provider.outbox.deliver_due),
        Job("expired-sessions", 5 * second, provider.sessions.end_expired),
        Job("expired-enrolments", minute, provider.enrolment.cases.expire_due),
        Job("keys", minute, provider.trust.maintain),
        Job("ocsp-answers", 5 * second, provider.trust.ocsp.refresh),
        Job("keys-in-hand", FLUSHED, provider.trust.keystore.tend, everywhere=True),
        Job("measurements", 5 * second, lambda: note_worker(provider), everywhere=True),
        Job("rewrap", second, provider.trust.rewrap.run),
        Job("erasure-list", minute, provider.trust.erasures.keep_list, everywhere=True),
        Job("keys-ahead", 5 * second, provider.trust.keystore.make_ahead),
        Job("client-keys", 10 * minute, provider.server.client_keys.refresh_due),
        Job("purge", 10 * minute, lambda: purge(provider, ground.clock.now())),
    ]


def chain_audit(provider: Provider) -> None:
    """House rule 7: the one elected sequencer gives entries their place, in bounded steps."""
    with provider.ground.database.read() as connection:
        if not audit_chain.has_unchained(connection):
            return
    for _ in range(CHAINED_AT_ONCE):
        with provider.ground.database.write() as connection:
            if audit_chain.chain(connection) < audit_chain.BATCH:
                return


def purge(provider: Provider, now: datetime) -> None:
    """Expired rows go, so that no table grows for ever."""
    with provider.ground.database.write() as connection:
        purge_spent(connection, now)
        purge_invitations(connection, now)
    if isinstance(provider.ground.ephemeral, DatabaseEphemeral):
        provider.ground.ephemeral.purge()
    provider.outbox.purge()
    provider.sessions.purge()
    provider.interaction.interactions.purge()
    provider.server.purge()
