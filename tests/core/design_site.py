"""The design's own pages behind `core.web`, with its headers; no room of the product takes part."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from threading import Thread

from flask import Flask, render_template_string, request
from flask_babel import gettext
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from core import i18n, web
from core.clock import SystemClock
from core.database import open_database
from core.ephemeral import open_ephemeral
from core.ground import Ground
from core.outbound import Outbound
from core.settings import Settings
from core.webauthn import authentication_options, registration_options

CORE = Path(i18n.__file__).parent
CHALLENGE = b"challenge of the design's own test"
CEREMONY = """{% extends "core/base.html" %}{% import "core/components.html" as ui with context %}
{% block title %}{{ _("Passkey") }}{% endblock %}
{% block content %}<h1>{{ _("Passkey") }}</h1>
<form method="post" action="/answer" data-passkey="{{ kind }}" data-options='{{ options }}'{{ " data-passkey-autofill" if autofill }}>
{{ csrf_field() }}<input type="hidden" name="credential">{% if autofill %}
{{ ui.input("passkey-autofill", _("Passkey"), autocomplete="username webauthn", required=False) }}{% endif %}{{ ui.button(_("Continue"), id="go", name="step", value="it") }}
</form>{% endblock %}
{% block scripts %}<script src="{{ static('passkey.js') }}" defer></script>{% endblock %}"""


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
    return web.page(f"core/{name}.html")  # gallery, front, accessibility, privacy


@web.callers(web.ANYONE)
def ceremony(kind: str):
    person = {"user_id": b"u", "user_name": "u", "user_display_name": "สมชาย ตัวอย่าง", "rp_name": "Prajak"}
    if kind == "create":
        options = registration_options(rp_id="localhost", challenge=CHALLENGE, **person)
    else:
        options = authentication_options(rp_id="localhost", challenge=CHALLENGE)
    return render_template_string(CEREMONY, kind=kind, options=options, autofill="autofill" in request.args)


@web.callers(web.ANYONE)
@web.machine
def answer():
    return request.form.to_dict()


def design_site(ground: Ground) -> Flask:
    app = Flask("core", root_path=str(CORE), static_folder=None)
    i18n.install(app, [CORE])
    web.install(app, web.Web(ground, signed_in=Person))
    app.add_url_rule("/<name>", "show", show, methods=["GET", "POST"])
    app.add_url_rule("/ceremony/<kind>", "ceremony", ceremony)
    app.add_url_rule("/answer", "answer", answer, methods=["POST"])
    web.check_callers(app)
    return app


@contextmanager
def serve_design(folder: Path) -> Iterator[str]:
    """On a port of its own; the address."""
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    issuer = f"http://localhost:{port}"
    with ground_at(issuer, folder) as ground:
        server = make_server("127.0.0.1", port, design_site(ground), threaded=True)
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield issuer
        finally:
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


def open_page(chromium: Browser, address: str, path: str, language: str = "th", **context: object) -> Page:
    """A page in this language. `page.told` is what its console complained of: a blocked script, style or font."""
    person = chromium.new_context(**context)
    person.add_cookies([{"name": i18n.COOKIE, "value": language, "url": address}])
    page = person.new_page()
    page.told = []
    page.on("console", lambda message: page.told.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.told.append(str(error)))
    page.goto(f"{address}/{path}")
    return page
