"""OpenID Connect for Identity Assurance 1.0: requests with constraints, answered from what proofing did, or left out.

Every answer of this file is held against the schema.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from jsonschema import ValidationError

from core.assurance import IAL
from enrollment.account import PersonAttributes, VerifiedIdentity
from enrollment.policy import CheckMade, EvidenceHeld
from idp.errors import InvalidRequest
from idp.oidc.claims import CATALOGUE
from idp.oidc.claims_parameter import localized
from idp.oidc.verified_claims import metadata, verified_claims
from idp.oidc.verified_claims_request import check_request
from tests.idp.oidc.ida_schema import check_valid
from tests.idp.provider import claims_of, query_of
from tests.protocol.requirement import requirement

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
AWARDED = NOW - timedelta(days=10)
AT = AWARDED.isoformat()
PERSON = PersonAttributes(
    citizen_number="1990000000019",
    title_th="นาย",
    given_name_th="สมชาย",
    family_name_th="สมมติวงศ์",
    given_name="Somchai",
    family_name="Sommutwong",
    birthdate="1990-04-13",
    address={"street_address": "12/3 ถนนสมมติ", "locality": "ตำบลจำลอง อำเภอตัวอย่าง", "region": "จังหวัดสมมตินคร"},
)


def check(number, evidence, method, outcome="pass"):
    return CheckMade(f"k{number}", evidence, "validation", method, outcome, AT)


IDENTITY = VerifiedIdentity(
    ial=IAL.IAL2_1,
    policy="provisional-1",
    rule="card-inspected-and-face-compared-by-officers",
    unverified_mapping=True,
    awarded_at=AWARDED,
    case_id="case-1",
    evidence=(EvidenceHeld("e1", "th_id_card", "officer", AT), EvidenceHeld("e2", "contact", "applicant", AT)),
    checks=(
        check(1, "e1", "card_inspected"),
        check(2, "e1", "register_status"),
        check(3, "e1", "face_compared_in_person"),
        check(4, "e1", "second_officer_approved"),
        check(5, "e2", "contact_confirmed"),
        check(6, "e1", "checksum", "fail"),
    ),
)
ALLOWED = frozenset({*CATALOGUE, "verified_claims"})
TRUST = {"trust_framework": None}


IDA = "OIDC IDA"
DOCUMENT, RECORD = {"type": {"value": "document"}}, {"type": {"value": "electronic_record"}}


def answered(requests, *, identity=IDENTITY, allowed=ALLOWED):
    check_request(requests)
    found = verified_claims(requests, allowed, PERSON, identity, now=NOW)
    if found is not None:
        check_valid(found)
    return found


def ask(verification=None, claims=None, *, identity=IDENTITY, allowed=ALLOWED):
    request = {
        "verification": TRUST if verification is None else verification,
        "claims": claims or {"given_name": None},
    }
    return answered([request], identity=identity, allowed=allowed)


def evidence(*wanted):
    found = ask(TRUST | {"evidence": list(wanted)})
    return None if found is None else found["verification"]["evidence"]


# What is asked for, and nothing else --------------------------------------------------------------------------------


@requirement(IDA, "7", "MUST NOT")
def test_only_what_was_asked_for_is_answered():
    """The trust framework and the claim, nothing else."""
    assert ask() == {"verification": {"trust_framework": "th_dga_dgs_1_2"}, "claims": {"given_name": "Somchai"}}


@requirement(IDA, "5.4", "MUST")
def test_verification_elements_are_answered_where_asked_for():
    wanted = TRUST | {"assurance_level": None, "assurance_process": None, "time": None}
    assert ask(wanted)["verification"] == {
        "trust_framework": "th_dga_dgs_1_2",
        "assurance_level": "ial2.1",
        "assurance_process": {"policy": "provisional-1", "procedure": "card-inspected-and-face-compared-by-officers"},
        "time": "2026-11-12T00:00:00Z",
    }


@requirement(IDA, "5.4", "MUST")
def test_members_are_given_to_the_depth_to_which_they_are_asked_for():
    wanted = TRUST | {"assurance_process": {"policy": None}}
    assert ask(wanted)["verification"]["assurance_process"] == {"policy": "provisional-1"}
    assert evidence(DOCUMENT) == [{"type": "document"}]
    assert evidence(DOCUMENT | {"document_details": {"type": None}}) == [
        {"type": "document", "document_details": {"type": "idcard"}}
    ]
    (document,) = evidence(DOCUMENT | {"document_details": {"issuer": {"country_code": None}}})
    assert document["document_details"] == {"type": "idcard", "issuer": {"country_code": "THA"}}
    (document,) = evidence(DOCUMENT | {"check_details": [{"check_method": None}]})
    assert document["check_details"] == [{"check_method": "vpip"}, {"check_method": "pvp"}]


def test_evidence_is_what_proofing_really_did():
    whole = {"document_details": None, "record": None, "check_details": None}
    document, record = evidence(DOCUMENT | whole, RECORD | whole)
    assert document["document_details"]["type"] == "idcard"
    assert [each["check_method"] for each in document["check_details"]] == ["vpip", "pvp"]
    assert record["record"]["type"] == "population_register"
    assert [each["check_method"] for each in record["check_details"]] == ["data"]


@requirement(IDA, "5.7.2", "MUST")
def test_what_is_not_held_is_left_out():
    wanted = DOCUMENT | {"document_details": {"type": None, "document_number": None, "date_of_expiry": {}}}
    (document,) = evidence(wanted)
    assert document["document_details"] == {"type": "idcard"}
    assert "verification_process" not in ask(TRUST | {"verification_process": None})["verification"]
    assert ask(claims={"given_name": None, "nationalities": None})["claims"] == {"given_name": "Somchai"}


def test_nothing_in_the_answer_links_two_agencies():
    wanted = TRUST | {"evidence": [DOCUMENT | {"check_details": None}], "verification_process": None, "time": None}
    text = json.dumps(ask(wanted), ensure_ascii=False)
    for identifier in ("case-1", '"e1"', '"k1"', AT, AT[:13]):
        assert identifier not in text


def test_language_tags_are_claims_of_their_own():
    assert ask(claims={"given_name#th": None, "family_name": None})["claims"] == {
        "given_name#th": "สมชาย",
        "family_name": "Sommutwong",
    }


def test_the_address_is_that_of_the_house_registration():
    """Core section 5.1.1, with the country code of Identity Assurance Claims section 5."""
    assert ask(claims={"address": None})["claims"]["address"] == {
        "formatted": "12/3 ถนนสมมติ\nตำบลจำลอง อำเภอตัวอย่าง\nจังหวัดสมมตินคร",
        "street_address": "12/3 ถนนสมมติ",
        "locality": "ตำบลจำลอง อำเภอตัวอย่าง",
        "region": "จังหวัดสมมตินคร",
        "country": "ไทย",
        "country_code": "THA",
    }


# Constraints ---------------------------------------------------------------------------------------------------------


@requirement(IDA, "5.5.1", "MUST NOT")
@requirement(IDA, "5.7.4", "MUST")
@requirement(IDA, "5.7.5", "MUST")
@pytest.mark.parametrize(
    "verification",
    [
        {"trust_framework": {"value": "eidas"}},
        {"trust_framework": {"values": ["eidas", "nist_800_63A"]}},
        TRUST | {"assurance_level": {"value": "ial2.3"}},
        TRUST | {"assurance_level": {"values": ["ial2.2", "ial3"]}},
        TRUST | {"time": {"max_age": 86400}},
        TRUST | {"assurance_process": {"policy": {"value": "another"}}},
        TRUST | {"verification_process": {"value": "case-1"}},
        TRUST | {"something_else": {"value": "x"}},
        TRUST | {"evidence": [{"type": {"value": "vouch"}}]},
        TRUST | {"evidence": [DOCUMENT | {"document_details": {"type": {"value": "passport"}}}]},
        TRUST | {"evidence": [DOCUMENT | {"document_details": {"date_of_expiry": {"max_age": 0}}}]},
        TRUST | {"evidence": [DOCUMENT | {"document_details": {"issuer": {"name": {"value": "Another"}}}}]},
        TRUST | {"evidence": [DOCUMENT | {"attachments": {"value": "x"}}]},
        TRUST | {"evidence": [DOCUMENT | {"check_details": [{"check_method": {"value": "vcrypt"}}]}]},
        TRUST | {"evidence": [DOCUMENT | {"check_details": [{"check_method": None, "time": {"max_age": 60}}]}]},
    ],
)
def test_an_unmet_constraint_on_verification_leaves_the_whole_out(verification):
    assert ask(verification) is None


@pytest.mark.parametrize(
    "verification",
    [
        {"trust_framework": {"value": "th_dga_dgs_1_2"}},
        {"trust_framework": {"values": ["eidas", "th_dga_dgs_1_2"]}},
        TRUST | {"assurance_level": {"values": ["ial2.1", "ial2.2"]}},
        TRUST | {"time": {"max_age": 86400 * 11}},
        TRUST | {"evidence": [DOCUMENT | {"check_details": [{"check_method": {"value": "pvp"}}]}]},
        TRUST | {"evidence": [DOCUMENT | {"document_details": {"type": {"values": ["passport", "idcard"]}}}]},
        TRUST | {"evidence": [{"type": {"value": "vouch"}}, DOCUMENT]},
    ],
)
def test_a_met_constraint_is_answered(verification):
    assert ask(verification) is not None


@requirement(IDA, "5.4", "MUST")
def test_checks_are_filtered_and_several_filters_are_an_or():
    by = [{"check_method": {"value": method}} for method in ("pvp", "bvr", "vpip")]
    (document,) = evidence(DOCUMENT | {"check_details": by[:2]})
    assert document["check_details"] == [{"check_method": "pvp"}]
    (document,) = evidence(DOCUMENT | {"check_details": by})
    assert len(document["check_details"]) == 2


@requirement(IDA, "5.5.2", "SHOULD")
def test_max_age_is_measured_by_the_value_that_is_given():
    """Ten days and three hours since the day began: a service that counts comes to the same result."""
    exact = 10 * 86400 + 3 * 3600
    assert ask(TRUST | {"time": {"max_age": exact}}) is not None
    assert ask(TRUST | {"time": {"max_age": exact - 1}}) is None


@requirement(IDA, "5.7.4", "MUST")
def test_an_unmet_constraint_on_a_claim_leaves_that_claim_out():
    """And with no claim left, the whole (5.7.5)."""
    claims = {"given_name": {"value": "Malee"}, "birthdate": None}
    assert ask(claims=claims)["claims"] == {"birthdate": "1990-04-13"}
    assert ask(claims={"given_name": {"value": "Malee"}}) is None
    assert ask(claims={"given_name": {"values": ["Malee", "Somchai"]}})["claims"] == {"given_name": "Somchai"}


@requirement(IDA, "5.7.1", "MUST")
def test_essential_changes_nothing_of_what_is_left_out():
    assert ask(claims={"given_name": {"value": "Malee", "essential": True}}) is None
    assert ask({"trust_framework": {"value": "eidas", "essential": True}}) is None


@requirement(IDA, "5.7.3", "MUST")
def test_what_the_person_did_not_allow_is_left_out():
    assert ask(claims={"given_name": None, "birthdate": None}, allowed=frozenset({"birthdate"}))["claims"] == {
        "birthdate": "1990-04-13"
    }
    assert ask(allowed=frozenset()) is None


@requirement(IDA, "8", "MUST NOT")
def test_what_is_not_verified_is_never_called_so():
    assert ask(claims={"email": None, "unknown": None}) is None
    assert ask(identity=None) is None
    unconfirmed = VerifiedIdentity(**{**IDENTITY.__dict__, "checks": (check(1, "e1", "checksum"),)})
    assert ask(identity=unconfirmed) is None


@requirement(IDA, "5.6", "MUST")
def test_several_requests_get_several_answers():
    requests = [
        {"verification": {"trust_framework": {"value": framework}}, "claims": {"given_name": None}}
        for framework in ("th_dga_dgs_1_2", "eidas")
    ]
    assert answered(requests)["claims"] == {"given_name": "Somchai"}
    assert len(answered([requests[0], requests[0]])) == 2


def test_a_request_for_no_claim_has_no_answer():
    assert answered([{"verification": TRUST, "claims": None}]) is None


# What is refused -----------------------------------------------------------------------------------------------------


def with_evidence(*wanted):
    return {"verification": TRUST | {"evidence": list(wanted)}, "claims": {"name": None}}


@requirement(IDA, "5.3", "MUST")
@requirement(IDA, "5.7.6", "MUST")
@pytest.mark.parametrize(
    "wanted",
    [
        5, [], [5], {}, {"verification": TRUST}, {"claims": {"name": None}}, {"verification": TRUST, "claims": {}},
        {"verification": {}, "claims": {"name": None}}, {"verification": [], "claims": {"name": None}},
        {"verification": TRUST, "claims": {"name": 5}}, {"verification": TRUST, "claims": []},
        {"verification": {"trust_framework": "x"}, "claims": {"name": None}},
        {"verification": TRUST | {"time": {"max_age": -1}}, "claims": {"name": None}},
        {"verification": TRUST | {"time": {"max_age": True}}, "claims": {"name": None}},
        {"verification": TRUST | {"assurance_process": {"policy": {"values": 5}}}, "claims": {"name": None}},
        {"verification": TRUST | {"assurance_process": {"policy": {"values": []}}}, "claims": {"name": None}},
        {"verification": TRUST, "claims": {"name": {"essential": "yes"}}},
    ],
)  # fmt: skip
def test_a_malformed_request_is_refused(wanted):
    with pytest.raises(InvalidRequest):
        check_request(wanted)


@requirement(IDA, "5.4", "MUST")
@requirement(IDA, "5.4", "MUST NOT")
@pytest.mark.parametrize(
    "wanted",
    [
        5, {}, {"type": None}, {"type": {}}, {"type": {"value": 5}}, {"type": {"values": ["document"]}},
        {"type": {"value": "document", "values": ["document"]}}, DOCUMENT | {"check_details": {}},
        DOCUMENT | {"check_details": [5]}, DOCUMENT | {"check_details": [{"check_method": 5}]},
        DOCUMENT | {"document_details": 5}, DOCUMENT | {"check_details": [{}] * 21},
    ],
)  # fmt: skip
def test_evidence_is_asked_for_by_one_type_each(wanted):
    with pytest.raises(InvalidRequest):
        check_request(with_evidence(wanted))


@pytest.mark.parametrize("purpose", ["ab", "x" * 301, 5, ""])
def test_a_purpose_is_3_to_300_characters(purpose):
    with pytest.raises(InvalidRequest, match="purpose"):
        check_request({"verification": TRUST, "claims": {"name": {"purpose": purpose}}})


def test_a_purpose_that_only_the_request_has_is_shown_as_text(provider, browser):
    agency = provider.agency(prajak_claims=None)
    wanted = {
        "verified_claims": {"verification": TRUST, "claims": {"given_name": {"purpose": "<b>For</b> the register"}}}
    }
    asked = agency.authorize(browser, scope="openid", claims=json.dumps({"userinfo": wanted}))
    login = browser.submit(str(asked.location), {"step": "sandbox", "user": "somchai"})
    page = browser.get(str(browser.get(str(login.location)).location)).text
    assert "&lt;b&gt;For&lt;/b&gt; the register" in page


def test_a_malformed_request_reaches_the_agency_as_invalid_request(agency, browser):
    wanted = {"userinfo": {"verified_claims": {"verification": {}, "claims": {"name": None}}}}
    answer = query_of(agency.authorize(browser, claims=json.dumps(wanted)))
    assert answer["error"] == "invalid_request"


# The whole way -------------------------------------------------------------------------------------------------------


@requirement(IDA, "8", "MUST")
def test_the_metadata_is_what_can_be_answered():
    found = metadata()
    assert found["trust_frameworks_supported"] == ["th_dga_dgs_1_2"]
    assert "email" not in found["claims_in_verified_claims_supported"]
    whole = {"document_details": None, "record": None, "check_details": None}
    for held in evidence(DOCUMENT | whole, RECORD | whole):
        assert held["type"] in found["evidence_supported"]
        if held["type"] == "document":
            assert held["document_details"]["type"] in found["documents_supported"]
            assert {c["check_method"] for c in held["check_details"]} <= set(found["documents_check_methods_supported"])
        else:
            assert held["record"]["type"] in found["electronic_records_supported"]


@requirement(IDA, "8", "MUST")
def test_discovery_says_so(provider):
    document = provider.browser().get("/.well-known/openid-configuration").json
    assert document["claims_parameter_supported"] is True
    for name, value in metadata().items():
        assert document[name] == value


@requirement(IDA, "5.2", "MAY")
@pytest.mark.parametrize("destination", ["userinfo", "id_token"])
def test_an_agency_gets_them_where_it_asks_for_them(provider, browser, destination):
    agency = provider.agency()
    provider.accounts.identity = lambda account_id: IDENTITY
    wanted = {
        destination: {"verified_claims": {"verification": TRUST, "claims": {"given_name": None, "birthdate": None}}}
    }
    tokens = agency.sign_in(browser, scope="openid", claims=json.dumps(wanted))
    answers = {"userinfo": agency.userinfo(tokens["access_token"]).json, "id_token": claims_of(tokens["id_token"])}
    check_valid(answers[destination]["verified_claims"])
    assert answers.pop(destination)["verified_claims"]["claims"] == {"given_name": "Somchai", "birthdate": "1990-04-13"}
    assert all("verified_claims" not in each for each in answers.values())


@requirement("OIDC Core", "5.2", "SHOULD")
def test_claims_locales_give_the_thai_form_beside_the_plain_one(provider, browser):
    agency = provider.agency()
    wanted = json.dumps({"userinfo": {"given_name": None}})
    token = agency.sign_in(browser, scope="openid", claims=wanted, claims_locales="th-TH en")["access_token"]
    assert set(agency.userinfo(token).json) == {"sub", "given_name", "given_name#th"}


@pytest.mark.parametrize("as_list", [True, False])
def test_claims_locales_reach_into_verified_claims(as_list):
    wanted = {"verification": TRUST, "claims": {"given_name": {"value": "Somchai"}, "birthdate": None}}
    asked = {"userinfo": {"verified_claims": [wanted] if as_list else wanted}}
    found = localized(asked, ("th", "en"))["userinfo"]["verified_claims"]
    (request,) = found if as_list else [found]
    assert request["claims"] == {"given_name": {"value": "Somchai"}, "birthdate": None, "given_name#th": None}
    assert localized(asked, ()) == asked


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"verification": {"trust_framework": "x"}},
        {"verification": {"trust_framework": "x"}, "claims": {}},
        {"verification": {}, "claims": {"name": "x"}},
        {"verification": {"trust_framework": "x", "evidence": []}, "claims": {"name": "x"}},
        {"verification": {"trust_framework": "x", "time": "yesterday"}, "claims": {"name": "x"}},
        {"verification": {"trust_framework": "x", "evidence": [{"type": "vouch"}]}, "claims": {"name": "x"}},
    ],
)
def test_the_schema_refuses_what_the_text_refuses(bad):
    with pytest.raises(ValidationError):
        check_valid(bad)
