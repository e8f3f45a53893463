"""The web application: every room's pages under one roof. A door to signing, which is given its way to the provider.

`create_app` is what Granian loads in each worker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from multiprocessing.util import Finalize
from pathlib import Path

import httpx
import structlog
from flask import Blueprint, Flask
from jinja2 import FileSystemLoader

import enrollment.views
import keys.views
import signing.views
from core import i18n, web
from core.clock import Clock
from core.jobs import Job, Jobs
from core.settings import Settings
from core.telemetry import configure_logging
from idp import authorize, front_door, monitoring, openapi, protocol_views
from idp.admin import access, officers_desk
from idp.admin import views as admin_views
from idp.admin.logo import fetch_logo
from idp.admin.services import ConsoleServices
from idp.authorize import Authorization
from idp.background import background
from idp.composition import Provider, compose, health
from idp.erasure import PersonErasure
from idp.interaction import guards, logout, person, signed_in
from idp.interaction import views as interaction_views
from idp.measurements import measured
from idp.oidc.rp_initiated_logout import LogoutRequest, validate_logout_request
from idp.own_clients import register_own_client
from idp.portal import views as portal_views
from idp.portal.services import PortalServices
from idp.refused_start import refusal_of
from idp.registration import views as registration_views
from idp.sandbox import automated_approval
from idp.sandbox import views as sandbox_views
from idp.signing_officers import Officer, SigningOfficers
from idp.tables import METADATA
from keys.keystore import LOOK_AGAIN
from keys.purposes import Purpose
from signing.authorization import CLIENT_ID, client_metadata
from signing.credentials import Credential, Credentials, OfficerIdentity, PinnedPasskey, SealIdentity
from signing.erasure import DeskErasure
from signing.files import DocumentFiles
from signing.limited_child import warm_up
from signing.services import SigningServices, open_services
from signing.signing_act import SigningAct

__all__ = ["METADATA", "Signing", "build", "create_app", "own_metadata", "person_erasure", "signing_officers"]

log = structlog.get_logger()

ROOT = Path(__file__).parent.parent
ROOMS = (
    "core",
    "enrollment",
    "signing",
    "idp",
    "idp/interaction",
    "idp/registration",
    "idp/portal",
    "idp/admin",
    "idp/sandbox",
    "keys",
)


def create_app(settings: Settings | None = None, clock: Clock | None = None, *, with_jobs: bool = True) -> Flask:
    """Composes everything and starts this worker's background thread. What cannot start says why in one line."""
    try:
        provider = compose(settings, clock)
    except Exception as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        configure_logging("info")
        log.error("start_refused", why=refusal.why, mend=refusal.mend)  # noqa: TRY400 - where in the code helps nobody
        raise SystemExit(1) from error
    configure_logging(provider.ground.settings.log_level)
    provider.ground.metrics.share(provider.ground.settings.data_dir / "metrics")
    app = build(provider)
    Finalize(None, provider.trust.keystore.close, exitpriority=1)  # a worker that ends writes what it counted
    if with_jobs:
        Jobs(provider.ground, [*background(provider), *of_signing(app, provider)]).start()
        warm_up()
    return app


def build(provider: Provider) -> Flask:
    """The application over a composed provider; refuses to start when a route names no caller."""
    app = Flask("prajak", static_folder=None, template_folder=None)
    app.jinja_loader = FileSystemLoader(ROOT / "core" / "templates")
    app.extensions["prajak_provider"] = provider
    i18n.install(app, [ROOT / room for room in ROOMS])
    itself = httpx.WSGITransport(app, raise_app_exceptions=False)  # calls to ourselves need no second thread
    desk = open_services(provider.ground, provider.trust, itself)
    console = console_services(provider, itself)
    words = {**guards.guards(provider.interaction), **access.guards(console), **signing.views.guards()}
    words |= monitoring.guards(provider.ground)
    web.install(app, web.Web(provider.ground, words, person.menu_person(provider.interaction), provider.pseudonym))
    register_own_client(provider, own_metadata(provider))
    for blueprint in blueprints(provider, desk, console):
        app.register_blueprint(blueprint)
    web.check_callers(app)
    return app


def own_metadata(provider: Provider) -> dict[str, object]:
    """The signing module's registration, with the keys it has now."""
    keys_now = provider.trust.keystore.published([Purpose.CLIENT_ASSERTION])
    return client_metadata(provider.ground.settings, keys_now)


def console_services(provider: Provider, itself: httpx.BaseTransport) -> ConsoleServices:
    return ConsoleServices(
        ground=provider.ground,
        interaction=provider.interaction,
        accounts=provider.accounts,
        clients=provider.server.clients,
        envelope=provider.trust.envelope,
        keystore=provider.trust.keystore,
        trust=provider.trust,
        outbox=provider.outbox,
        provider=itself,
        erase=person_erasure(provider).erase,
    )


def person_erasure(provider: Provider) -> PersonErasure:
    """With what signing lets go of."""
    desk = DeskErasure(provider.ground, Signing(provider).credentials, DocumentFiles(provider.ground.settings))
    return PersonErasure(provider, desk, CLIENT_ID)


def blueprints(provider: Provider, desk: SigningServices, console: ConsoleServices) -> list[Blueprint]:
    """Every room's pages."""
    ground, interaction = provider.ground, provider.interaction
    authorization = Authorization(provider.server, provider.trust.keystore, interaction)
    return [
        front_door.blueprint(ground, openapi.document(ground.settings)),
        monitoring.blueprint(lambda: health(provider), lambda: measured(provider)),
        keys.views.blueprint(provider.trust),
        protocol_views.blueprint(provider.server),
        registration_views.blueprint(ground, provider.server.clients, partial(fetch_logo, ground.outbound)),
        authorize.blueprint(authorization),
        interaction_views.blueprint(interaction),
        logout.blueprint(interaction, logout_request(provider)),
        enrollment.views.blueprint(
            provider.enrolment,
            sign_in=lambda _account_id, passkey: signed_in.sign_in(interaction, passkey),
            end_sessions=end_sessions(provider),
        ),
        portal_views.blueprint(PortalServices(interaction, provider.enrolment.notices)),
        officers_desk.blueprint(provider.enrolment, interaction),
        admin_views.blueprint(console),
        signing.views.blueprint(desk),
        *(sandbox_pages(provider) if ground.settings.sandbox else []),
    ]


def sandbox_pages(provider: Provider) -> list[Blueprint]:
    return [sandbox_views.blueprint(provider.outbox), automated_approval.blueprint(provider.interaction)]


def logout_request(provider: Provider) -> Callable[[Mapping[str, str]], LogoutRequest]:
    """What a request for logout means here: with our ID tokens as hints, and our clients."""

    def validate(parameters: Mapping[str, str]) -> LogoutRequest:
        server = provider.server
        return validate_logout_request(
            parameters,
            issuer=provider.ground.settings.issuer,
            keys=server.key_set.keys([Purpose.ID_TOKEN]),
            load_client=server.clients.load,
        )

    return validate


def end_sessions(provider: Provider) -> Callable[[str], None]:
    """After a recovery, or when somebody says "this was not me"."""

    def end(account_id: str) -> None:
        with provider.ground.database.write() as connection:
            provider.sessions.end_all(connection, account_id, reason="account recovered or reported")

    return end


def of_signing(app: Flask, provider: Provider) -> list[Job]:
    """What an officer had authorized when a worker died is completed without asking again; and the registration of
    the signing module follows the rotation of its key.
    """
    act, minute = SigningAct(signing.views.services_of(app)), timedelta(minutes=1)
    return [
        Job("signatures", minute, act.complete_interrupted),
        Job("signing-client", LOOK_AGAIN, lambda: register_own_client(provider, own_metadata(provider))),
    ]


class Signing:
    """The signing module as the provider may touch it: it issues credentials, and is a client."""

    client_id = CLIENT_ID

    def __init__(self, provider: Provider) -> None:
        self.credentials = Credentials(provider.ground, provider.trust)

    def issue(self, officer: Officer, *, actor: str) -> Credential:
        return self.credentials.issue(*self._told(officer), actor=actor)

    def request(self, officer: Officer, *, actor: str) -> tuple[Credential, bytes]:
        requested = self.credentials.request(*self._told(officer), actor=actor)
        return requested.credential, requested.encoded

    def _told(self, officer: Officer) -> tuple[OfficerIdentity, PinnedPasskey]:
        told = asdict(officer)
        passkey = {name.removeprefix("passkey_"): told.pop(name) for name in list(told) if name.startswith("passkey_")}
        pinned = PinnedPasskey(credential_id=passkey.pop("id"), **passkey)
        return OfficerIdentity(**told), pinned

    def issue_seal(self, agency_th: str, agency_en: str, organization_identifier: str, *, actor: str) -> Credential:
        seal = SealIdentity(agency_th=agency_th, agency_en=agency_en, organization_identifier=organization_identifier)
        return self.credentials.issue_seal(seal, actor=actor)


def signing_officers(provider: Provider) -> SigningOfficers:
    return SigningOfficers(provider, Signing(provider))
