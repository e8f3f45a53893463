"""`prajak demo`: who and what is there afterwards, and that twice does no harm."""

from __future__ import annotations

import json
import ssl
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from core.assurance import AAL
from core.outbox import OutboxMessage
from core.settings import Settings, SettingsError
from enrollment.civil_registry.fictional_people import people
from enrollment.models import Account, Passkey
from idp.app import signing_officers
from idp.composition import Provider, compose
from idp.models.membership import Membership, Role, load_memberships
from idp.sandbox.seed import DemoFacts, seed
from tests.backends import EMBEDDED, backend_of

CLIENTS = ["demo-a", "demo-b", "demo-native", "demo-dpop", "demo-mtls", "demo-fapi", "demo-basic"]


@pytest.fixture(scope="module")
def provider(tmp_path_factory) -> Iterator[Provider]:
    folder: Path = tmp_path_factory.mktemp("seed")
    with backend_of(EMBEDDED, folder) as backend:
        settings = Settings(
            issuer="http://localhost:8080", rp_id="localhost", database_url=backend.database_url,
            keys_url=f"file:{folder}/keys", sandbox=True, data_dir=folder, registry_url="http://localhost:8083",
        )  # fmt: skip
        made = compose(settings)
        from idp.app import own_metadata
        from idp.own_clients import register_own_client

        register_own_client(made, own_metadata(made))
        yield made
        made.close()


@pytest.fixture(scope="module")
def facts(provider) -> DemoFacts:
    return seed(provider, signing_officers(provider))


def account_of(provider: Provider, name: str) -> str:
    found = provider.accounts.find_by_name(name)
    assert found is not None, name
    return found


def test_citizens_stand_at_each_level_under_their_stable_names(provider, facts):
    wanted = {each["name"]: each["level"] for each in facts["people"] if each["role"] == "citizen"}
    assert {"somchai", "malee", *(f"user{number}" for number in range(32))} <= set(wanted)
    assert wanted["somchai"] == "ial2.1"
    assert wanted["malee"] == "ial1.3"
    assert set(wanted.values()) == {f"ial{level}" for level in ("1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "3")}
    for name, level in wanted.items():
        assert f"ial{provider.accounts.identity(account_of(provider, name)).ial}" == level


def test_citizens_are_people_of_the_fictional_register(provider, facts):
    registered = {person.citizen_number for person in people()}
    for each in facts["people"]:
        if each["role"] == "citizen":
            assert provider.accounts.attributes(account_of(provider, each["name"])).citizen_number in registered


def test_every_role_is_held_in_both_offices(provider, facts):
    held = {(each["role"], each["agency"]) for each in facts["people"] if each["role"] != "citizen"}
    assert held == {(role.value, agency["name"]) for role in Role for agency in facts["agencies"]}
    assert len({agency["sector"] for agency in facts["agencies"]}) == 2
    with provider.ground.database.read() as connection:
        for each in facts["people"]:
            if each["role"] != "citizen":
                offices = load_memberships(connection, account_of(provider, each["name"]))
                assert [role for _agency, _office, role in offices] == [each["role"]]


def test_officers_hold_a_key_at_aal3_and_citizens_one_at_aal2(provider, facts):
    for each in facts["people"]:
        (passkey,) = provider.accounts.passkeys(account_of(provider, each["name"]))
        assert passkey["aal"] == (AAL.AAL2 if each["role"] == "citizen" else AAL.AAL3)


def test_every_way_to_connect_has_a_client_with_its_keys(provider, facts):
    assert [client["client_id"] for client in facts["clients"]] == CLIENTS
    for client in facts["clients"]:
        keyed = client["token_endpoint_auth_method"] in ("private_key_jwt", "self_signed_tls_client_auth")
        assert keyed == ("private_key" in client)
        if keyed:
            assert Path(client["private_key"]).stat().st_mode & 0o077 == 0
    assert facts["clients"][-1]["client_secret"]


def test_the_client_of_mutual_tls_is_known_by_its_certificate(facts):
    """RFC 8705 section 2.2: the certificate is registered in `x5c`; the files are what a TLS client loads."""
    client = next(each for each in facts["clients"] if each["client_id"] == "demo-mtls")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(client["certificate"], client["private_key"])  # refuses a key of another certificate
    (key,) = client["jwks"]["keys"]
    certificate = ssl.PEM_cert_to_DER_cert(Path(client["certificate"]).read_text("utf-8"))
    assert b64decode(key["x5c"][0]) == certificate
    assert client["tls_client_certificate_bound_access_tokens"] is True


def test_a_newer_seed_renews_a_client_and_keeps_its_secret(provider, facts):
    """Data made by an older version are brought up to date; what only the server knows stays."""
    kept = Path(provider.ground.settings.data_dir, "demo", "demo-basic.json")
    old = json.loads(kept.read_text("utf-8")) | {"grant_types": ["authorization_code"], "scope": "openid"}
    kept.write_text(json.dumps(old), "utf-8")
    secret_hash = provider.server.clients.load("demo-basic").secret_hash
    assert seed(provider, signing_officers(provider)) == facts
    renewed = provider.server.clients.load("demo-basic")
    assert "refresh_token" in renewed.grant_types
    assert renewed.secret_hash == secret_hash


def test_signing_officers_and_an_agency_have_their_credentials(facts):
    assert [each["kind"] for each in facts["credentials"]] == ["officer", "officer", "seal"]
    assert facts["credentials"][0]["holder"] == "officer-anan"


def test_seeding_twice_changes_nothing(provider, facts):
    def counts() -> list[int]:
        with provider.ground.database.read() as connection:
            tables = (Account, Passkey, Membership)
            return [connection.execute(select(func.count()).select_from(each)).scalar_one() for each in tables]

    before = counts()
    assert seed(provider, signing_officers(provider)) == facts
    assert counts() == before


def test_what_an_interrupted_seeding_left_is_finished_by_the_next(provider, facts):
    from sqlalchemy import delete

    from idp.sandbox.authenticator import SandboxAuthenticator

    with provider.ground.database.write() as connection:
        connection.execute(delete(SandboxAuthenticator).where(SandboxAuthenticator.name.in_(["user3", "admin-a"])))
    assert seed(provider, signing_officers(provider)) == facts
    with provider.ground.database.read() as connection:
        names = connection.execute(select(SandboxAuthenticator.name)).scalars().all()
    assert {"user3", "admin-a"} <= set(names)


def test_enrolling_them_left_no_mail_behind_but_of_the_desk(provider, facts):
    with provider.ground.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(OutboxMessage)).scalar_one() == 0


def test_it_refuses_outside_the_sandbox(provider):
    settings = replace(provider.ground.settings, sandbox=False, issuer="https://id.example")
    outside = replace(provider, ground=replace(provider.ground, settings=settings))
    with pytest.raises(SettingsError, match="sandbox"):
        seed(outside, signing_officers(provider))
