from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from core.outbox import Outbox
from enrollment.notices import Notices
from idp.portal.services import PortalServices
from idp.portal.views import blueprint
from keys.envelope import Envelope
from keys.keystore import Keystore
from tests.idp.interaction.site import Site


class Place(Site):
    """The interaction's site with the citizen's place beside it."""

    def make_app(self) -> Flask:
        self.outbox = Outbox(self.ground, Envelope(self.keystore), {})
        app = super().make_app()
        app.register_blueprint(blueprint(PortalServices(self.services, Notices(self.ground, self.outbox))))
        return app

    def add_me(self, app: Flask) -> None:
        """`/me` is the portal's own here."""

    def letters(self) -> list[Any]:
        return self.outbox.messages()


@pytest.fixture
def site(ground) -> Place:
    return Place(ground, Keystore(ground))


@pytest.fixture
def browser(site):
    made = site.browser()
    site.sign_in(made, "somchai", site.begin(made, "/me"))
    return made
