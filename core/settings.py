"""Every setting in one place: the environment first, then `prajak.toml`. No other file reads the environment."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
LOOPBACK_NETWORKS = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class SettingsError(ValueError):
    """A setting that cannot be used; the text names it and says how to mend it."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Values are checked once, here."""

    issuer: str  # OpenID Connect Discovery section 3: the issuer identifier, no trailing slash
    rp_id: str  # WebAuthn section 4: the relying party identifier, set once
    database_url: str
    redis_url: str = ""  # empty: the database serves
    keys_url: str  # file:DIRECTORY, or a pkcs11: URI (RFC 7512)
    keys_passphrase_file: Path | None = None
    keys_kek_file: Path | None = None  # 32 random bytes that open the passphrase of file:DIRECTORY
    keys_kek_url: str = ""  # the same in a token: a pkcs11: URI
    ml_dsa: bool = False  # FIPS 204: whether keys for ML-DSA-65 may be made
    sandbox: bool = False
    data_dir: Path
    registry_url: str = ""  # the civil registry's SOAP endpoint
    smtp_url: str = ""  # smtp://user:password@host:port or smtps://
    sms_url: str = ""  # an HTTP gateway that takes {"to", "text"} as JSON
    trust_anchors: Path | None = None  # PEM file or folder, beside our own CA
    attestation_roots: Path | None = None  # PEM file or folder: whose authenticators reach AAL3
    outbound_ca: Path | None = None  # more PEM roots for outgoing TLS
    software_statement_issuers: Path | None = None  # RFC 7591 2.3: JSON, whose statements are believed, and their keys
    ca_profiles: Path | None = None  # TOML: how long certificates last, policies, names (keys/practice.py)
    mtls_url: str = ""  # RFC 8705 section 5: the base of mtls_endpoint_aliases, no trailing slash; empty: no mTLS
    mtls_trust: Path | None = None  # PEM file or folder: the authorities that certify clients (tls_client_auth)
    audit_witness: tuple[str, ...] = ()  # who keeps the audit trail's checkpoints: file:, https: and mailto: URLs
    tsa_urls: tuple[str, ...] = ()  # RFC 3161 authorities of others, in the order they are asked; empty: our own
    tsa_trust: Path | None = None  # PEM file or folder: the roots of those authorities
    tsa_ntp: bool = False  # our own stamps only while the kernel calls its clock synchronised
    ocsp_url: str = ""  # the responder's public address in certificates; empty: ISSUER/ocsp
    log_level: str = "info"
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    metrics_networks: tuple[IPv4Network | IPv6Network, ...] = LOOPBACK_NETWORKS  # who may read /metrics

    authorization_code_lifetime: timedelta = timedelta(seconds=60)  # RFC 6749 4.1.2 recommends at most ten minutes
    request_uri_lifetime: timedelta = timedelta(seconds=90)  # RFC 9126 section 2.2: 5 to 600 seconds
    access_token_lifetime: timedelta = timedelta(minutes=5)
    id_token_lifetime: timedelta = timedelta(minutes=5)
    refresh_token_lifetime: timedelta = timedelta(days=90)  # in all, however often it is used
    refresh_token_idle: timedelta = timedelta(days=14)  # RFC 9700 section 4.14.2: expires when it is not used
    refresh_token_grace: timedelta = timedelta(seconds=30)  # a rotated one still gets its successor: a lost answer
    client_assertion_lifetime: timedelta = timedelta(minutes=5)  # the longest exp - iat that is taken
    confirmation_code_lifetime: timedelta = timedelta(minutes=10)  # SP 800-63A section 3.1.8
    interaction_lifetime: timedelta = timedelta(minutes=30)
    session_idle_aal2: timedelta = timedelta(minutes=30)
    session_idle_aal3: timedelta = timedelta(minutes=15)
    session_idle_administrator: timedelta = timedelta(minutes=5)
    session_lifetime: timedelta = timedelta(hours=12)  # SP 800-63B AAL3; one rule for all
    fresh_authentication: timedelta = timedelta(minutes=5)  # what counts as fresh for a step-up
    dpop_nonces: bool = False  # RFC 9449 section 8: every proof needs a nonce of ours
    clock_skew: timedelta = timedelta(seconds=30)
    database_connect_timeout: timedelta = timedelta(seconds=5)
    database_statement_timeout: timedelta = timedelta(seconds=2.5)
    outbound_timeout: timedelta = timedelta(seconds=5)
    threads: int = 8  # per worker; never more than database_pool
    database_pool: int = 12  # threads, plus the background jobs
    max_pdf_bytes: int = 200 * 1024 * 1024
    max_form_bytes: int = 256 * 1024

    @property
    def insecure_loopback(self) -> bool:
        """True where cookies go without Secure and __Host-: http on loopback, in the sandbox, and nowhere else."""
        parts = urlsplit(self.issuer)
        return self.sandbox and parts.scheme == "http" and is_loopback_host(parts.hostname or "")


def is_loopback_host(host: str) -> bool:
    """RFC 6761 section 6.3: localhost and every name below it."""
    return host in LOOPBACK_HOSTS or host.endswith(".localhost")


def load_settings(environment: Mapping[str, str] | None = None, toml: Path = Path("prajak.toml")) -> Settings:
    """Reads `PRAJAK_*` from the environment, then `prajak.toml`; raises SettingsError naming the setting."""
    environment = os.environ if environment is None else environment
    written = tomllib.loads(toml.read_text("utf-8")) if toml.is_file() else {}

    def value(name: str, default: str = "") -> str:
        return environment.get(f"PRAJAK_{name}") or str(written.get(name.lower(), "")) or default

    sandbox = boolean("SANDBOX", value("SANDBOX", "0"))
    issuer = check_issuer(value("ISSUER", "http://localhost:8080" if sandbox else ""), sandbox=sandbox)
    port = urlsplit(issuer).port or 443
    trusted_proxies = networks("TRUSTED_PROXIES", value("TRUSTED_PROXIES"))
    data_dir = Path(value("DATA_DIR", f"var/{port}"))
    return Settings(
        issuer=issuer,
        rp_id=value("RP_ID", urlsplit(issuer).hostname or ""),
        database_url=value("DATABASE_URL", f"sqlite:///{data_dir}/prajak.db"),
        redis_url=value("REDIS_URL"),
        keys_url=check_keys_url(value("KEYS_URL", f"file:{data_dir}/keys")),
        keys_passphrase_file=path(value("KEYS_PASSPHRASE_FILE")),
        keys_kek_file=path(value("KEYS_KEK_FILE")),
        keys_kek_url=value("KEYS_KEK_URL"),
        ml_dsa=boolean("ML_DSA", value("ML_DSA", "0")),
        sandbox=sandbox,
        data_dir=data_dir,
        registry_url=value("REGISTRY_URL"),
        smtp_url=value("SMTP_URL"),
        sms_url=value("SMS_URL"),
        trust_anchors=path(value("TRUST_ANCHORS")),
        attestation_roots=path(value("ATTESTATION_ROOTS")),
        outbound_ca=path(value("OUTBOUND_CA")),
        software_statement_issuers=path(value("SOFTWARE_STATEMENT_ISSUERS")),
        tsa_urls=check_tsa_urls(value("TSA_URL"), value("TSA_TRUST")),
        tsa_trust=path(value("TSA_TRUST")),
        tsa_ntp=boolean("TSA_NTP", value("TSA_NTP", "0" if sandbox else "1")),
        ocsp_url=check_ocsp_url(value("OCSP_URL")),
        ca_profiles=path(value("CA_PROFILES")),
        dpop_nonces=boolean("DPOP_NONCES", value("DPOP_NONCES", "0")),
        audit_witness=check_audit_witness(value("AUDIT_WITNESS"), sandbox=sandbox),
        log_level=value("LOG_LEVEL", "info").lower(),
        mtls_url=check_mtls_url(value("MTLS_URL"), issuer, trusted_proxies),
        mtls_trust=path(value("MTLS_TRUST")),
        trusted_proxies=trusted_proxies,
        metrics_networks=networks("METRICS_NETWORKS", value("METRICS_NETWORKS")) or LOOPBACK_NETWORKS,
    )


def check_issuer(issuer: str, *, sandbox: bool) -> str:
    """OpenID Connect Discovery section 3: https, no query, no fragment; http only on loopback in the sandbox."""
    parts = urlsplit(issuer)
    if not parts.hostname or parts.query or parts.fragment or issuer.endswith("/"):
        raise SettingsError("PRAJAK_ISSUER must be a URL without a query, a fragment or a slash at its end")
    if parts.scheme == "https" or (parts.scheme == "http" and sandbox and is_loopback_host(parts.hostname)):
        return issuer
    raise SettingsError("PRAJAK_ISSUER must be https (http only on loopback with PRAJAK_SANDBOX=1)")


def check_mtls_url(url: str, issuer: str, trusted_proxies: tuple[IPv4Network | IPv6Network, ...]) -> str:
    """RFC 8705 section 5: a listener of its own, whose proxy says which certificate it saw (RFC 9440)."""
    if not url:
        return ""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or url.endswith("/"):
        raise SettingsError("PRAJAK_MTLS_URL must be an https URL without a query, a fragment or a slash at its end")
    if parts.netloc == urlsplit(issuer).netloc:
        raise SettingsError("PRAJAK_MTLS_URL must be another host or port than the issuer's: browsers would be asked")
    if not trusted_proxies:
        raise SettingsError("PRAJAK_MTLS_URL needs PRAJAK_TRUSTED_PROXIES: the proxy whose Client-Cert is believed")
    if any(network.prefixlen == 0 for network in trusted_proxies):
        raise SettingsError("PRAJAK_MTLS_URL with PRAJAK_TRUSTED_PROXIES of every address: anybody could be any client")
    return url


def check_audit_witness(text: str, *, sandbox: bool) -> tuple[str, ...]:
    """What `keys.audit_witness` knows to hand a checkpoint to; a name that it does not is no witness."""
    witnesses = tuple(dict.fromkeys(text.split()))
    for each in witnesses:
        parts = urlsplit(each)
        plain = sandbox and parts.scheme == "http" and is_loopback_host(parts.hostname or "")
        is_file = parts.scheme == "file" and not parts.netloc and parts.path.startswith("/")
        is_mail = parts.scheme == "mailto" and "@" in parts.path and not parts.query
        if not (is_file or is_mail or plain or (parts.scheme == "https" and parts.hostname)):
            raise SettingsError("PRAJAK_AUDIT_WITNESS takes file:/PATH, https://… and mailto:ADDRESS, parted by spaces")
    return witnesses


def check_tsa_urls(text: str, trust: str) -> tuple[str, ...]:
    """Parted by spaces. Plain http is usual among time-stamp authorities, and safe: what they answer is signed."""
    urls = tuple(text.split())
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.fragment:
            raise SettingsError("PRAJAK_TSA_URL must be http or https URLs, parted by spaces")
    if urls and not trust:
        raise SettingsError("PRAJAK_TSA_URL needs PRAJAK_TSA_TRUST: the roots that their time-stamps must lead to")
    return urls


def check_ocsp_url(url: str) -> str:
    """It stands in certificates for their whole life; RFC 6960 appendix A.1 appends to it."""
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
        raise SettingsError("PRAJAK_OCSP_URL must be an http or https URL without a query or a fragment")
    return url


def check_keys_url(url: str) -> str:
    if not url.startswith(("file:", "pkcs11:")):
        raise SettingsError("PRAJAK_KEYS_URL must be file:DIRECTORY or a pkcs11: URI (RFC 7512)")
    return url


def boolean(name: str, text: str) -> bool:
    if text not in ("0", "1"):
        raise SettingsError(f"PRAJAK_{name} must be 0 or 1")
    return text == "1"


def path(text: str) -> Path | None:
    return Path(text) if text else None


def networks(name: str, text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise SettingsError(f"PRAJAK_{name} must be addresses or networks, parted by commas") from error
