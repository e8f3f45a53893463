"""The two back ends the tests run on: SQLite alone, and PostgreSQL with Redis, started here and thrown away."""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from secrets import token_hex

import psycopg
import redis

from core.settings import Settings
from tests.tables import create_tables

EMBEDDED, SERVERS = "embedded", "postgresql+redis"
BACKENDS = [EMBEDDED, SERVERS]


@dataclass(frozen=True)
class Backend:
    name: str
    database_url: str
    redis_url: str


Embedded = Backend(EMBEDDED, "", "")


@contextmanager
def backend_of(name: str, folder: Path) -> Iterator[Backend]:
    if name == EMBEDDED:
        shutil.copyfile(sqlite_template(), folder / "test.db")
        yield Backend(name, f"sqlite:///{folder}/test.db", "")
        return
    port, number = postgresql_port(), token_hex(4)
    with psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE test_{number} TEMPLATE {postgresql_template()}")
    url = redis_url()
    try:
        yield Backend(name, f"postgresql+psycopg://postgres@127.0.0.1:{port}/test_{number}", url)
    finally:
        with redis.Redis.from_url(url) as client:
            client.flushdb()
        with psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres", autocommit=True) as connection:
            connection.execute(f"DROP DATABASE test_{number} WITH (FORCE)")


@cache
def scratch() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="prajak-test-"))
    folder.chmod(0o755)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def sqlite_template() -> Path:
    path = scratch() / "template.db"
    create_tables(settings_for(f"sqlite:///{path}"))
    return path


@cache
def postgresql_template() -> str:
    port = postgresql_port()
    with psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE prajak_template")
    create_tables(settings_for(f"postgresql+psycopg://postgres@127.0.0.1:{port}/prajak_template"))
    return "prajak_template"


def settings_for(database_url: str) -> Settings:
    return Settings(
        issuer="http://localhost:8080", rp_id="localhost", database_url=database_url, keys_url="file:unused",
        sandbox=True, data_dir=scratch(),
    )  # fmt: skip


@cache
def postgresql_port() -> int:
    """A cluster of this process's own, without fsync; as another user where we are root (it refuses root)."""
    folder, port = scratch() / "postgresql", free_port()
    folder.mkdir()
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    run_postgresql("initdb", "-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off"
    run_postgresql("pg_ctl", "-D", str(folder / "data"), "-w", "-o", options, "-l", str(folder / "log"), "start")
    atexit.register(run_postgresql, "pg_ctl", "-D", str(folder / "data"), "-m", "immediate", "stop")
    return port


def run_postgresql(program: str, *arguments: str) -> None:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    subprocess.run([*as_user, str(found[-1]), *arguments], check=True, stdout=subprocess.DEVNULL, cwd="/")


@cache
def redis_url() -> str:
    port, folder = free_port(), scratch() / "redis"
    folder.mkdir()
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    server = subprocess.Popen(["redis-server", *arguments], stdout=subprocess.DEVNULL)
    atexit.register(stop, server)
    wait_for_port(port)
    return f"redis://127.0.0.1:{port}/0"


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(timeout=10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, seconds: float = 20) -> None:
    """Returns when something listens; raises after the bound."""
    client = redis.Redis(
        port=port, socket_connect_timeout=seconds, retry=redis.retry.Retry(redis.backoff.ConstantBackoff(0.05), 400)
    )
    try:
        client.ping()
    finally:
        client.close()
