"""A worker of its own, for races between processes: redeems what stands on its standard input, all at once.

Input: {"settings": {...}, "now": NumericDate, "forms": [...]}. Output: one word for each form, "ok" or the error code.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from core.clock import SetClock
from core.database import open_database
from core.ephemeral import open_ephemeral
from core.ground import Ground
from core.outbound import Outbound
from core.settings import Settings
from enrollment.account import AccountStore
from idp.errors import OAuthError
from idp.oauth2.call import Call
from idp.server import Server
from keys.envelope import Envelope
from keys.keystore import Keystore


def open_server(given: dict[str, str], now: float) -> Server:
    settings = Settings(**{**given, "data_dir": Path(given["data_dir"]), "sandbox": True})  # type: ignore[arg-type]
    database, clock = open_database(settings), SetClock(datetime.fromtimestamp(now, UTC))
    ground = Ground(settings, clock, database, open_ephemeral(settings, database, clock), Outbound(settings))
    keystore = Keystore(ground)
    return Server(ground, keystore, AccountStore(ground, Envelope(keystore)))


def main() -> None:
    order = json.load(sys.stdin)
    server = open_server(order["settings"], order["now"])
    server.key_set.prepared()  # everything loaded before the start
    print("ready", flush=True)
    sys.stdin.close()

    def redeem(form: dict[str, str]) -> str:
        try:
            server.answer("token_endpoint", Call("POST", server.url("token_endpoint"), form=form))
        except OAuthError as error:
            return error.error
        return "ok"

    with ThreadPoolExecutor(8) as pool:
        print(" ".join(pool.map(redeem, order["forms"])), flush=True)


if __name__ == "__main__":
    main()
