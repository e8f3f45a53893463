"""Of two people who decide at one moment, one does: on both back ends."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import insert, select

from core.errors import PersonError
from idp.admin import approval
from idp.models.agency import Agency
from idp.models.client import Client

pytestmark = pytest.mark.both_backends
DECIDERS = [f"approver-{number}" for number in range(6)]


@pytest.fixture
def asked(ground):
    now = ground.clock.now()
    client = {
        "client_id": "c",
        "agency_id": "a",
        "status": "sandbox",
        "metadata_json": "{}",
        "jwks": "",
        "logo_type": "",
    }
    with ground.database.write() as connection:
        connection.execute(
            insert(Agency), {"id": "a", "name_th": "ก", "name_en": "A", "sector": "s", "created_at": now}
        )
        connection.execute(insert(Client), client | {"sector_identifier": "x", "created_at": now, "updated_at": now})
        approval_id = approval.ask(
            connection, ground.clock, client_id="c", client_updated_at=now, proposed={}, asked_by="developer", note="n"
        )
        found = approval.load(connection, approval_id)
    assert found is not None
    return found


def test_one_of_many_deciders_wins(ground, asked):
    together = Barrier(len(DECIDERS))

    def decide(name):
        together.wait()
        try:
            with ground.database.write() as connection:
                if DECIDERS.index(name) % 2:
                    approval.approve(connection, ground.clock, asked, decided_by=name)
                else:
                    approval.refuse(connection, ground.clock, asked, decided_by=name, reason="No.")
        except PersonError:
            return None
        return name

    with ThreadPoolExecutor(len(DECIDERS)) as pool:
        winners = [name for name in pool.map(decide, DECIDERS) if name]
    with ground.database.read() as connection:
        status = connection.execute(select(Client.status)).scalar_one()
        decided = approval.load(connection, asked.id)
    assert [decided.decided_by] == winners
    assert (status == "live") == (decided.decision == "approved")


def test_it_is_open_once(ground, asked):
    with pytest.raises(PersonError, match="asked for already"), ground.database.write() as connection:
        approval.ask(
            connection, ground.clock, client_id="c", client_updated_at=asked.client_updated_at,
            proposed=json.loads("{}"), asked_by="colleague", note="n",
        )  # fmt: skip
