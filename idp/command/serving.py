"""`prajak serve`: the provider on Granian, in the foreground."""

from __future__ import annotations

from pathlib import Path

import click
from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from core.settings import load_settings

REQUEST_TIMEOUT = 15_000  # milliseconds to send a request's head
DRAIN = 30  # seconds after SIGTERM


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes; one a core.")
@click.option("--tls-cert", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--tls-key", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def serve(host: str, port: int, workers: int, tls_cert: Path | None, tls_key: Path | None) -> None:
    """Serve. Direct TLS offers no mTLS; put a proxy in front for that."""
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together")
    settings = load_settings()
    Granian(
        "idp.app:create_app",
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=settings.threads,
        backpressure=settings.threads * 16,  # more than these wait in the kernel's queue, not in memory
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=REQUEST_TIMEOUT),
        respawn_failed_workers=True,
        workers_kill_timeout=DRAIN,
        log_level=LogLevels.warning,
        ssl_cert=tls_cert,
        ssl_key=tls_key,
    ).serve()
