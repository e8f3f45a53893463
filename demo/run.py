"""`make run`: the provider and everything around it, from nothing, in the foreground.

PORT is the provider (8080 unless the environment says otherwise), PORT+1 and PORT+2 the agencies, PORT+3 the civil
registry. Data stays in var/PORT; a second run goes on with it. Whatever stops one part stops all of them.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from demo.announcement import announce
from demo.parts import CannotStart, Demo, demo_of
from demo.supervisor import PartFailed, Supervisor


def main() -> int:
    try:
        demo = demo_of(os.environ.get("PORT") or "8080", Path.cwd())
        demo.check_ports()
    except CannotStart as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    supervisor = Supervisor(demo.log_dir, demo.environment)
    try:
        return run(demo, supervisor)
    except Stopped:
        return 0
    except PartFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # one is enough; the parts are on their way out
        supervisor.stop()


def run(demo: Demo, supervisor: Supervisor) -> int:
    """Migrates, seeds, starts, waits, says so, and stays until something ends."""
    seeded = supervisor.run("seed", [demo.prajak, "demo", "--json"])
    demo.write_agencies()
    for part in demo.parts:
        supervisor.start(part.name, part.command)
    for part in demo.parts:
        supervisor.wait_until_it_answers(part.name, part.health)
    announce(demo, seeded)
    raise supervisor.wait_for_an_end()


class Stopped(BaseException):
    """SIGINT or SIGTERM."""


def stop(_number: int, _frame: object) -> NoReturn:
    raise Stopped


if __name__ == "__main__":
    sys.exit(main())
