"""The officers' desk as pages: who may open it, what a direct POST can do, what is said when it cannot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import insert

from core import i18n, web
from core.assurance import AAL, IAL
from core.identifiers import new_id
from enrollment.account import PersonAttributes
from enrollment.civil_registry.fictional_people import FictionalPerson, people
from enrollment.services import EnrolmentServices
from enrollment.webauthn_authentication import AuthenticatedPasskey
from idp.admin import officers_desk
from idp.interaction import guards
from idp.interaction import views as interaction_views
from idp.interaction.services import InteractionServices
from idp.interaction.session import SessionStore
from idp.models.agency import Agency
from idp.models.membership import Membership, Role
from tests.browser_client import BrowserClient
from tests.enrollment.seeded import seed_citizen

ROOT = Path(__file__).parents[2]
ROOMS = [ROOT / room for room in ("core", "enrollment", "idp/interaction", "idp/admin")]


class Desk:
    """The desk's pages with real sessions: three officers of one office, one of another, and an administrator."""

    def __init__(self, services: EnrolmentServices) -> None:
        self.services = services
        self.ground = services.ground
        sessions = SessionStore(self.ground, tell_clients=lambda *_arguments, **_values: None)
        self.interaction = InteractionServices(self.ground, sessions, services.accounts)
        self.app = Flask("desk", static_folder=None, template_folder=str(ROOT / "core" / "templates"))
        self.app.test_client_class = BrowserClient
        i18n.install(self.app, ROOMS)
        web.install(self.app, web.Web(self.ground, guards.guards(self.interaction)))
        self.app.register_blueprint(officers_desk.blueprint(services, self.interaction))
        self.app.register_blueprint(interaction_views.blueprint(self.interaction))
        web.check_callers(self.app)
        self.ids = {name: services.accounts.create(PersonAttributes(given_name_th=name)) for name in "กขคงจ"}
        with self.ground.database.write() as connection:
            agency = {"id": "dopa", "name_th": "อำเภอ", "name_en": "District", "sector": "x"}
            connection.execute(insert(Agency), agency | {"created_at": self.ground.clock.now()})
            for name, office, role in (
                ("ก", "one", Role.PROOFING_OFFICER),
                ("ข", "one", Role.PROOFING_OFFICER),
                ("ค", "one", Role.PROOFING_OFFICER),
                ("ง", "two", Role.PROOFING_OFFICER),
                ("จ", "one", Role.ADMINISTRATOR),
            ):
                row = {
                    "id": new_id(),
                    "account_id": self.ids[name],
                    "agency_id": "dopa",
                    "office": office,
                    "role": role,
                }
                row |= {"granted_by": "test", "granted_at": self.ground.clock.now()}
                connection.execute(insert(Membership), row)

    def browser(self, name: str = "", *, account_id: str = "") -> BrowserClient:
        browser: BrowserClient = self.app.test_client()  # type: ignore[assignment]
        browser.set_cookie("prajak-lang", "en", domain="localhost")
        owner = account_id or self.ids.get(name, "")
        if owner:
            passkey = AuthenticatedPasskey(owner, "credential", AAL.AAL2, ("pop", "user", "mfa"), {})
            with self.ground.database.write() as connection:
                token = self.interaction.sessions.start(connection, passkey)
            browser.set_cookie("prajak-session", token, domain="localhost")
        return browser

    def opened(self, person: FictionalPerson, by: str = "ก") -> str:
        answer = self.browser(by).submit("/officer/cases", {"citizen_number": person.citizen_number})
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return str(answer.headers["Location"])

    def captured(self, person: FictionalPerson, by: str = "ก") -> str:
        case = self.opened(person, by)
        answer = self.browser(by).submit(f"{case}/inspection", card(person))
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return case


def card(person: FictionalPerson, **changed: object) -> dict[str, object]:
    expires = person.card_expires
    fields: dict[str, object] = {
        "title_th": person.title_th,
        "given_name": person.given_name,
        "family_name": person.family_name,
        "expiry_day": expires[6:],
        "expiry_month": expires[4:6],
        "expiry_year": expires[:4],
        "laser_code": person.laser_code,
        "features": ["hologram", "photo", "microprint", "undamaged"],
        "face": "same",
    }
    return fields | changed


@pytest.fixture
def desk(services: EnrolmentServices) -> Iterator[Desk]:
    return Desk(services)


@pytest.fixture
def citizen(services: EnrolmentServices, person: FictionalPerson) -> str:
    return seed_citizen(services, person, IAL.IAL1_3, name="somchai")


def test_strangers_are_asked_to_sign_in_and_others_are_refused(desk: Desk):
    assert desk.browser().get("/officer").headers["Location"].startswith("/interaction/")
    assert desk.browser("จ").get("/officer").status_code == 403
    assert desk.browser("ก").get("/officer").status_code == 200


def test_a_citizen_is_no_officer_even_by_a_direct_post(desk: Desk, citizen: str, person: FictionalPerson):
    case = desk.captured(person)
    answer = desk.browser(account_id=citizen).submit(f"{case}/decision", {"decision": "approve"})
    assert answer.status_code == 403
    assert desk.services.accounts.identity(citizen).ial == IAL.IAL1_3  # type: ignore[union-attr]


def test_one_officer_inspects_and_another_one_approves(desk: Desk, citizen: str, person: FictionalPerson):
    case = desk.captured(person)
    page = desk.browser("ข").get(case).get_data(as_text=True)
    assert 'id="approve"' in page
    assert person.given_name in page
    assert person.laser_code not in page
    assert desk.browser("ข").submit(f"{case}/decision", {"decision": "approve"}).status_code == 303
    assert desk.services.accounts.identity(citizen).ial == IAL.IAL2_1  # type: ignore[union-attr]
    assert "Approved" in desk.browser("ก").get(case).get_data(as_text=True)


def test_the_opener_s_direct_post_does_not_decide(desk: Desk, citizen: str, person: FictionalPerson):
    case = desk.captured(person)
    assert 'id="approve"' not in desk.browser("ก").get(case).get_data(as_text=True)
    answer = desk.browser("ก").submit(f"{case}/decision", {"decision": "approve"})
    assert answer.status_code == 403
    assert desk.services.accounts.identity(citizen).ial == IAL.IAL1_3  # type: ignore[union-attr]


@pytest.mark.parametrize("path", ["", "/inspection", "/decision", "/close"])
def test_another_office_s_case_is_not_found(desk: Desk, citizen: str, person: FictionalPerson, path: str):
    case, stranger = desk.captured(person), desk.browser("ง")
    answer = stranger.submit(case + path, {"decision": "approve", "reason": "r"}) if path else stranger.get(case)
    assert answer.status_code == 404
    assert person.given_name_th not in stranger.get("/officer").get_data(as_text=True)


@pytest.mark.parametrize("case_id", ["x", "0" * 22, "../../me", "%00", "é"])
def test_a_made_up_case_is_not_found(desk: Desk, case_id: str):
    assert desk.browser("ก").get(f"/officer/cases/{case_id}").status_code in (400, 404)


def test_a_double_click_and_a_stale_page_lead_on(desk: Desk, citizen: str, person: FictionalPerson):
    case = desk.captured(person)
    assert desk.browser("ก").submit(f"{case}/inspection", card(person)).headers["Location"] == case
    assert desk.browser("ก").submit(f"{case}/close", {"reason": "late"}).headers["Location"] == case
    desk.browser("ข").submit(f"{case}/decision", {"decision": "approve"})
    again = desk.browser("ค").submit(f"{case}/decision", {"decision": "refuse", "reason": "late"})
    assert again.headers["Location"] == case


def test_every_wrong_field_is_told_at_once_and_nothing_typed_is_lost(desk: Desk, citizen: str, person: FictionalPerson):
    case = desk.opened(person)
    wrong = card(person, title_th="ดร.", given_name="สมชาย", expiry_month="13", laser_code="AB", face="maybe",
                 features=["photo"], note="<b>note</b>", lost="1", new_contact="nowhere")  # fmt: skip
    answer = desk.browser("ก").submit(f"{case}/inspection", wrong)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    for field in ("title_th", "given_name", "expiry_day", "laser_code", "face", "new_contact"):
        assert f'href="#{field}"' in page
    assert "&lt;b&gt;note&lt;/b&gt;" in page
    assert len(re.findall(r'name="features"[^>]* checked', page)) == 1


def test_a_card_that_has_expired_is_recorded_and_cannot_be_approved(desk: Desk, citizen: str, person: FictionalPerson):
    case = desk.opened(person)
    desk.browser("ก").submit(f"{case}/inspection", card(person, expiry_year="2565"))
    answer = desk.browser("ข").submit(f"{case}/decision", {"decision": "approve"})
    assert answer.status_code == 400
    assert "cannot be approved" in answer.get_data(as_text=True)
    refused = desk.browser("ข").submit(f"{case}/decision", {"decision": "refuse", "reason": "expired"})
    assert refused.status_code == 303


@pytest.mark.parametrize("fields", [{}, {"decision": ""}, {"decision": "approve "}, {"decision": "refuse"}])
def test_no_decision_and_no_reason_are_asked_for_again(
    desk: Desk, citizen: str, person: FictionalPerson, fields: dict[str, str]
):
    case = desk.captured(person)
    assert desk.browser("ข").submit(f"{case}/decision", fields).status_code == 400


@pytest.mark.parametrize("typed", ["", "123", "1101700203450", "x" * 5000, "<b>"])
def test_a_number_of_nobody_is_said_beside_its_field(desk: Desk, typed: str):
    answer = desk.browser("ก").submit("/officer/cases", {"citizen_number": typed})
    assert answer.status_code == 400
    assert 'href="#citizen_number"' in answer.get_data(as_text=True)


def test_a_card_for_life_and_an_unknown_birthday_are_shown(desk: Desk):
    for note in ("a card for life", "day and month of birth unknown"):
        person = next(each for each in people() if each.note == note)
        seed_citizen(desk.services, person, IAL.IAL1_3, name=note)
        case = desk.opened(person)
        fields = card(person)
        if note == "a card for life":
            fields |= {"expiry_day": "", "expiry_month": "", "expiry_year": "9999"}
        assert desk.browser("ก").submit(f"{case}/inspection", fields).status_code == 303
        assert desk.browser("ข").get(case).status_code == 200


def test_the_citizen_number_is_in_no_address(desk: Desk, citizen: str, person: FictionalPerson):
    assert person.citizen_number not in desk.captured(person)


def test_access_given_back_signs_everybody_out(desk: Desk, citizen: str, person: FictionalPerson):
    old = desk.browser(account_id=citizen)
    case = desk.opened(person)
    desk.browser("ก").submit(f"{case}/inspection", card(person, lost="1", new_contact="new@example.com"))
    desk.browser("ข").submit(f"{case}/decision", {"decision": "approve"})
    assert old.get("/officer").headers["Location"].startswith("/interaction/")
