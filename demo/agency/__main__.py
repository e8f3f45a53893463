"""`python -m demo.agency --config FILE --port N`: one agency's web site on loopback."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path

from werkzeug.serving import WSGIRequestHandler, make_server

from demo.agency.app import create_app
from demo.agency.configuration import load_configuration


class QuietHandler(WSGIRequestHandler):
    """Logs the path without its query: a callback's carries the code."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:  # noqa: ARG002 - werkzeug's signature
        self.log("info", "%s %s %s", self.command, self.path.partition("?")[0], str(code))


def main() -> None:
    parser = argparse.ArgumentParser(prog="demo.agency", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="the deployment's JSON file")
    parser.add_argument("--port", type=int, required=True)
    chosen = parser.parse_args()
    server = make_server("127.0.0.1", chosen.port, create_app(load_configuration(chosen.config)), threaded=True,
                         request_handler=QuietHandler)  # fmt: skip
    signal.signal(signal.SIGTERM, lambda *_: exit_quietly())
    try:
        server.serve_forever()
    finally:
        server.server_close()


def exit_quietly() -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main()
