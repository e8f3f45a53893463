"""What the trail says of a running provider: who, what, why and from where of every act, and of nobody who they are."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import httpx
import pytest

from enrollment.civil_registry.fictional_people import people
from idp.sandbox.people import STAFF
from tests.demonstration import Demonstration
from tests.plain_client import PlainClient

TEXTS = ("event", "actor", "subject", "client_id", "reason", "source", "detail")
SHORTEST = 8  # a shorter English name stands in a random identifier sooner or later


@pytest.fixture(scope="module")
def trail(provider: Demonstration) -> list[dict[str, str]]:
    """After the seed, in which everybody enrolled and officers looked at their cards, and a sign-in at an agency."""
    client = PlainClient(provider.issuer, provider.data_dir / "demo", "demo-a")
    token = client.redeem(client.code_for("malee")).json()["access_token"]
    assert httpx.get(f"{provider.issuer}/userinfo", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    with closing(sqlite3.connect(provider.data_dir / "prajak.db")) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute(f"SELECT {', '.join(TEXTS)} FROM audit_entry")  # noqa: S608 - constants
        return [dict(row) for row in rows]


def personal_data(provider: Demonstration) -> set[str]:
    """All that anybody could be known by: of the whole register, of the staff, of who was written to."""
    found: set[str] = set()
    for person in people():
        found |= {str(value) for name, value in vars(person).items() if name not in ("standing", "note", "sex")}
    for each in STAFF:
        found |= {value for value in vars(each.person).values() if isinstance(value, str)}
    letters = httpx.get(f"{provider.issuer}/sandbox/outbox.json").json()
    found |= {str(letter["recipient"]) for letter in letters["messages"] if letter["recipient"]}
    found |= {"127.0.0.1", "::1", "@example"}
    return {each for each in found if len(each) >= SHORTEST or (each and not each.isascii())}


def test_no_personal_datum_of_anybody_stands_in_the_trail(provider: Demonstration, trail: list[dict[str, str]]):
    known = personal_data(provider)
    assert len(known) > 400
    assert len({row["event"] for row in trail}) > 15
    text = "\n".join(value for row in trail for value in row.values())
    text += json.dumps([json.loads(row["detail"]) for row in trail], ensure_ascii=False)
    assert not {each for each in known if each in text}


def test_every_entry_says_who_why_and_from_where(trail: list[dict[str, str]]):
    lacking = {row["event"] for row in trail if not (row["actor"] and row["reason"] and row["source"])}
    assert not lacking


def test_a_network_address_is_a_pseudonym_that_who_may_can_find_again(
    provider: Demonstration, trail: list[dict[str, str]]
):
    signed_in = [row for row in trail if row["event"] == "session.started"]
    pseudonym = provider.prajak("audit", "source", "127.0.0.1").stdout.strip()
    assert pseudonym in {row["source"] for row in signed_in}
    assert {row["source"] for row in trail if row["reason"] == "job audit-checkpoint"} <= {"job"}


def test_what_a_command_did_names_the_command(trail: list[dict[str, str]]):
    seeded = {row["reason"] for row in trail if row["source"].startswith("command uid=")}
    assert "prajak demo" in seeded
