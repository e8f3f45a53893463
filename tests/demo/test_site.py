"""An agency's site while nobody is signed in, and while its provider is away."""

import json

import pytest
from joserfc.jwk import ECKey

from demo.agency.app import create_app
from demo.agency.configuration import OFFICES, load_configuration

ORIGIN = "http://agency-a.localhost:8081"


@pytest.fixture
def site(tmp_path, request):
    """The office that the test names with `office`, "a" otherwise; its provider is a port where nobody listens."""
    key = ECKey.generate_key("P-256", auto_kid=True)
    (tmp_path / "key.json").write_text(json.dumps(key.as_dict(private=True)), "utf-8")
    told = {"office": getattr(request, "param", "a"), "issuer": "http://localhost:1", "client_id": "demo-a",
            "private_key": "key.json", "origin": ORIGIN, "acr": "urn:prajak:sandbox:ial1.3:aal2"}  # fmt: skip
    (tmp_path / "agency.json").write_text(json.dumps(told), "utf-8")
    app = create_app(load_configuration(tmp_path / "agency.json"))
    with app.test_client() as client:
        yield client


@pytest.mark.parametrize("site", ["a", "b"], indirect=True)
def test_the_first_page_says_in_thai_what_will_be_asked_for(site):
    page = site.get("/")
    assert page.status_code == 200
    assert '<html lang="th"' in page.text
    assert 'id="login"' in page.text
    assert "ชื่อตัว" in page.text


def test_the_language_stays(site):
    answer = site.post("/language", data={"language": "en", "next": "/"}, headers={"Origin": ORIGIN})
    assert (answer.status_code, answer.location) == (303, "/")
    assert "Sign in with Prajak" in site.get("/").text


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "https://evil.example", "/\r\nx"])
def test_the_language_switch_leads_nowhere_else(site, path):
    assert site.post("/language", data={"language": "en", "next": path}).location == "/"


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_another_site_s_form_is_not_taken(site, headers):
    assert site.post("/logout", headers=headers).status_code == 403


def test_another_provider_s_name_begins_no_login(site):
    """OpenID Connect Core section 4."""
    assert site.get("/login?iss=https://evil.example").location == "/"
    assert site.get("/login?iss=http://localhost:1").status_code == 503  # ours, which is away


def test_a_provider_that_is_away_is_said_plainly(site):
    page = site.get("/login")
    assert page.status_code == 503
    assert "ไม่มีข้อมูลใดของคุณสูญหาย" in page.text


def test_an_address_that_is_not_there_is_said_plainly(site):
    page = site.get("/nothing")
    assert page.status_code == 404
    assert "ไม่พบหน้าที่คุณต้องการ" in page.text


def test_pages_are_private_and_load_nothing_from_elsewhere(site):
    headers = site.get("/").headers
    assert headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]


def test_forms_that_were_left_open_lead_home(site):
    for path in ("/logout", "/refresh"):
        assert site.post(path).location == "/"


def test_both_offices_say_everything_in_both_languages():
    for file in OFFICES.glob("*.json"):
        office = json.loads(file.read_text("utf-8"))
        texts = [office[name] for name in ("name", "kind", "service", "promise", "result")]
        texts += [claim[part] for claim in office["claims"] for part in ("label", "purpose")] + office["entitlements"]
        assert all(text.keys() == {"th", "en"} and all(text.values()) for text in texts)
