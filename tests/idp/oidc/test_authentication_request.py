"""OpenID Connect Core section 3.1.2: what a request may say, and how its refusal travels."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from idp.oidc.authentication_request import AuthorizationRequest
from tests.idp.provider import ISSUER, claims_of, query_of
from tests.protocol.requirement import requirement


class TestPages:
    """RFC 6749 section 4.1.2.1: before client and redirect_uri are verified nobody is redirected."""

    @pytest.mark.parametrize(
        "changed",
        [
            {"client_id": None},
            {"client_id": "unknown"},
            {"client_id": "x" * 3000},
            {"client_id": "' OR 1=1"},
            {"client_id": "ก"},
            {"redirect_uri": None},
            {"redirect_uri": "https://agency-a.example/callback/"},
            {"redirect_uri": "https://agency-a.example/Callback"},
            {"redirect_uri": "https://agency-a.example/callback?x=1"},
            {"redirect_uri": "https://agency-a.example/callback#"},
            {"redirect_uri": "http://agency-a.example/callback"},
            {"redirect_uri": "https://agency-a.example.evil.example/callback"},
            {"redirect_uri": "https://agency-a.example@evil.example/callback"},
            {"redirect_uri": "javascript:alert(1)"},
            {"redirect_uri": "//agency-a.example/callback"},
        ],
    )
    @requirement("RFC 6749", "3.1.2.4", "MUST NOT")
    @requirement("RFC 6749", "4.1.2.1", "MUST NOT")
    @requirement("RFC 6749", "3.1.2.3", "MUST")
    @requirement("OIDC Core", "3.1.2.1", "MUST")
    @requirement("RFC 9700", "2.1", "MUST")
    @requirement("RFC 9700", "4.11.2", "MUST NOT")
    def test_a_wrong_client_or_address_is_a_page_with_a_code(self, refusing, changed):
        answer = refusing.authorize(refusing.provider.browser(), **changed)
        assert answer.status_code == 400
        assert 'id="error-code">invalid_request' in answer.text
        assert "Location" not in answer.headers

    @pytest.mark.parametrize(
        "query", ["a=1&a=2", "client_id=%00", "client_id=%FF", "client_id=%ED%A0%80", "client_id", "&" * 300, "%"]
    )
    @requirement("RFC 6749", "3.1", "MUST NOT")
    def test_a_bad_query_is_a_page(self, refusing, query):
        assert refusing.provider.browser().get(f"/authorize?{query}").status_code == 400

    def test_a_draft_client_answers_nobody(self, provider, browser):
        from sqlalchemy import update

        from idp.models.client import Client

        agency = provider.agency("draft")
        with provider.ground.database.write() as connection:
            connection.execute(update(Client).values(status="draft"))
        assert agency.authorize(browser).status_code == 400


@pytest.mark.parametrize(
    ("error", "changed"),
    [
        ("unsupported_response_type", {"response_type": "token"}),
        ("unsupported_response_type", {"response_type": "code id_token"}),
        ("unsupported_response_type", {"response_type": "none"}),
        ("invalid_request", {"response_type": None}),
        ("invalid_request", {"response_mode": "web_message"}),
        ("invalid_scope", {"scope": None}),
        ("invalid_scope", {"scope": "openid admin"}),
        ("invalid_scope", {"scope": "openid  profile"}),
        ("invalid_scope", {"scope": 'openid "profile"'}),
        ("invalid_scope", {"scope": "openid " + "x" * 2000}),
        ("invalid_request", {"code_challenge_method": "plain"}),
        ("invalid_request", {"code_challenge": "x"}),
        ("invalid_request", {"code_challenge": None}),
        ("invalid_request", {"nonce": "n" * 513}),
        ("invalid_request", {"nonce": "a\nb"}),
        ("invalid_request", {"state": "a\x7fb"}),
        ("invalid_request", {"prompt": "none consent"}),
        ("invalid_request", {"prompt": "create"}),
        ("invalid_request", {"max_age": "-1"}),
        ("invalid_request", {"max_age": "๕"}),
        ("invalid_request", {"max_age": "1e9"}),
        ("invalid_request", {"max_age": "9" * 5000}),
        ("invalid_request", {"display": "hologram"}),
        ("invalid_request", {"ui_locales": "th\nen"}),
        ("invalid_request", {"ui_locales": "../../etc"}),
        ("invalid_request", {"acr_values": " ".join(f"urn:{n}" for n in range(21))}),
        ("invalid_request", {"login_hint": "x" * 256}),
        ("invalid_request", {"id_token_hint": "a.b.c"}),
        ("invalid_request_object", {"request": "a.b.c"}),
        ("invalid_request_uri", {"request_uri": "https://agency-a.example/r"}),
        ("registration_not_supported", {"registration": "{}"}),
        ("invalid_authorization_details", {"authorization_details": '[{"type":"x"}]'}),
        ("login_required", {"prompt": "none"}),
    ],
)  # fmt: skip
@requirement("RFC 6749", "4.1.2.1", "MUST")
@requirement("RFC 6749", "3.1.1", "MUST")
@requirement("RFC 9207", "2", "MUST")
@requirement("OIDC Core", "3.1.2.6", "MUST")
def test_a_refusal_goes_to_the_client_with_iss_and_state(refusing, error, changed):
    """RFC 9207 section 2: in errors too."""
    answer = query_of(refusing.authorize(refusing.provider.browser(), **changed))
    assert answer["error"] == error
    assert answer["iss"] == ISSUER
    if changed.get("state", "st") == "st":
        assert answer["state"] == "st"
    assert set(answer) <= {"error", "error_description", "iss", "state"}


@pytest.mark.parametrize(
    "claims",
    [
        "", "{", "[]", "null", "5", '"x"', '{"id_token":[]}', '{"userinfo":5}', '{"userinfo":{"name":5}}', '{"userinfo":{"name":[]}}',
        '{"userinfo":{"name":{"essential":"yes"}}}', '{"userinfo":{"name":{"values":"x"}}}', '{"userinfo":{"name":null,"name":null}}',
        "[" * 2000, '{"userinfo":{"x":"\\ud800"}}', '{"userinfo":{"x":NaN}}', '{"userinfo":{"' + "x" * 20000 + '":null}}',
        '{"userinfo":{"verified_claims":5}}', '{"userinfo":{"verified_claims":[]}}', '{"userinfo":{"verified_claims":{"claims":{"name":null}}}}',
        '{"userinfo":{"verified_claims":{"verification":{},"claims":{"name":null}}}}',
        '{"userinfo":{"verified_claims":{"verification":{"trust_framework":null},"claims":{}}}}',
        '{"userinfo":{"verified_claims":{"verification":{"trust_framework":5},"claims":{"name":null}}}}',
        '{"userinfo":{"verified_claims":{"verification":{"trust_framework":{"values":5}},"claims":{"name":null}}}}',
        '{"userinfo":{"verified_claims":{"verification":{"trust_framework":null,"time":{"max_age":"x"}},"claims":{"name":null}}}}',
        '{"userinfo":{"verified_claims":{"verification":{"trust_framework":null,"evidence":[]},"claims":{"name":null}}}}',
        '{"userinfo":{"verified_claims":{"verification":{"trust_framework":null,"evidence":[{"type":"document"}]},"claims":{"name":null}}}}',
        '{"userinfo":{"verified_claims":{"verification":{"trust_framework":null,"evidence":[{"type":{"value":"document"},"check_details":5}]},"claims":{"name":null}}}}',
        '{"id_token":{"sub":{"value":5}}}', '{"id_token":{"sub":{"value":["x"]}}}',
    ],
)  # fmt: skip
@requirement("OIDC Core", "5.5", "MUST")
def test_a_bad_claims_parameter_is_refused(refusing, claims):
    expected = 201 if claims == "" else 400  # an empty parameter is an absent one
    assert refusing.push(claims=claims).status_code == expected


@requirement("OIDC Core", "5.5.1.1", "MUST")
@requirement("Unmet Authentication Requirements", "2", "MUST")
def test_an_essential_acr_that_nobody_knows_is_refused_at_once(agency, browser):
    """Section 5.5.1.1."""
    claims = json.dumps({"id_token": {"acr": {"essential": True, "values": ["urn:mace:incommon:iap:silver"]}}})
    assert query_of(agency.authorize(browser, claims=claims))["error"] == "unmet_authentication_requirements"


@requirement("OIDC Core", "3.1.2.1", "MAY")
@requirement("OIDC Core", "5.5.1.1", "SHOULD")
def test_an_unknown_acr_is_only_a_wish(agency, browser):
    assert "code" in query_of(agency.walk(browser, agency.authorize(browser, acr_values="urn:mace:silver")))


@requirement("OIDC Core", "3.1.2.1", "MUST")
@requirement("RFC 6749", "3.1", "MAY")
def test_a_request_by_post_is_the_same_request(agency, browser):
    """Section 3.1.2.1."""
    begun = browser.post("/authorize", data=agency.request(state="สวัสดี"))
    assert begun.status_code == 303
    assert begun.location.startswith(f"{ISSUER}/authorize?")
    assert query_of(agency.walk(browser, begun))["state"] == "สวัสดี"


def test_a_bad_post_is_a_page(browser, provider):
    assert (
        browser.post("/authorize", data=b"a=%0d%0a&a=1", content_type="application/x-www-form-urlencoded").status_code
        == 400
    )


@requirement("OAuth Form Post", "2", "MUST")
@requirement("OAuth Multiple Response Types", "2.1", "MUST")
@requirement("RFC 9207", "2", "MUST")
def test_form_post_sends_the_answer_by_a_form(agency, browser):
    """OAuth 2.0 Form Post Response Mode; the policy names just this origin."""
    page = agency.walk(browser, agency.authorize(browser, response_mode="form_post", state='"><script>'))
    assert page.status_code == 200
    assert f'action="{agency.redirect_uri}"' in page.text
    assert 'name="code"' in page.text
    assert f'name="iss" value="{ISSUER}"' in page.text
    assert "<script>" not in page.text
    assert "&#34;&gt;&lt;script&gt;" in page.text
    assert "form-action 'self' https://agency-a.example" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"


@requirement("OAuth Form Post", "2", "MUST")
@requirement("OAuth Multiple Response Types", "2.1", "MUST")
def test_errors_travel_by_form_post_too(agency, browser):
    page = agency.authorize(browser, response_mode="form_post", prompt="none")
    assert 'name="error" value="login_required"' in page.text


@requirement("RFC 6749", "3.1.2", "MUST")
def test_a_query_in_the_redirect_uri_is_kept(provider, browser):
    agency = provider.agency("query", redirect_uris=["https://query.example/cb?tenant=a&b=%20"])
    location = agency.authorize(browser, prompt="none").location
    assert location.startswith("https://query.example/cb?tenant=a&b=%20&error=login_required")


def test_single_sign_on_asks_for_consent_alone(provider, agency, browser):
    agency.sign_in(browser)
    other = provider.agency("agency-b")
    begun = other.authorize(browser)
    page = browser.get(begun.location)
    assert "consent-allow" in page.text
    assert "sandbox-sign-in" not in page.text


@requirement("OIDC Core", "3.1.2.1", "MUST")
def test_a_standing_consent_answers_at_once(agency, browser):
    agency.sign_in(browser)
    assert "code" in query_of(agency.authorize(browser, prompt="none"))


@requirement("OIDC Core", "3.1.2.4", "MUST")
@requirement("OIDC Core", "3.1.2.1", "MUST")
def test_more_claims_need_a_new_consent(agency, browser):
    agency.sign_in(browser, scope="openid profile")
    assert (
        query_of(agency.authorize(browser, scope="openid profile email", prompt="none"))["error"] == "consent_required"
    )


@requirement("OIDC Core", "3.1.2.1", "SHOULD")
@requirement("OIDC Core", "3.1.2.3", "MUST")
def test_prompt_login_signs_in_again(agency, browser, clock):
    first = claims_of(agency.sign_in(browser)["id_token"])["auth_time"]
    clock.advance(timedelta(seconds=10))
    second = claims_of(agency.sign_in(browser, prompt="login")["id_token"])["auth_time"]
    assert second == first + 10


@requirement("OIDC Core", "3.1.2.1", "MUST")
@requirement("OIDC Core", "2", "MUST")
def test_max_age_signs_in_again_when_it_is_exceeded(agency, browser, clock):
    first = claims_of(agency.sign_in(browser)["id_token"])["auth_time"]
    clock.advance(timedelta(seconds=100))
    assert claims_of(agency.sign_in(browser, max_age=200)["id_token"])["auth_time"] == first
    assert query_of(agency.authorize(browser, max_age=50, prompt="none"))["error"] == "login_required"
    assert claims_of(agency.sign_in(browser, max_age=50)["id_token"])["auth_time"] == first + 100


@requirement("OIDC Core", "3.1.2.1", "SHOULD")
def test_prompt_consent_asks_again(agency, browser):
    agency.sign_in(browser)
    begun = agency.authorize(browser, prompt="consent")
    assert "consent-allow" in browser.get(begun.location).text


@requirement("RFC 6749", "4.1.2.1", "MUST")
@requirement("RFC 9207", "2", "MUST")
@requirement("OIDC Core", "3.1.2.6", "MUST")
def test_a_denied_consent_is_access_denied(agency, browser):
    begun = agency.authorize(browser)
    signed_in = agency.step(browser, begun.location, "somchai")
    interaction = browser.get(signed_in.location).location
    denied = browser.submit(interaction, {"step": "consent", "decision": "deny"})
    answer = query_of(browser.get(denied.location))
    assert answer["error"] == "access_denied"
    assert answer["state"] == "st"
    assert answer["iss"] == ISSUER


@requirement("OIDC Core", "3.1.2.1", "SHOULD")
@requirement("OIDC Core", "3.1.2.2", "MUST")
def test_an_id_token_hint_of_another_person_is_not_answered_by_this_session(provider, agency, browser):
    hint = agency.sign_in(provider.browser(), "malee")["id_token"]
    agency.sign_in(browser, "somchai")
    assert query_of(agency.authorize(browser, id_token_hint=hint, prompt="none"))["error"] == "login_required"


@requirement("OIDC Core", "3.1.2.1", "SHOULD")
def test_an_id_token_hint_of_this_person_is_answered_though_expired(agency, browser, clock):
    hint = agency.sign_in(browser)["id_token"]
    clock.advance(timedelta(minutes=20))
    assert "code" in query_of(agency.authorize(browser, id_token_hint=hint, prompt="none"))


def test_another_clients_id_token_is_no_hint(provider, agency, browser):
    hint = provider.agency("agency-b").sign_in(browser)["id_token"]
    assert query_of(agency.authorize(browser, id_token_hint=hint))["error"] == "invalid_request"


def test_an_access_token_is_no_hint(agency, browser):
    token = agency.sign_in(browser)["access_token"]
    assert query_of(agency.authorize(browser, id_token_hint=token))["error"] == "invalid_request"


@requirement("OIDC Core", "5.5.1", "MUST")
@requirement("OIDC Core", "3.1.2.2", "MUST")
@requirement("OIDC Core", "3.1.2.2", "MUST NOT")
def test_sub_by_value_is_this_person_or_nobody(provider, agency, browser):
    """Section 5.5.1."""
    mine = claims_of(agency.sign_in(browser)["id_token"])["sub"]
    theirs = claims_of(agency.sign_in(provider.browser(), "malee")["id_token"])["sub"]

    def asked(sub):
        claims = json.dumps({"id_token": {"sub": {"value": sub}}})
        return query_of(agency.authorize(browser, claims=claims, prompt="none"))

    assert "code" in asked(mine)
    assert asked(theirs)["error"] == "login_required"
    assert asked("nobody")["error"] == "login_required"


@requirement("OIDC Core", "5.5.1", "MUST")
def test_sub_by_values_names_one_person_and_agrees_with_the_hint(provider, agency, browser):
    tokens = agency.sign_in(browser)
    mine = claims_of(tokens["id_token"])["sub"]
    theirs = claims_of(agency.sign_in(provider.browser(), "malee")["id_token"])["sub"]

    def asked(**more):
        parameters = {"prompt": "none"} | more
        return query_of(agency.authorize(browser, **parameters))

    def by(*subs, **userinfo):
        return json.dumps({"id_token": {"sub": {"values": list(subs)}}} | userinfo)

    assert "code" in asked(claims=by(mine))
    assert "code" in asked(claims=by(mine, "nobody"))
    assert "code" in asked(claims=by(mine, theirs, userinfo={"sub": {"value": mine}}))
    assert "code" in asked(claims=by(mine, theirs), id_token_hint=tokens["id_token"])
    assert asked(claims=by(theirs))["error"] == "login_required"
    assert asked(claims=by(theirs), id_token_hint=tokens["id_token"])["error"] == "login_required"
    assert asked(claims=by(mine, theirs))["error"] == "invalid_request"
    assert asked(claims=by(*map(str, range(11))))["error"] == "invalid_request"
    assert asked(claims=by(5))["error"] == "invalid_request"


@requirement("OIDC Core", "5.5.1.1", "MUST")
@requirement("OIDC Core", "2", "MUST")
def test_an_essential_acr_that_was_reached_is_in_the_id_token(agency, browser):
    reached = claims_of(agency.sign_in(browser)["id_token"])["acr"]
    claims = json.dumps({"id_token": {"acr": {"essential": True, "values": ["urn:mace:silver", reached]}}})
    code = query_of(agency.authorize(browser, claims=claims, prompt="none"))["code"]
    assert claims_of(agency.redeem(code).json["id_token"])["acr"] == reached


@requirement("Unmet Authentication Requirements", "2", "SHOULD")
@requirement("OIDC Core", "5.5.1.1", "MUST")
def test_an_essential_acr_that_this_person_cannot_reach_is_said_in_silence_too(agency, browser):
    agency.sign_in(browser)
    claims = json.dumps({"id_token": {"acr": {"essential": True, "value": "urn:prajak:sandbox:ial2.3:aal2"}}})
    answer = query_of(agency.authorize(browser, claims=claims, prompt="none"))
    assert answer["error"] == "unmet_authentication_requirements"
    assert answer["iss"] == ISSUER


def test_an_interaction_of_a_removed_client_ends(provider, agency, browser, clock):
    begun = agency.authorize(browser)
    provider.registration.remove(agency.client_id, by="test")
    provider.server.clients.forget(agency.client_id)
    resumed = browser.get(begun.location.replace("/interaction/", "/authorize/"))
    assert resumed.status_code == 303
    assert browser.get(resumed.location).status_code == 404


@pytest.mark.parametrize("identifier", ["x", "x" * 300, "%00", "..", "ก"])
def test_an_unknown_interaction_is_a_page(refusing, identifier):
    assert refusing.provider.browser().get(f"/authorize/{identifier}").status_code in (400, 404)


def test_a_request_survives_json():
    request = AuthorizationRequest(
        client_id="c", redirect_uri="https://x.example/", scope=("openid",), received_at=1, prompt=("login",),
        claims={"id_token": {"acr": None}}, authorization_details=({"type": "credential"},), max_age=0,
    )  # fmt: skip
    assert AuthorizationRequest.from_dict(json.loads(json.dumps(request.to_dict()))) == request


def test_the_answer_is_not_kept_and_not_told_to_others(agency, browser):
    answer = agency.walk(browser, agency.authorize(browser))
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    fields = [name for name, _ in parse_qsl(urlsplit(answer.location).query)]
    assert len(fields) == len(set(fields))
    assert urlencode({}) == ""
