"""What `prajak doctor` finds in the audit trail: cheap, however long it is. The whole is `prajak audit verify`'s."""

from __future__ import annotations

from datetime import timedelta

from core.audit_chain import head, waiting
from idp.composition import Provider
from keys.audit_checkpoint import newest
from keys.audit_proof import prove
from keys.own_jws import NotSigned

LATE = timedelta(minutes=5)  # a checkpoint is made each minute while something happens
BEHIND = 10  # checkpoints that a witness lacks: as many minutes

EVIDENCE = "compare with a backup and the last export; do not mend: docs/audit-trail.md"


def what_is_broken(provider: Provider) -> tuple[str, str] | None:
    """A finding and its mend, or None: entries since the newest checkpoint, that checkpoint, and the triggers."""
    database, checkpoints = provider.ground.database, provider.trust.checkpoints
    with database.read() as connection:
        row = newest(connection)
    try:
        since = row["sequence"] if row else 0
        proof = prove(database, checkpoints.believes(), origin=provider.ground.settings.issuer, since=since)
    except NotSigned as error:
        return f"the newest checkpoint is forged: {error}", EVIDENCE
    if proof.broken:
        return f"entry {proof.broken.sequence}: {proof.broken.why}", EVIDENCE
    if row and proof.walked.sequence < row["sequence"]:
        return f"the trail ends at entry {proof.walked.sequence}, the newest checkpoint saw {row['sequence']}", EVIDENCE
    if proof.disarmed:
        return f"triggers are gone or changed: {', '.join(proof.disarmed)}", "find out who did; restore the schema"
    return None


def what_is_late(provider: Provider) -> tuple[str, str] | None:
    """A finding and its mend, or None: a sequencer, a checkpoint or a witness that is behind, or no witness at all."""
    now = provider.ground.clock.now()
    with provider.ground.database.read() as connection:
        unplaced, row, (last, _) = waiting(connection), newest(connection), head(connection)
    if unplaced.oldest_at and now - unplaced.oldest_at > LATE:
        return f"{unplaced.count} entries wait for their place in the chain", "a server makes it: prajak serve"
    checkpoint = provider.trust.checkpoints.believed(row) if row else None
    if last and (checkpoint is None or (checkpoint.sequence < last and now - checkpoint.at > LATE)):
        return f"no checkpoint covers the {last - (checkpoint.sequence if checkpoint else 0)} newest entries", (
            "a server makes one each minute: prajak serve; the log says why it does not"
        )
    if checkpoint and not checkpoint.time_stamp:
        return "the newest checkpoint has no time-stamp", "the log says why: a time-stamp authority is wanted"
    for each in provider.witnesses.states():
        if each.behind >= BEHIND or each.failure:
            return f"{each.name} lacks {each.behind} checkpoints {each.failure}".strip(), "bring the witness back"
    if not provider.witnesses.names:
        return "no outside witness keeps the checkpoints", "set PRAJAK_AUDIT_WITNESS"
    return None
