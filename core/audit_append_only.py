"""The database's own refusal to change or remove what was written: triggers on both back ends.

Of an audit entry only the sequencing columns may be set, together and once; of a checkpoint nothing. Whoever owns the
database can drop a trigger, so this is no proof (the chain and its outside witnesses are); it keeps a mistake, a stolen
application login or a careless query from rewriting the trail, and its absence is told by `prajak audit verify`.

SQLite's REPLACE removes rows without asking a DELETE trigger, so what would replace is refused as well. On PostgreSQL
the triggers are ALWAYS, or a session in replica mode would pass them by.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, text

FIXED = ("number", "id", "at", "event", "actor", "subject", "client_id", "reason", "source", "detail")
UNCHANGED = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in FIXED)
PLACED = "NEW.sequence IS NOT NULL AND NEW.previous_hash IS NOT NULL AND NEW.entry_hash IS NOT NULL"


def sqlite_trigger(name: str, when: str, table: str) -> str:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    return f"CREATE TRIGGER {name} BEFORE {when} {refuse}"


SQLITE: Mapping[str, str] = {
    name: sqlite_trigger(name, when, name.rpartition("_")[0])
    for name, when in {
        "audit_entry_insert": "INSERT ON audit_entry WHEN NEW.sequence IS NOT NULL"
        " OR EXISTS (SELECT 1 FROM audit_entry WHERE number = NEW.number OR id = NEW.id)",
        "audit_entry_update": f"UPDATE ON audit_entry WHEN NOT (OLD.sequence IS NULL AND {PLACED} AND {UNCHANGED})"  # noqa: S608 - constants
        " OR EXISTS (SELECT 1 FROM audit_entry WHERE sequence = NEW.sequence)",
        "audit_entry_delete": "DELETE ON audit_entry",
        "audit_checkpoint_insert": "INSERT ON audit_checkpoint"
        " WHEN EXISTS (SELECT 1 FROM audit_checkpoint WHERE sequence = NEW.sequence)",
        "audit_checkpoint_update": "UPDATE ON audit_checkpoint",
        "audit_checkpoint_delete": "DELETE ON audit_checkpoint",
    }.items()
}

ENTRY_BODY = f"""
DECLARE before_placing audit_entry;
BEGIN
  IF TG_OP = 'INSERT' AND NEW.sequence IS NULL THEN
    RETURN NEW;
  END IF;
  IF TG_OP = 'UPDATE' THEN
    before_placing := NEW;
    before_placing.sequence := OLD.sequence;
    before_placing.previous_hash := OLD.previous_hash;
    before_placing.entry_hash := OLD.entry_hash;
    IF OLD.sequence IS NULL AND {PLACED} AND before_placing IS NOT DISTINCT FROM OLD THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION 'audit_entry is append-only' USING ERRCODE = 'restrict_violation';
END
"""
CHECKPOINT_BODY = """
BEGIN
  RAISE EXCEPTION 'audit_checkpoint is append-only' USING ERRCODE = 'restrict_violation';
END
"""
POSTGRESQL_FUNCTIONS: Mapping[str, str] = {
    "audit_entry_is_append_only": ENTRY_BODY,
    "audit_checkpoint_is_append_only": CHECKPOINT_BODY,
}
POSTGRESQL_TRIGGERS: Mapping[str, tuple[str, str]] = {
    "audit_entry_rows": ("audit_entry", "BEFORE INSERT OR UPDATE OR DELETE ON audit_entry FOR EACH ROW"),
    "audit_entry_all": ("audit_entry", "BEFORE TRUNCATE ON audit_entry FOR EACH STATEMENT"),
    "audit_checkpoint_rows": ("audit_checkpoint", "BEFORE UPDATE OR DELETE ON audit_checkpoint FOR EACH ROW"),
    "audit_checkpoint_all": ("audit_checkpoint", "BEFORE TRUNCATE ON audit_checkpoint FOR EACH STATEMENT"),
}
IN_FORCE = text(
    "SELECT t.tgname, p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
    " WHERE t.tgenabled = 'A' AND t.tgrelid IN (to_regclass('audit_entry'), to_regclass('audit_checkpoint'))"
)


def statements(dialect: str) -> list[str]:
    """What makes both tables append-only: run by the migration, after what makes or rebuilds them."""
    if dialect == "sqlite":
        return list(SQLITE.values())
    made = [
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$"
        for name, body in POSTGRESQL_FUNCTIONS.items()
    ]
    for name, (table, when) in POSTGRESQL_TRIGGERS.items():
        made.append(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {table}_is_append_only()")
        made.append(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
    return made


def missing(connection: Connection) -> list[str]:
    """The triggers that are not there, were changed, or are switched off."""
    if connection.dialect.name == "sqlite":
        rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
        found = dict(map(tuple, rows))
        return sorted(name for name, sql in SQLITE.items() if found.get(name) != sql)
    found = dict(map(tuple, connection.execute(IN_FORCE)))
    return sorted(
        name
        for name, (table, _) in POSTGRESQL_TRIGGERS.items()
        if found.get(name) != POSTGRESQL_FUNCTIONS[f"{table}_is_append_only"]
    )
