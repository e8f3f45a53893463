"""A worker that starts beside others on the same data: waits for its turn on stdin, prepares, and says what it found."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from core.clock import SetClock
from core.database import open_database
from core.ephemeral import open_ephemeral
from core.ground import Ground
from core.outbound import Outbound
from core.settings import Settings
from keys.purposes import RULES, Purpose
from keys.trust_services import TrustServices


def main() -> None:
    database_url, folder = sys.argv[1:]
    settings = Settings(
        issuer="http://localhost:8080", rp_id="localhost", database_url=database_url, keys_url=f"file:{folder}/keys",
        sandbox=True, data_dir=Path(folder),
    )  # fmt: skip
    clock, database = SetClock(datetime(2026, 11, 22, 3, 0, tzinfo=UTC)), open_database(settings)
    ground = Ground(settings, clock, database, open_ephemeral(settings, database, clock), Outbound(settings))
    print("waiting", flush=True)
    sys.stdin.readline()
    trust = TrustServices(ground)
    trust.prepare()
    secrets = [Purpose.ENVELOPE, Purpose.PAIRWISE, Purpose.BLIND_INDEX, Purpose.CODE]
    found = {
        "keys": {
            f"{purpose} {algorithm}": trust.keystore.ensure(purpose, algorithm)
            for purpose, rules in RULES.items()
            if not rules.many
            for algorithm in rules.at_the_start
        }
        | {each.name: each.kid for each in trust.ca.authorities.all()},
        "secrets": [trust.keystore.secret(purpose).kid for purpose in secrets],
        "certificates": [
            each.serial_number
            for each in (
                trust.ca.root,
                trust.ca.issuing,
                trust.services.current(Purpose.TSA).certificate,
                trust.services.current(Purpose.OCSP).certificate,
            )
        ],
        "crl": trust.crl.current("issuing-g1").hex(),
    }
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
