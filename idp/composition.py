"""What the provider is made of, put together in one place and in the order in which things need each other.

`compose` opens what the settings name; it serves the web application and the command alike. Signing is not here: its
doors are `idp/app.py` and `idp/cli.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from core.audit_origin import Pseudonym, pseudonymiser
from core.clock import Clock, SystemClock
from core.database import open_database
from core.delivery import channels
from core.ephemeral import open_ephemeral
from core.failures import Failures
from core.ground import Ground
from core.installation import check_installation
from core.outbound import Outbound
from core.outbox import Deliver, Outbox
from core.settings import Settings, load_settings
from enrollment.account import AccountStore
from enrollment.civil_registry.soap_client import SoapRegistry
from enrollment.services import EnrolmentServices
from idp.interaction.services import InteractionServices
from idp.interaction.session import SessionStore
from idp.oidc import ciba_ping
from idp.oidc.backchannel_logout import CHANNEL, BackchannelLogout
from idp.sandbox.authenticator import SoftwareAuthenticators
from idp.server import Server
from keys.audit_witness import AuditWitnesses
from keys.purposes import Purpose
from keys.trust_services import TrustServices

PSEUDONYMS = b"prajak-audit-source-v1"  # what the key of the audit trail's addresses is derived for


@dataclass(frozen=True)
class Provider:
    """Everything below the pages."""

    ground: Ground
    trust: TrustServices
    outbox: Outbox
    enrolment: EnrolmentServices
    sessions: SessionStore
    interaction: InteractionServices
    server: Server
    witnesses: AuditWitnesses
    pseudonym: Pseudonym
    absent: Failures = field(default_factory=lambda: Failures("part_does_not_answer", "part"))

    @property
    def accounts(self) -> AccountStore:
        return self.enrolment.accounts

    def close(self) -> None:
        self.trust.keystore.close()
        self.ground.outbound.close()
        self.ground.database.close()


def compose(settings: Settings | None = None, clock: Clock | None = None) -> Provider:
    """Raises SettingsError for settings that do not fit the data."""
    ground = open_ground(settings or load_settings(), clock or SystemClock())
    check_installation(ground)
    trust = TrustServices(ground)
    trust.prepare()
    delivery: dict[str, Deliver] = dict(channels(ground))
    outbox = Outbox(ground, trust.envelope, delivery)
    backchannel = BackchannelLogout(ground, trust.keystore, outbox.enqueue)
    delivery[CHANNEL] = backchannel.deliver
    delivery[ciba_ping.CHANNEL] = ciba_ping.Ping(ground).deliver
    registry = SoapRegistry(ground.outbound, ground.settings.registry_url)
    enrolment = EnrolmentServices(ground, trust.envelope, outbox, registry)
    sessions = SessionStore(ground, tell_clients=backchannel.tell_clients)
    sandbox = SoftwareAuthenticators(ground, trust.keystore) if ground.settings.sandbox else None
    interaction = InteractionServices(ground, sessions, enrolment.accounts, sandbox)
    server = Server(ground, trust.keystore, enrolment.accounts)
    witnesses = AuditWitnesses(ground, outbox.enqueue)
    pseudonym = pseudonymiser(trust.keystore.secret(Purpose.BLIND_INDEX).mac(PSEUDONYMS))
    return Provider(ground, trust, outbox, enrolment, sessions, interaction, server, witnesses, pseudonym)


def open_ground(settings: Settings, clock: Clock) -> Ground:
    database = open_database(settings)
    own_urls = (settings.registry_url, settings.sms_url, *settings.audit_witness, *settings.tsa_urls)
    own_hosts = (urlsplit(url).hostname for url in own_urls)
    outbound = Outbound(settings, trusted_hosts=frozenset(host for host in own_hosts if host))
    return Ground(settings, clock, database, open_ephemeral(settings, database, clock), outbound)


def health(provider: Provider) -> Mapping[str, bool]:
    """For `/readyz`: each part by its name, true when it answers."""
    parts: dict[str, Callable[[], object]] = {
        "database": provider.ground.database.check,
        "ephemeral": provider.ground.ephemeral.check,
        "keys": provider.trust.keystore.check,
        "clock": provider.trust.tsa.check_clock,
        "certificates": provider.trust.ca.authorities.check,
    }
    return {name: answers(provider, name, check) for name, check in parts.items()}


def answers(provider: Provider, name: str, check: Callable[[], object]) -> bool:
    try:
        check()
    except Exception as error:  # noqa: BLE001 - whatever keeps a part from answering is the finding
        provider.absent.failed(name, error)
        return False
    provider.absent.works(name)
    return True
