"""`prajak doctor`: every part checked, each finding with its mend."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta

import click

from core.migration import differences
from core.outbound import OutboundFailed, OutboundRefused
from core.settings import SettingsError, load_settings
from idp.command.audit_findings import what_is_broken, what_is_late
from idp.command.output import json_option, show
from idp.composition import Provider, compose
from idp.refused_start import TOKEN, Refusal, refusal_of
from idp.tables import METADATA
from keys.authorities import NEVER
from keys.clock_health import NEXT_KEY, ClockBehind, ClockUnfit
from keys.errors import NoAuthority, TokenAway
from keys.outside_time_stamps import OutsideTimeStamps
from keys.time_stamp_verification import TimeStampRefused

LIST_WARNING = timedelta(days=30)
LEAST_DISK = 1024**3  # bytes free in the data folder
OK, WARNING, BROKEN = "ok", "warning", "broken"


@dataclass(frozen=True)
class Finding:
    """`mend` is empty where nothing is to be done."""

    part: str
    state: str
    finding: str
    mend: str = ""


@click.command()
@json_option
@click.pass_context
def doctor(context: click.Context, *, as_json: bool) -> None:
    """Check every part; exit 1 when one is broken."""
    found = examine()
    show([asdict(each) for each in found], as_json=as_json)
    context.exit(1 if any(each.state == BROKEN for each in found) else 0)


def examine() -> list[Finding]:
    """Settings first: without them nothing else can be looked at."""
    try:
        settings = load_settings()
        provider = compose(settings)
    except Exception as error:  # noqa: BLE001 - whatever stops it from opening is the finding
        return [broken("settings" if isinstance(error, SettingsError) else "opening", error)]
    try:
        return [Finding("settings", OK, settings.issuer), *checked(provider)]
    finally:
        provider.close()


def checked(provider: Provider) -> Iterator[Finding]:
    for part, check in CHECKS.items():
        try:
            yield check(provider)
        except Exception as error:  # noqa: BLE001 - a check that fails is a finding
            yield broken(part, error)


def broken(part: str, error: Exception) -> Finding:
    told = refusal_of(error) or Refusal(f"{type(error).__name__}: {error}".splitlines()[0], "report it: our fault")
    return Finding(part, BROKEN, told.why, told.mend)


def check_schema(provider: Provider) -> Finding:
    found = differences(provider.ground.database, METADATA)
    if found:
        return Finding("schema", BROKEN, f"{len(found)} differences between schema and code", "prajak db upgrade")
    return Finding("schema", OK, "schema and code agree")


def check_ephemeral(provider: Provider) -> Finding:
    provider.ground.ephemeral.check()
    where = "Redis" if provider.ground.settings.redis_url else "the database"
    return Finding("ephemeral", OK, f"{where} keeps counters and challenges")


def check_keys(provider: Provider) -> Finding:
    try:
        provider.trust.keystore.check()
    except TokenAway as error:
        return Finding("keys", BROKEN, str(error), TOKEN)
    records = provider.trust.keystore.records()
    return Finding("keys", OK, f"{len(records)} keys under {provider.ground.settings.keys_url.partition('?')[0]}")


def check_envelope(provider: Provider) -> Finding:
    progress = provider.trust.rewrap.progress()
    if progress.unreadable:
        return Finding(
            "envelope", BROKEN, f"{progress.unreadable} sealed rows do not open", "the log names them; see a backup"
        )
    if not progress.is_finished:
        what = f"{progress.left} data keys to be wrapped anew; {len(progress.lifting)} columns to be lifted"
        return Finding("envelope", WARNING, what, "the server does it, or: prajak key rewrap --now")
    return Finding("envelope", OK, f"all data keys are wrapped by {progress.kid}")


def check_erasures(provider: Provider) -> Finding:
    """A restored backup brings back who was erased since; a changed list says so by not being read."""
    listed = provider.trust.erasures.listed()
    erased = {each.account_id for each in provider.trust.erasures.known()}
    back = [each for each in listed if each.account_id not in erased]
    if back:
        what = f"{len(back)} people who were erased are in the restored database"
        return Finding("erasures", BROKEN, what, "prajak person erase-again")
    return Finding("erasures", OK, f"{len(erased)} people were erased, and stayed so")


def check_audit(provider: Provider) -> Finding:
    """What is broken comes before what is late."""
    if found := what_is_broken(provider):
        return Finding("audit", BROKEN, *found)
    if found := what_is_late(provider):
        return Finding("audit", WARNING, *found)
    return Finding("audit", OK, "what is new fits the newest checkpoint, and the witnesses have it")


def check_registry(provider: Provider) -> Finding:
    url = provider.ground.settings.registry_url
    if not url:
        return Finding("registry", WARNING, "no civil registry is named: nobody can enrol", "set PRAJAK_REGISTRY_URL")
    try:
        provider.ground.outbound.get(url)
    except (OutboundFailed, OutboundRefused) as error:
        return Finding("registry", WARNING, str(error), "start it, or mend PRAJAK_REGISTRY_URL")
    return Finding("registry", OK, url)


def check_delivery(provider: Provider) -> Finding:
    settings = provider.ground.settings
    if settings.smtp_url or settings.sms_url or settings.sandbox:
        return Finding("delivery", OK, "mail or SMS can leave, or the sandbox shows them")
    return Finding("delivery", WARNING, "codes cannot be sent", "set PRAJAK_SMTP_URL or PRAJAK_SMS_URL")


def check_attestation(provider: Provider) -> Finding:
    if provider.ground.settings.attestation_roots:
        return Finding("attestation", OK, str(provider.ground.settings.attestation_roots))
    return Finding(
        "attestation", WARNING, "no maker of authenticators is trusted: nobody reaches AAL3",
        "put their roots where PRAJAK_ATTESTATION_ROOTS says",
    )  # fmt: skip


def check_mtls(provider: Provider) -> Finding:
    settings, now = provider.ground.settings, provider.ground.clock.now()
    if not settings.mtls_url:
        return Finding("mutual TLS", OK, "not served; PRAJAK_MTLS_URL names no listener")
    over = [each for each in provider.server.calls.authorities if each.not_valid_after_utc <= now]
    if over:
        names = ", ".join(each.subject.rfc4514_string() for each in over)
        return Finding("mutual TLS", BROKEN, f"expired: {names}", "renew them where PRAJAK_MTLS_TRUST says")
    return Finding("mutual TLS", OK, f"{settings.mtls_url}, {len(provider.server.calls.authorities)} authorities")


def check_clock(provider: Provider) -> Finding:
    """What our own time-stamp authority asks before each stamp (keys/clock_health.py)."""
    try:
        provider.trust.tsa.check_clock()
    except ClockUnfit as unfit:
        state = WARNING if provider.ground.settings.tsa_urls else BROKEN
        behind = f"set it right, or if it is right: {NEXT_KEY}; docs/operating.md, Time-stamps"
        mend = behind if isinstance(unfit, ClockBehind) else "run chrony or systemd-timesyncd; docs/operating.md"
        return Finding("clock", state, f"our own authority stamps nothing: {unfit}", mend)
    if not provider.ground.settings.tsa_ntp:
        return Finding("clock", OK, "not asked whether it is synchronised: PRAJAK_TSA_NTP is 0")
    return Finding("clock", OK, "the kernel calls it synchronised")


def check_time_stamps(provider: Provider) -> Finding:
    """Each outside authority is asked for one over nothing of anyone's."""
    outside = provider.trust.time_stamps
    if not isinstance(outside, OutsideTimeStamps):
        return Finding("time-stamps", OK, "our own authority stamps signatures")
    failed = [each for each in (probed(outside, url) for url in outside.urls) if each]
    if not failed:
        return Finding("time-stamps", OK, " ".join(outside.urls))
    mend = "ask its operator, or mend PRAJAK_TSA_URL and PRAJAK_TSA_TRUST"
    state = BROKEN if len(failed) == len(outside.urls) else WARNING
    return Finding("time-stamps", state, "; ".join(failed), mend)


def probed(outside: OutsideTimeStamps, url: str) -> str:
    try:
        outside.probe(url)
    except TimeStampRefused as refused:
        return f"{url}: {refused}"
    return ""


def check_authorities(provider: Provider) -> Finding:
    """A root's list is signed by people who must meet: they are told a month before."""
    authorities, now = provider.trust.ca.authorities, provider.ground.clock.now()
    try:
        current = authorities.current()
    except NoAuthority:
        mend = "prajak ca request, the ceremony, prajak ca import: docs/operating.md"
        return Finding("certificates", WARNING, "no certificate authority yet: nothing can be signed", mend)
    name, ends_at = min(authorities.list_ends().items(), key=lambda each: each[1], default=("", NEVER))
    if ends_at <= now + LIST_WARNING:
        state = BROKEN if ends_at <= now else WARNING
        mend = f"prajak ca root-crl where {name} is kept, then prajak ca import-crl"
        return Finding("certificates", state, f"the revocation list of {name} ends on {ends_at:%Y-%m-%d}", mend)
    ends_at, needed = current.certificate.not_valid_after_utc, provider.trust.ca.practice.profiles["officer"].validity
    if ends_at <= now + needed:
        mend = "prajak ca request: the next generation, before certificates are cut short"
        return Finding("certificates", WARNING, f"{current.name} ends on {ends_at:%Y-%m-%d}", mend)
    return Finding("certificates", OK, f"{current.name} certifies until {ends_at:%Y-%m-%d}")


def check_disk(provider: Provider) -> Finding:
    free = shutil.disk_usage(provider.ground.settings.data_dir).free
    if free < LEAST_DISK:
        return Finding("disk", BROKEN, f"{free // 1024**2} MiB free", "make room below PRAJAK_DATA_DIR")
    return Finding("disk", OK, f"{free // 1024**3} GiB free")


CHECKS: dict[str, Callable[[Provider], Finding]] = {
    "schema": check_schema,
    "ephemeral": check_ephemeral,
    "keys": check_keys,
    "envelope": check_envelope,
    "erasures": check_erasures,
    "audit": check_audit,
    "registry": check_registry,
    "delivery": check_delivery,
    "attestation": check_attestation,
    "mutual TLS": check_mtls,
    "clock": check_clock,
    "time-stamps": check_time_stamps,
    "certificates": check_authorities,
    "disk": check_disk,
}
