"""Backups as operators make and restore them: SQLite's own copy, and PostgreSQL's pg_dump and pg_restore."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from pathlib import Path

from sqlalchemy.engine import make_url

from core.ground import Ground


def back_up(ground: Ground, folder: Path) -> Path:
    """The database in a file, taken while it is open; and the directory of keys beside it, as docs/operating.md says."""
    folder.mkdir()
    url = make_url(ground.settings.database_url)
    shutil.copytree(ground.settings.keys_url.removeprefix("file:"), folder / "keys")
    if url.get_backend_name() == "sqlite":
        with sqlite3.connect(str(url.database)) as source, sqlite3.connect(folder / "database") as target:
            source.backup(target)
        source.close()
        target.close()
    else:
        run("pg_dump", "--format=custom", f"--file={folder}/database", *place(ground))
    return folder


def restore(ground: Ground, folder: Path) -> None:
    """All that was written since is gone. Nobody may be connected but through `ground`."""
    keys = ground.settings.keys_url.removeprefix("file:")
    shutil.rmtree(keys)
    shutil.copytree(folder / "keys", keys)
    ground.database.close()
    url = make_url(ground.settings.database_url)
    if url.get_backend_name() == "sqlite":
        for suffix in ("-wal", "-shm"):
            Path(f"{url.database}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(folder / "database", str(url.database))
    else:
        run("pg_restore", "--clean", "--if-exists", "--single-transaction", *place(ground), str(folder / "database"))


def place(ground: Ground) -> tuple[str, ...]:
    url = make_url(ground.settings.database_url)
    return f"--host={url.host}", f"--port={url.port}", f"--username={url.username}", f"--dbname={url.database}"


def run(program: str, *arguments: str) -> None:
    newest = max(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
    subprocess.run([str(newest), *arguments], check=True, capture_output=True, timeout=60)
