"""The design, in real Chromium: accessible in both languages, light and dark, on a phone and on a desk."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from threading import Thread

import pytest
from flask import Flask, request
from flask_babel import gettext
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from core import i18n, web
from core.clock import SystemClock
from core.database import open_database
from core.ephemeral import open_ephemeral
from core.ground import Ground
from core.outbound import Outbound
from core.settings import Settings
from tests.axe import CHROMIUM, CHROMIUM_ARGUMENTS, check_accessibility, check_reflow

pytestmark = pytest.mark.browser
CORE = Path(i18n.__file__).parent
NARROW, PHONE, DESK = {"width": 320, "height": 640}, {"width": 360, "height": 740}, {"width": 1280, "height": 800}


class Person:
    display_name = "สมชาย ตัวอย่าง"


@web.callers(web.ANYONE)
def show(name: str):
    if name == "error":
        return web.error_page(404, what_happened=gettext("There is no such page."), error_code="invalid_request")
    if name == "empty":
        return web.page("core/empty.html", title=gettext("Menu"), text=gettext("Nothing"), return_url="/gallery")
    if name == "form_post":
        return web.page("core/form_post.html", action="/answer", fields={"code": "c", "state": 's"<>'})
    return web.page("core/gallery.html")


@web.callers(web.ANYONE)
@web.machine
def answer():
    return request.form.to_dict()


def design_site(ground: Ground) -> Flask:
    app = Flask("core", root_path=str(CORE), static_folder=None)
    i18n.install(app, [CORE])
    web.install(app, web.Web(ground, signed_in=Person))
    app.add_url_rule("/<name>", "show", show, methods=["GET", "POST"])
    app.add_url_rule("/answer", "answer", answer, methods=["POST"])
    web.check_callers(app)
    return app


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The design's pages behind `core.web` with its headers, on a port of their own."""
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    issuer = f"http://localhost:{port}"
    with ground_at(issuer, tmp_path_factory.mktemp("design")) as ground:
        server = make_server("127.0.0.1", port, design_site(ground), threaded=True)
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield issuer
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def ground_at(issuer: str, folder: Path) -> Iterator[Ground]:
    """A ground whose storage stays empty: these pages keep nothing."""
    settings = Settings(
        issuer=issuer,
        rp_id="localhost",
        database_url=f"sqlite:///{folder}/prajak.db",
        keys_url=f"file:{folder}/keys",
        sandbox=True,
        data_dir=folder,
    )
    clock, database, outbound = SystemClock(), open_database(settings), Outbound(settings)
    try:
        yield Ground(settings, clock, database, open_ephemeral(settings, database, clock), outbound)
    finally:
        outbound.close()
        database.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*CHROMIUM_ARGUMENTS])
        yield browser
        browser.close()


def open_page(chromium: Browser, address: str, name: str, language: str, **context: object) -> Page:
    """A page in this language whose console stays silent: a blocked script, style or font would be told there."""
    person = chromium.new_context(**context)
    person.add_cookies([{"name": i18n.COOKIE, "value": language, "url": address}])
    page = person.new_page()
    page.told = []
    page.on("console", lambda message: page.told.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.told.append(str(error)))
    page.goto(f"{address}/{name}")
    return page


@pytest.mark.parametrize("name", ["gallery", "error", "empty"])
@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["th", "en"])
def test_axe_finds_nothing(chromium, address, language, scheme, viewport, name):
    page = open_page(chromium, address, name, language, viewport=viewport, color_scheme=scheme)
    check_accessibility(page)
    told = [text for text in page.told if "404" not in text]  # the error page's own status
    assert told == []
    page.context.close()
