"""A setting that cannot be used is named, and refuses to start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.ground import Ground
from core.installation import check_installation
from core.settings import SettingsError, load_settings
from tests.protocol.requirement import requirement

NOWHERE = Path("does-not-exist.toml")


def test_the_sandbox_starts_without_any_setting():
    settings = load_settings({"PRAJAK_SANDBOX": "1"}, NOWHERE)
    assert (settings.issuer, settings.rp_id) == ("http://localhost:8080", "localhost")
    assert settings.database_url == "sqlite:///var/8080/prajak.db"
    assert settings.insecure_loopback


def test_the_environment_goes_before_the_file(tmp_path: Path):
    toml = tmp_path / "prajak.toml"
    toml.write_text('issuer = "https://file.example"\nlog_level = "debug"\n')
    settings = load_settings({"PRAJAK_ISSUER": "https://environment.example"}, toml)
    assert (settings.issuer, settings.log_level) == ("https://environment.example", "debug")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ISSUER", "http://id.example"),
        ("ISSUER", "https://id.example/"),
        ("ISSUER", "https://id.example?x"),
        ("SANDBOX", "yes"),
        ("KEYS_URL", "vault:somewhere"),
        ("TSA_URL", "https://tsa.example"),  # without PRAJAK_TSA_TRUST anybody could stamp
        ("TSA_URL", "ftp://tsa.example"),
        ("TSA_NTP", "sometimes"),
        ("OCSP_URL", "ldap://ocsp.example"),
        ("OCSP_URL", "http://ocsp.example/?x"),
        ("TRUSTED_PROXIES", "not an address"),
        ("DPOP_NONCES", "sometimes"),
        ("MTLS_URL", "http://mtls.example"),
        ("MTLS_URL", "https://mtls.example/"),
        ("MTLS_URL", "https://mtls.example?x"),
        ("MTLS_URL", "https://mtls.example"),
    ],
)
@requirement("OIDC Discovery", "3", "MUST")
@requirement("RFC 8414", "2", "MUST")
@requirement("RFC 6749", "3.1", "MUST")
def test_what_cannot_be_used_is_named(name: str, value: str):
    with pytest.raises(SettingsError, match=name):
        load_settings({"PRAJAK_ISSUER": "https://id.example", f"PRAJAK_{name}": value}, NOWHERE)


def test_mutual_tls_has_a_host_of_its_own_and_a_proxy_that_is_trusted():
    told = {"PRAJAK_ISSUER": "https://id.example", "PRAJAK_TRUSTED_PROXIES": "10.0.0.1"}
    settings = load_settings(told | {"PRAJAK_MTLS_URL": "https://id.example:8443"}, NOWHERE)
    assert settings.mtls_url == "https://id.example:8443"
    for changed in (
        {"PRAJAK_MTLS_URL": "https://id.example"},
        {"PRAJAK_MTLS_URL": "https://id.example:8443", "PRAJAK_TRUSTED_PROXIES": "10.0.0.1, ::/0"},
    ):
        with pytest.raises(SettingsError, match="MTLS_URL"):
            load_settings(told | changed, NOWHERE)


def test_outside_the_sandbox_an_issuer_must_be_named():
    with pytest.raises(SettingsError, match="PRAJAK_ISSUER"):
        load_settings({}, NOWHERE)


@pytest.mark.both_backends
@pytest.mark.parametrize(
    ("changed", "setting"),
    [
        ({"sandbox": False}, "PRAJAK_SANDBOX"),
        ({"issuer": "http://localhost:9000"}, "PRAJAK_ISSUER"),
        ({"rp_id": "example.org"}, "PRAJAK_RP_ID"),
    ],
)
def test_a_database_refuses_to_start_for_what_it_was_not_made_for(
    ground: Ground, changed: dict[str, object], setting: str
):
    check_installation(ground)
    check_installation(ground)
    other = replace(ground, settings=replace(ground.settings, **changed))
    with pytest.raises(SettingsError, match=setting):
        check_installation(other)


def test_outside_time_stamp_authorities_keep_their_order():
    given = {"PRAJAK_SANDBOX": "1", "PRAJAK_TSA_URL": "https://b.example http://a.example", "PRAJAK_TSA_TRUST": "roots"}
    assert load_settings(given, toml=NOWHERE).tsa_urls == ("https://b.example", "http://a.example")


def test_our_own_stamps_need_a_synchronised_clock_outside_the_sandbox():
    assert not load_settings({"PRAJAK_SANDBOX": "1"}, toml=NOWHERE).tsa_ntp
    production = {"PRAJAK_ISSUER": "https://id.example", "PRAJAK_KEYS_PASSPHRASE_FILE": "passphrase"}
    assert load_settings(production, toml=NOWHERE).tsa_ntp
