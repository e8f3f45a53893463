"""OpenID Connect for Identity Assurance 1.0: requests with constraints, answered from what proofing did, or left out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from core.assurance import IAL
from enrollment.account import PersonAttributes, VerifiedIdentity
from enrollment.policy import CheckMade, EvidenceHeld
from idp.errors import InvalidRequest
from idp.oidc.claims import CATALOGUE
from idp.oidc.verified_claims import check_request, metadata, verified_claims

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


def ask(verification=None, claims=None, *, identity=IDENTITY, allowed=ALLOWED):
    request = {
        "verification": TRUST if verification is None else verification,
        "claims": claims or {"given_name": None},
    }
    check_request(request)
    return verified_claims([request], allowed, PERSON, identity, now=NOW)


def test_only_what_was_asked_for_is_answered():
    """Section 6: the trust framework and the claim, nothing else."""
    assert ask() == {"verification": {"trust_framework": "th_dga_dgs_1_2"}, "claims": {"given_name": "Somchai"}}


def test_verification_elements_are_answered_where_asked_for():
    wanted = TRUST | {"assurance_level": None, "assurance_process": None, "time": None}
    assert ask(wanted)["verification"] == {
        "trust_framework": "th_dga_dgs_1_2",
        "assurance_level": "ial2.1",
        "assurance_process": {"policy": "provisional-1", "procedure": "card-inspected-and-face-compared-by-officers"},
        "time": "2026-11-12T00:00:00Z",
    }


def test_evidence_is_what_proofing_really_did():
    wanted = TRUST | {"evidence": [{"type": {"value": "document"}}, {"type": {"value": "electronic_record"}}]}
    document, record = ask(wanted)["verification"]["evidence"]
    assert document["type"] == "document"
    assert document["document_details"]["type"] == "idcard"
    assert [each["check_method"] for each in document["check_details"]] == ["vpip", "pvp"]
    assert record["type"] == "electronic_record"
    assert record["record"]["type"] == "population_register"
    assert [each["check_method"] for each in record["check_details"]] == ["data"]


def test_nothing_in_the_answer_links_two_agencies():
    wanted = TRUST | {"evidence": [{"type": {"value": "document"}}], "verification_process": None, "time": None}
    text = json.dumps(ask(wanted), ensure_ascii=False)
    for identifier in ("case-1", '"e1"', '"k1"', AT, AT[:13]):
        assert identifier not in text


def test_language_tags_are_claims_of_their_own():
    assert ask(claims={"given_name#th": None, "family_name": None})["claims"] == {
        "given_name#th": "สมชาย",
        "family_name": "Sommutwong",
    }


@pytest.mark.parametrize(
    "verification",
    [
        {"trust_framework": {"value": "eidas"}},
        {"trust_framework": {"values": ["eidas", "nist_800_63A"]}},
        TRUST | {"assurance_level": {"value": "ial2.3"}},
        TRUST | {"assurance_level": {"values": ["ial2.2", "ial3"]}},
        TRUST | {"time": {"max_age": 86400}},
        TRUST | {"assurance_process": {"policy": {"value": "another"}}},
        TRUST | {"evidence": [{"type": {"value": "vouch"}}]},
        TRUST | {"evidence": [{"type": {"value": "document"}, "document_details": {"type": {"value": "passport"}}}]},
        TRUST
        | {"evidence": [{"type": {"value": "document"}, "check_details": [{"check_method": {"value": "vcrypt"}}]}]},
    ],
)
def test_an_unmet_constraint_on_verification_leaves_the_whole_out(verification):
    """Section 6.5.2."""
    assert ask(verification) is None


@pytest.mark.parametrize(
    "verification",
    [
        {"trust_framework": {"value": "th_dga_dgs_1_2"}},
        {"trust_framework": {"values": ["eidas", "th_dga_dgs_1_2"]}},
        TRUST | {"assurance_level": {"values": ["ial2.1", "ial2.2"]}},
        TRUST | {"time": {"max_age": 86400 * 11}},
        TRUST | {"evidence": [{"type": {"value": "document"}, "check_details": [{"check_method": {"value": "pvp"}}]}]},
        TRUST | {"evidence": [{"type": {"value": "vouch"}}, {"type": {"value": "document"}}]},
    ],
)
def test_a_met_constraint_is_answered(verification):
    assert ask(verification) is not None


def test_an_unmet_constraint_on_a_claim_leaves_that_claim_out():
    """Section 6.5.2; and with no claim left, the whole."""
    claims = {"given_name": {"value": "Malee"}, "birthdate": None}
    assert ask(claims=claims)["claims"] == {"birthdate": "1990-04-13"}
    assert ask(claims={"given_name": {"value": "Malee"}}) is None


def test_what_the_person_did_not_allow_is_left_out():
    assert ask(claims={"given_name": None, "birthdate": None}, allowed=frozenset({"birthdate"}))["claims"] == {
        "birthdate": "1990-04-13"
    }
    assert ask(allowed=frozenset()) is None


def test_what_is_not_verified_is_never_called_so():
    assert ask(claims={"email": None, "unknown": None}) is None
    assert ask(identity=None) is None
    unconfirmed = VerifiedIdentity(**{**IDENTITY.__dict__, "checks": (check(1, "e1", "checksum"),)})
    assert ask(identity=unconfirmed) is None


def test_several_requests_get_several_answers():
    requests = [
        {"verification": {"trust_framework": {"value": framework}}, "claims": {"given_name": None}}
        for framework in ("th_dga_dgs_1_2", "eidas")
    ]
    assert verified_claims(requests, ALLOWED, PERSON, IDENTITY, now=NOW)["claims"] == {"given_name": "Somchai"}
    both = verified_claims([requests[0], requests[0]], ALLOWED, PERSON, IDENTITY, now=NOW)
    assert len(both) == 2


@pytest.mark.parametrize(
    "wanted",
    [
        5, [], [5], {}, {"verification": TRUST}, {"claims": {"name": None}}, {"verification": TRUST, "claims": {}},
        {"verification": {}, "claims": {"name": None}}, {"verification": [], "claims": {"name": None}},
        {"verification": TRUST, "claims": {"name": 5}}, {"verification": TRUST | {"time": {"max_age": -1}}, "claims": {"name": None}},
        {"verification": TRUST | {"time": {"max_age": True}}, "claims": {"name": None}},
        {"verification": TRUST | {"assurance_process": {"policy": {"values": 5}}}, "claims": {"name": None}},
    ],
)  # fmt: skip
def test_a_malformed_request_is_refused(wanted):
    with pytest.raises(InvalidRequest):
        check_request(wanted)


def test_the_metadata_is_what_can_be_answered():
    """Section 8."""
    found = metadata()
    assert found["trust_frameworks_supported"] == ["th_dga_dgs_1_2"]
    assert "email" not in found["claims_in_verified_claims_supported"]


def test_an_agency_gets_them_by_userinfo(provider, browser):
    agency = provider.agency()
    provider.accounts.identity = lambda account_id: IDENTITY
    wanted = {
        "userinfo": {"verified_claims": {"verification": TRUST, "claims": {"given_name": None, "birthdate": None}}}
    }
    token = agency.sign_in(browser, scope="openid", claims=json.dumps(wanted))["access_token"]
    released = agency.userinfo(token).json
    assert set(released) == {"sub", "verified_claims"}
    assert released["verified_claims"]["claims"] == {"given_name": "Somchai", "birthdate": "1990-04-13"}
