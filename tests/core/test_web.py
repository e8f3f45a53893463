"""The web's manners: headers, CSRF, callers, the language switch, errors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core import i18n
from core.errors import PersonError
from core.ground import Ground
from core.web import ANYONE, Web, allow_form_action, callers, check_callers, install, local_path, machine, page
from core.web.csrf import csrf_token
from tests.browser_client import BrowserClient


@pytest.fixture
def app(ground: Ground) -> Flask:
    app = Flask("test", template_folder=None, static_folder=None)
    app.jinja_loader = core_templates()
    i18n.install(app, [])
    install(app, Web(ground, guards={"nobody": lambda: ("not you", 403)}))

    @app.get("/page")
    @callers(ANYONE)
    def show():
        allow_form_action("https://agency.example:8443/callback?x=1")
        return page("core/error.html", title="t", what_happened="h", what_was_kept="k", what_to_do="d")

    @app.post("/act")
    @callers(ANYONE)
    def act():
        return "done"

    @app.post("/endpoint")
    @callers(ANYONE)
    @machine
    def endpoint():
        raise PersonError("There is no such page.")

    @app.get("/crash")
    @callers(ANYONE)
    def crash():
        raise ZeroDivisionError

    @app.get("/guarded")
    @callers("nobody")
    def guarded():
        return "never"

    return app


def core_templates():
    from jinja2 import FileSystemLoader

    return FileSystemLoader("core/templates")


@pytest.fixture
def browser(app: Flask) -> Iterator[FlaskClient]:
    app.test_client_class = BrowserClient
    with app.test_client() as client:
        yield client


def test_a_page_is_private_and_its_policy_names_the_interactions_origin_alone(browser: FlaskClient):
    headers = browser.get("/page").headers
    assert headers["Cache-Control"] == "no-store"
    assert "form-action 'self' https://agency.example:8443;" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "form-action 'self';" in browser.get("/crash").headers["Content-Security-Policy"]


def test_a_form_without_its_token_is_refused(browser: FlaskClient):
    assert browser.post("/act").status_code == 403
    browser.set_cookie("prajak-csrf", "secret", domain="localhost")
    assert browser.post("/act", data={"csrf_token": "x"}).status_code == 403
    assert browser.post("/act", data={"csrf_token": csrf_token("secret")}).status_code == 200


def test_a_form_sent_by_another_origin_is_refused(browser: FlaskClient):
    browser.set_cookie("prajak-csrf", "secret", domain="localhost")
    headers = {"Origin": "https://evil.example"}
    assert browser.post("/act", data={"csrf_token": csrf_token("secret")}, headers=headers).status_code == 403


def test_a_refusal_to_a_machine_is_json(browser: FlaskClient):
    answer = browser.post("/endpoint")
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_a_nul_byte_is_the_callers_error_and_not_ours(browser: FlaskClient):
    assert browser.get("/page?x=%00").status_code == 400


def test_our_fault_is_told_without_its_cause(browser: FlaskClient):
    answer = browser.get("/crash")
    assert answer.status_code == 500
    assert "ZeroDivisionError" not in answer.text


def test_a_guard_answers_instead_of_the_view(browser: FlaskClient):
    assert browser.get("/guarded").status_code == 403


def test_a_route_that_names_no_caller_stops_the_start(app: Flask):
    app.add_url_rule("/forgotten", "forgotten", lambda: "open to all")
    with pytest.raises(RuntimeError, match="/forgotten"):
        check_callers(app)


def test_the_language_switch_stays_and_leads_back(browser: FlaskClient):
    browser.set_cookie("prajak-csrf", "secret", domain="localhost")
    form = {"csrf_token": csrf_token("secret"), "language": "en", "return_to": "/page?a=1"}
    answer = browser.post("/language", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/page?a=1")
    assert 'lang="en"' in browser.get("/page").text


def test_another_host_name_is_led_to_the_issuer(browser: FlaskClient):
    answer = browser.get("/page?a=1", headers={"Host": "127.0.0.1:8080"})
    assert (answer.status_code, answer.headers["Location"]) == (307, "http://localhost:8080/page?a=1")


@pytest.mark.parametrize(
    "url", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:1", "/a\nb", ""]
)
def test_an_open_redirect_is_not_local(url: str):
    assert local_path(url) == "/"


def test_a_private_page_is_thai_unless_the_person_chose_otherwise(browser: FlaskClient):
    assert 'lang="th"' in browser.get("/page").text
