"""What the sandbox would have sent."""

from __future__ import annotations

import pytest
from flask import Flask

from core import i18n, web
from core.outbox import Outbox
from idp.sandbox.views import blueprint
from keys.envelope import Envelope
from keys.keystore import Keystore
from keys.purposes import Purpose
from tests.browser_client import BrowserClient
from tests.idp.interaction.site import ROOMS, core_templates


@pytest.fixture
def outbox(ground) -> Outbox:
    keystore = Keystore(ground)
    keystore.ensure(Purpose.ENVELOPE)
    return Outbox(ground, Envelope(keystore), {})


@pytest.fixture
def browser(ground, outbox):
    app = Flask("sandbox", static_folder=None)
    app.register_blueprint(core_templates())
    i18n.install(app, ROOMS)
    web.install(app, web.Web(ground))
    app.register_blueprint(blueprint(outbox))
    app.test_client_class = BrowserClient
    web.check_callers(app)
    return app.test_client()


def send(ground, outbox, channel, body):
    with ground.database.write() as connection:
        outbox.enqueue(connection, channel=channel, recipient="somchai@example.test", subject="รหัส", body=body)


def test_mail_sms_and_post_are_shown_newest_first(ground, clock, outbox, browser):
    for channel, body in (("email", "first <b>"), ("sms", "second"), ("post", "third")):
        send(ground, outbox, channel, body)
        clock.advance(ground.settings.clock_skew)
    found = browser.get("/sandbox/outbox.json").json["messages"]
    assert [each["body"] for each in found] == ["third", "second", "first <b>"]
    page = browser.get("/sandbox/outbox").text
    assert "first &lt;b&gt;" in page
    assert "somchai@example.test" in page


def test_logout_tokens_are_no_mail(ground, outbox, browser):
    send(ground, outbox, "logout_token", "secret")
    assert browser.get("/sandbox/outbox.json").json == {"messages": []}
    assert "secret" not in browser.get("/sandbox/outbox").text
