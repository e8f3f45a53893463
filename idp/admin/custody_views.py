"""The provider's own keys: what each is for, its state and its uses, and what an administrator does about one.

What can be mended is done at once: a suspicion, a compromise of a key that another follows. What cannot be undone is
only asked for here, and waits for another administrator (`custody_approval_views.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from flask import redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from core.errors import NotFound, PersonError
from core.web import callers, page
from idp.admin.access import FRESH_ADMINISTRATOR, KEY_STAFF, current_staff
from idp.admin.navigation import navigation
from idp.admin.services import ConsoleServices
from idp.admin.words import ACTS, KEY_STATES
from idp.models.membership import Role
from keys import two_person
from keys.errors import KeystoreError
from keys.key_rows import KeyRecord, count_states, load_key, load_page
from keys.key_states import TRANSITIONS, State
from keys.key_use import next_change, takes_two
from keys.purposes import RULES, Purpose
from keys.two_person import Act
from keys.use_count import Uses

KEYS = "/console/keys"
PAGE = 50
ONE_EACH = tuple(purpose for purpose, rules in RULES.items() if not rules.many)


class CustodyPages:
    def __init__(self, services: ConsoleServices) -> None:
        self.services = services

    @callers(KEY_STAFF)
    def key_list(self) -> ResponseReturnValue:
        """Purposes of one key each; of the others how many, and a page at a time by `purpose`."""
        purpose = read_purpose(request.args.get("purpose", ""))
        with self.services.ground.database.read() as connection:
            counts = count_states(connection)
            shown = load_page(connection, purpose, before=read_moment(), limit=PAGE) if purpose else []
            waiting = [each for each in two_person.load_recent(connection, limit=20) if each.closed_at is None]
        records = shown if purpose else self.services.keystore.records(ONE_EACH)
        uses = self.services.keystore.uses()
        return page(
            "admin/custody.html",
            navigation=navigation(self.services, KEYS),
            keys=[(each, uses.get(each.kid, Uses()), next_change(each)) for each in in_order(records)],
            holders=[(each, state, number) for each, state, number in counts if RULES[each].many],
            purpose=purpose,
            older=shown[-1].created_at.isoformat() if len(shown) == PAGE else None,
            waiting=waiting,
            rewrap=None if purpose else self.services.trust.rewrap.progress(),
            states=KEY_STATES,
            acts=ACTS,
        )

    @callers(KEY_STAFF)
    def one_key(self, kid: str) -> ResponseReturnValue:
        return self.key_page(self.load(kid), {})

    @callers(FRESH_ADMINISTRATOR)
    def change_key(self, kid: str) -> ResponseReturnValue:
        record, acts = self.load(kid), self.acts()
        act = request.form.get("act", "")
        if act not in possible(record):
            return redirect(f"{KEYS}/{kid}", 303)
        try:
            acts[act](record, typed_reason())
        except PersonError as error:
            return self.key_page(record, {error.field or "": gettext(error.message, **error.values)}, error.status)
        except KeystoreError as error:
            why = gettext("This could not be done: %(why)s", why=str(error))
            return self.key_page(self.load(kid), {"": why}, 409)
        return redirect(f"{KEYS}/{kid}", 303)

    def acts(self) -> Mapping[str, Callable[[KeyRecord, str], object]]:
        """What a button does; each says itself what it cannot do."""
        keystore, by = self.services.keystore, current_staff(self.services).account_id
        return {
            "suspend": lambda record, why: keystore.suspend(record.kid, actor=by, reason=why),
            "restore": lambda record, why: keystore.restore(record.kid, actor=by, reason=why),
            "compromise": lambda record, why: self.services.trust.compromise(record.kid, actor=by, reason=why),
            "ask-compromise": lambda record, why: self.ask(Act.COMPROMISE_KEY, record, why, by),
            "ask-retire": lambda record, why: self.ask(Act.RETIRE_KEY, record, why, by),
            "ask-destroy": lambda record, why: self.ask(Act.DESTROY_KEY, record, why, by),
        }

    def ask(self, act: Act, record: KeyRecord, why: str, by: str) -> None:
        if act is Act.DESTROY_KEY:
            self.services.keystore.check_destroyable(record)
        ground = self.services.ground
        with ground.database.write() as connection:
            two_person.ask(connection, ground.clock, act, record.kid, by=by, reason=why)

    def load(self, kid: str) -> KeyRecord:
        try:
            with self.services.ground.database.read() as connection:
                return load_key(connection, kid)
        except KeystoreError as error:
            raise NotFound("There is no such key.") from error

    def key_page(self, record: KeyRecord, errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
        with self.services.ground.database.read() as connection:
            found = [two_person.load_open(connection, act, record.kid) for act in Act]
        open_ones = [each for each in found if each and each.is_open(self.services.ground.clock.now())]
        asked = {each.act for each in open_ones}
        staff = current_staff(self.services)
        return page(
            "admin/custody_key.html",
            status,
            navigation=navigation(self.services, KEYS),
            key=record,
            uses=self.services.keystore.uses().get(record.kid, Uses()),
            next_change=next_change(record),
            waiting=open_ones,
            possible=[each for each in possible(record) if ASKED.get(each) not in asked],
            may_change=staff.holds(Role.ADMINISTRATOR),
            states=KEY_STATES,
            acts=ACTS,
            reason=request.form.get("reason", ""),
            errors=errors,
        )


ASKED = {"ask-compromise": Act.COMPROMISE_KEY, "ask-retire": Act.RETIRE_KEY, "ask-destroy": Act.DESTROY_KEY}


def possible(record: KeyRecord) -> list[str]:
    """The buttons: what the states allow and the purpose's rules do not forbid."""
    rules, next_states, found = RULES[record.purpose], TRANSITIONS[record.state], []
    if State.SUSPENDED in next_states and (rules.many or not rules.fixed):
        found.append("suspend")
    if record.state is State.SUSPENDED:
        found.append("restore")
    if State.COMPROMISED in next_states and record.purpose is not Purpose.BLIND_INDEX:
        found.append("ask-compromise" if takes_two(record) else "compromise")
    if takes_two(record) and rules.many and record.state in (State.ACTIVE, State.SUSPENDED):
        found.append("ask-retire")
    if State.DESTROYED in next_states:
        found.append("ask-destroy")
    return found


def in_order(records: list[KeyRecord]) -> list[KeyRecord]:
    """By purpose; in each what is in use first, then the newest."""
    order = list(Purpose)
    newest = sorted(records, key=lambda each: each.created_at, reverse=True)
    return sorted(newest, key=lambda each: (order.index(each.purpose), list(State).index(each.state)))


def read_purpose(name: str) -> Purpose | None:
    """Of a purpose with a key for each holder; None for any other word."""
    found = Purpose(name) if name in set(Purpose) else None
    return found if found is not None and RULES[found].many else None


def read_moment() -> datetime | None:
    try:
        moment = datetime.fromisoformat(request.args.get("before", "")[:40])
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def typed_reason() -> str:
    reason = " ".join(request.form.get("reason", "").split())
    if not reason:
        raise PersonError(
            "Say why. The reason is kept in the audit trail: no names, no numbers of people.", field="reason"
        )
    return reason[: two_person.MAX_REASON]
