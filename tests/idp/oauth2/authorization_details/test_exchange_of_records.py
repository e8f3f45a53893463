"""Once only: one agency fetches a citizen's record from another (RFC 9396, RFC 8693, RFC 7662, RFC 9449)."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core.audit import AuditEntry
from idp.models.agency import Agency as AgencyRow
from idp.models.catalogue import load_entry, save_entry, withdraw_entry
from idp.models.grant import load_grants, revoke_grant
from idp.oauth2.token_exchange import ACCESS_TOKEN, GRANT_TYPE
from idp.portal.activity import activity
from tests.idp.oauth2.authorization_details.test_record import API, ENTRY, detail
from tests.idp.provider import Agency, Provider, claims_of, query_of
from tests.protocol.requirement import requirement


@dataclass
class Exchange:
    """The asker's half and the holder's."""

    provider: Provider
    asker: Agency
    holder: Agency

    def subject_token(self, browser: Any) -> str:
        tokens = self.asker.sign_in(browser, scope="openid", authorization_details=json.dumps([detail()]))
        return str(tokens["access_token"])

    def exchange(self, subject_token: str, **changed: Any) -> Any:
        form = {
            "grant_type": GRANT_TYPE,
            "subject_token": subject_token,
            "subject_token_type": ACCESS_TOKEN,
            "resource": API,
        }
        given = {k: v for k, v in (form | self.asker.authentication() | changed).items() if v is not None}
        proof = {"DPoP": self.asker.proof("POST", "/token")}
        return self.provider.browser().post("/token", data=given, headers=proof)

    def introspect(self, by: Agency, token: str) -> Any:
        return self.provider.browser().post("/introspect", data={"token": token} | by.authentication()).json


@pytest.fixture
def agencies(provider, clock):
    asker = provider.agency(
        "vehicles",
        authorization_details_types=["prajak_record"],
        grant_types=["authorization_code", GRANT_TYPE],
    )
    holder = provider.agency("benefits")
    with provider.ground.database.write() as connection:
        row = {"id": "holder", "name_th": "สำนักงานสวัสดิการ", "name_en": "Benefits", "sector": "benefits"}
        connection.execute(AgencyRow.__table__.insert(), row | {"created_at": clock.now()})
        offered = {**ENTRY.__dict__, "client_id": holder.client_id, "recipients": (asker.client_id,)}
        save_entry(connection, type(ENTRY)(**offered), now=clock.now())
    return Exchange(provider, asker, holder)


def uses(provider):
    with provider.ground.database.read() as connection:
        query = select(AuditEntry.subject).where(AuditEntry.event == "record.used")
        return list(connection.execute(query).scalars())


@requirement("RFC 8693", "2.2.1", "MUST")
@requirement("RFC 8693", "4.1", "MUST")
def test_the_exchanged_token_is_bound_for_one_api_and_says_who_acts(agencies, browser):
    answer = agencies.exchange(agencies.subject_token(browser))
    assert answer.status_code == 200, answer.text
    assert answer.json["issued_token_type"] == ACCESS_TOKEN
    assert answer.json["token_type"] == "DPoP"
    assert not {"refresh_token", "id_token"} & set(answer.json)
    claims = claims_of(answer.json["access_token"])
    assert claims["aud"] == API
    assert claims["act"] == {"sub": agencies.asker.client_id}
    assert claims["authorization_details"] == [detail()]
    assert claims["cnf"]["jkt"]


def test_each_agency_knows_the_citizen_by_its_own_sub_alone(agencies, browser, provider):
    own = claims_of(agencies.holder.sign_in(provider.browser(), scope="openid")["id_token"])["sub"]
    token = agencies.exchange(agencies.subject_token(browser)).json["access_token"]
    told = agencies.introspect(agencies.holder, token)
    assert told["active"] is True
    assert told["sub"] == own
    assert own not in json.dumps(claims_of(token))


def test_each_use_is_in_the_citizen_s_place(agencies, browser, provider):
    token = agencies.exchange(agencies.subject_token(browser)).json["access_token"]
    assert uses(provider) == []
    for _ in range(2):
        agencies.introspect(agencies.holder, token)
    (account_id, again) = uses(provider)
    assert account_id == again
    with provider.app.test_request_context("/me/activity"):
        happenings = activity(provider.ground, account_id).happenings
    shown = [each for each in happenings if ENTRY.name_th in each.what or ENTRY.name_en in each.what]
    assert [each.where for each in shown] == ["Service of vehicles"] * 3
    allowed = "You allowed a service to have data of yours"
    assert [each.what.startswith(allowed) for each in shown] == [False, False, True], "two uses of one permission"


def test_the_asker_reading_its_own_token_is_no_use(agencies, browser, provider):
    token = agencies.exchange(agencies.subject_token(browser)).json["access_token"]
    assert agencies.introspect(agencies.asker, token)["sub"] == claims_of(token)["sub"]
    assert uses(provider) == []


@pytest.mark.parametrize("changed", [{"resource": "https://agency-c.example/api"}, {"resource": None}])
def test_another_api_is_out_of_reach(agencies, browser, changed):
    answer = agencies.exchange(agencies.subject_token(browser), **changed)
    assert answer.json["error"] in {"invalid_target", "invalid_request"}


def test_a_sign_in_alone_opens_no_record(agencies, browser):
    token = agencies.asker.sign_in(browser, scope="openid")["access_token"]
    assert agencies.exchange(token).json["error"] == "invalid_target"


def test_the_api_cannot_be_asked_for_past_the_citizen(agencies, browser):
    """RFC 8707: a plain `resource` is no way around the consent to the record."""
    answer = query_of(agencies.asker.authorize(browser, scope="openid", resource=API))
    assert answer["error"] == "invalid_target"


def test_a_stranger_learns_nothing_of_the_token(agencies, browser, provider):
    token = agencies.exchange(agencies.subject_token(browser)).json["access_token"]
    assert agencies.introspect(provider.agency("stranger"), token) == {"active": False}
    assert uses(provider) == []


def test_consent_withdrawn_ends_the_exchanged_token_at_once(agencies, browser, provider, clock):
    token = agencies.exchange(agencies.subject_token(browser)).json["access_token"]
    agencies.introspect(agencies.holder, token)
    (account_id,) = uses(provider)
    with provider.ground.database.write() as connection:
        for grant in load_grants(connection, account_id):
            revoke_grant(connection, grant.id, account_id=account_id, now=clock.now())
    assert agencies.introspect(agencies.holder, token) == {"active": False}


@pytest.mark.parametrize(
    "changed", [{"recipients": ("another",)}, {"resource": "https://agency-a.example/api/moved"}, {"withdrawn": True}]
)
def test_what_the_holder_took_back_after_the_consent_is_not_exchanged(agencies, browser, provider, clock, changed):
    """Though another record of the same API is offered to this client still."""
    subject_token, now = agencies.subject_token(browser), clock.now()
    with provider.ground.database.write() as connection:
        offered = load_entry(connection, "benefits")
        save_entry(connection, replace(offered, identifier="other-record"), now=now)
        if "withdrawn" in changed:
            withdraw_entry(connection, "benefits", agency_id="holder", now=now)
        else:
            save_entry(connection, replace(offered, **changed), now=now)
    clock.advance(timedelta(seconds=5))
    refused = agencies.exchange(subject_token)
    assert (refused.status_code, refused.json["error"]) == (400, "invalid_target")


def test_a_record_that_is_offered_no_more_is_served_no_more(agencies, browser, provider, clock):
    token = agencies.exchange(agencies.subject_token(browser)).json["access_token"]
    with provider.ground.database.write() as connection:
        withdraw_entry(connection, "benefits", agency_id="holder", now=clock.now())
    clock.advance(timedelta(seconds=5))
    assert agencies.introspect(agencies.holder, token) == {"active": False}
