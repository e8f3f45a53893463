"""A developer registers a client, sees what is wrong, changes it, and asks for go-live."""

from __future__ import annotations

import json

import pytest

from idp.registration.client_registration import Registration
from tests.idp.admin.site import FORM, KEY, errors


def test_a_client_is_registered_and_answers_in_the_sandbox(site, developer):
    client_id = site.register(developer)
    page = developer.get(f"/console/clients/{client_id}")
    assert page.status_code == 200
    for shown in ("Entitlements", client_id, "http://localhost:9000/callback", "Sandbox only", "kid"):
        assert shown in page.text
    assert site.provider.server.clients.load(client_id).name("th") == "ตรวจสิทธิ"


@pytest.mark.parametrize(
    ("changed", "field", "says"),
    [
        ({"name_th": ""}, "name_th", "Write the name"),
        ({"redirect_uris": ""}, "redirect_uris", "where do people come back to"),
        ({"redirect_uris": "http://agency.example/callback"}, "redirect_uris", "must begin with https://"),
        ({"redirect_uris": "https://agency.example/*"}, "redirect_uris", "wildcard"),
        ({"redirect_uris": "https://agency.example/cb#x"}, "redirect_uris", "fragment"),
        ({"redirect_uris": "https://a.example/cb https://b.example/cb"}, "redirect_uris", "several hosts"),
        ({"backchannel_logout_uri": "ftp://agency.example/"}, "backchannel_logout_uri", "https://"),
        ({"jwks": ""}, "jwks", "needs public keys"),
        ({"jwks": "{"}, "jwks", "not JSON"),
        ({"jwks": "[]"}, "jwks", "object"),
        ({"jwks": json.dumps(KEY.as_dict(private=True))}, "jwks", "private"),
        ({"key_source": "jwks_uri", "jwks_uri": "http://agency.example/jwks"}, "jwks_uri", "https://"),
        ({"profile": "other"}, "profile", "one of"),
        ({"purpose_th-given_name": ""}, "purpose_th-given_name", "what the data are needed for"),
        ({"legal_basis-given_name": ""}, "legal_basis-given_name", "legal basis"),
    ],
)
def test_every_bad_value_is_shown_at_its_field_and_nothing_typed_is_lost(developer, changed, field, says):
    answer = developer.submit("/console/clients/new", FORM | changed)
    assert answer.status_code == 400
    assert says in errors(answer)[field]
    assert f'id="{field}"' in answer.text, "the summary leads to the field"
    for name in ("name_en", "purpose-given_name"):
        assert FORM[name] in answer.text


def test_all_that_is_wrong_is_told_at_once(developer):
    answer = developer.submit("/console/clients/new", FORM | {"name_en": "", "jwks": "{", "redirect_uris": "x"})
    assert set(errors(answer)) == {"name_en", "jwks", "redirect_uris"}


def test_a_bad_value_is_told_in_thai(site):
    answer = site.browser("dev-dao", language="th").submit("/console/clients/new", FORM | {"name_en": ""})
    assert errors(answer)["name_en"] == "โปรดระบุชื่อ"


def test_a_change_in_the_sandbox_holds_at_once(site, developer):
    client_id = site.register(developer)
    path = f"/console/clients/{client_id}/edit"
    assert 'value="Entitlements"' in developer.get(path).text
    assert developer.submit(path, FORM | {"name_en": "Rights"}).status_code == 303
    assert site.provider.server.clients.load(client_id).name("en") == "Rights"


def test_another_agency_s_client_does_not_exist(site, developer):
    client_id = site.register(developer)
    stranger = site.browser("dev-boon")
    for path in ("", "/edit", "/keys", "/logo", "/try", "/code/app.py"):
        assert stranger.get(f"/console/clients/{client_id}{path}").status_code == 404
    assert stranger.submit(f"/console/clients/{client_id}/edit", FORM).status_code == 404
    assert stranger.submit(f"/console/clients/{client_id}", {"act": "remove"}).status_code == 404
    assert site.client(client_id)["removed_at"] is None


def test_nobody_registers_for_an_agency_that_is_not_theirs(developer):
    assert developer.submit("/console/clients/new?agency=agency-b", FORM).status_code == 404


@pytest.mark.parametrize("name", ["somchai", "auditor-arun", "approver-kaew"])
def test_who_is_no_developer_registers_nothing(site, name):
    assert site.browser(name).submit("/console/clients/new", FORM).status_code == 403


def test_a_stranger_is_led_to_sign_in(site):
    answer = site.browser().get("/console")
    assert answer.status_code == 303
    assert "/interaction/" in answer.location


def test_a_removed_client_answers_nobody(site, developer):
    client_id = site.register(developer)
    assert developer.submit(f"/console/clients/{client_id}", {"act": "remove"}).status_code == 303
    assert site.provider.server.clients.load(client_id) is None
    assert developer.get(f"/console/clients/{client_id}").status_code == 404


def test_markup_in_a_name_stays_text(site, developer):
    client_id = site.register(developer, name_en='"><script>alert(1)</script>"""')
    for path in ("", "/edit", "/keys", "/try"):
        assert "<script>alert" not in developer.get(f"/console/clients/{client_id}{path}").text
    code = developer.get(f"/console/clients/{client_id}/code/app.py")
    assert code.content_type.startswith("text/plain")
    compile(code.text, "app.py", "exec")


def test_what_a_stricter_profile_wrote_down_goes_with_it(site, developer):
    client_id = site.register(developer, profile="fapi2-message-signing")
    strict = site.provider.server.clients.load(client_id).metadata
    assert strict["require_signed_request_object"] is True
    assert developer.submit(f"/console/clients/{client_id}/edit", FORM).status_code == 303
    basic = site.provider.server.clients.load(client_id).metadata
    assert basic["prajak_profile"] == "oidc-basic"
    written = {"require_signed_request_object", "require_pushed_authorization_requests", "dpop_bound_access_tokens"}
    assert not written & basic.keys()
    assert basic["id_token_signed_response_alg"] == "ES256"


def test_a_service_that_signs_nobody_in_has_a_page_without_code(site, developer):
    metadata = {"client_name": "Nightly job", "grant_types": ["client_credentials"]}
    registration = Registration(site.provider.ground, site.provider.server.clients)
    client_id = registration.register(metadata, by="test", agency_id="agency-a")["client_id"]
    page = developer.get(f"/console/clients/{client_id}")
    assert page.status_code == 200
    assert "Code to copy" not in page.text
    assert developer.get(f"/console/clients/{client_id}/code/app.py").status_code == 404
    for path in ("edit", "keys", "logo", "check"):
        assert developer.get(f"/console/clients/{client_id}/{path}").status_code == 200
