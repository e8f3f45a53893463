"""RFC 6749 section 6, RFC 9700 section 4.14, OpenID Connect Core sections 11 and 12: refreshing, and what ends it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from joserfc.jwk import ECKey
from sqlalchemy import select, update

from core.audit import AuditEntry
from enrollment.models.account import Account, AccountStatus
from idp.interaction.session_row import Session
from idp.models.grant import load_grants, revoke_grant
from idp.models.refresh_token import RefreshToken
from idp.oauth2.refresh_token import open_successor, seal_successor
from tests.idp.decoupled import DEVICE_CODE, approve_device, ask, device_client, poll_device
from tests.idp.provider import Agency, query_of
from tests.protocol.requirement import requirement

GRANTS = ["authorization_code", "refresh_token"]
OFFLINE = "openid profile offline_access"


@pytest.fixture
def agency(provider) -> Agency:
    return provider.agency("refreshing", grant_types=GRANTS, scope="openid profile email offline_access")


@pytest.fixture
def native(provider) -> Agency:
    """A public client."""
    return provider.agency(
        "native",
        grant_types=GRANTS,
        scope=OFFLINE,
        application_type="native",
        token_endpoint_auth_method="none",
        redirect_uris=["http://127.0.0.1/callback"],
    )


def refresh(agency: Agency, token: str, *, key: ECKey | None = None, dpop: bool = False, **form: Any):
    data = {"grant_type": "refresh_token", "refresh_token": token} | agency.authentication() | form
    headers = {"DPoP": agency.proof("POST", "/token", key=key)} if dpop or key else {}
    return agency.provider.browser().post("/token", data=data, headers=headers)


def refreshed(agency: Agency, token: str, **form: Any) -> dict[str, Any]:
    answer = refresh(agency, token, **form)
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json
    return tokens


def assert_dead(agency: Agency, *tokens: str) -> None:
    for token in tokens:
        answer = refresh(agency, token)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant"), answer.text


def events(agency: Agency) -> list[tuple[str, str]]:
    with agency.provider.ground.database.read() as connection:
        found = connection.execute(select(AuditEntry.event, AuditEntry.reason).order_by(AuditEntry.number))
        return [(row.event, row.reason) for row in found]


# Issuing ------------------------------------------------------------------------------------------------------------


@requirement("RFC 6749", "5.1", "MAY")
@requirement("OIDC Core", "11", "MAY")
def test_a_refresh_token_comes_with_offline_access(agency, browser):
    tokens = agency.sign_in(browser, scope=OFFLINE)
    assert tokens["scope"] == OFFLINE
    assert tokens["refresh_token"]


def test_a_client_that_is_not_registered_for_the_grant_gets_none(provider, browser):
    plain = provider.agency("plain", scope="openid profile")
    assert "refresh_token" not in plain.sign_in(browser, scope="openid profile")


def test_a_device_stays_connected_with_offline_access_and_not_without(provider, browser):
    """It has no session of its own to end with (RFC 8628)."""
    device = device_client(provider, grant_types=[DEVICE_CODE, "refresh_token"], scope=OFFLINE)
    for scope, stays in ((OFFLINE, True), ("openid profile", False)):
        told = ask(device, scope=scope).json
        approve_device(device, browser, told["user_code"])
        tokens = poll_device(device, told["device_code"]).json
        assert ("refresh_token" in tokens) is stays
        if stays:
            assert device.userinfo(refreshed(device, tokens["refresh_token"])["access_token"]).status_code == 200


@requirement("RFC 6749", "10.4", "MUST")
def test_the_database_keeps_no_refresh_token(agency, browser):
    token = agency.sign_in(browser, scope=OFFLINE)["refresh_token"]
    with agency.provider.ground.database.read() as connection:
        row = connection.execute(select(RefreshToken.__table__)).one()
    assert token not in str(row)
    assert token[22:].encode() not in row.token_hash


# Refreshing ---------------------------------------------------------------------------------------------------------


@requirement("RFC 6749", "6", "MUST")
def test_a_refresh_gives_a_new_access_token_and_a_new_refresh_token(agency, browser):
    first = agency.sign_in(browser, scope=OFFLINE)
    second = refreshed(agency, first["refresh_token"])
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] != first["refresh_token"]
    assert second["token_type"] == "Bearer"
    assert agency.userinfo(second["access_token"]).json["given_name"] == "Somchai"
    assert refresh(agency, second["refresh_token"]).headers["Cache-Control"] == "no-store"


@requirement("OIDC Core", "12.2", "MUST")
@requirement("OIDC Core", "12.2", "SHOULD NOT")
def test_the_refreshed_id_token_is_of_the_same_person_at_the_same_time(agency, browser, clock):
    first = agency.sign_in(browser, scope=OFFLINE)
    clock.advance(timedelta(minutes=7))
    second = refreshed(agency, first["refresh_token"])
    before, after = agency.verified(first["id_token"]), agency.verified(second["id_token"])
    assert {name: after[name] for name in ("iss", "sub", "aud", "auth_time", "acr", "amr")} == {
        name: before[name] for name in ("iss", "sub", "aud", "auth_time", "acr", "amr")
    }
    assert after["iat"] == before["iat"] + 7 * 60
    assert "nonce" not in after


@requirement("RFC 6749", "6", "MUST NOT")
def test_the_scope_cannot_grow(agency, browser):
    token = agency.sign_in(browser, scope=OFFLINE)["refresh_token"]
    answer = refresh(agency, token, scope="openid email")
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_scope")
    assert refreshed(agency, token)["scope"] == OFFLINE, "a refused request does not use the token up"


@requirement("RFC 6749", "6", "MUST")
def test_a_narrower_scope_holds_for_that_token_and_not_for_the_next(agency, browser):
    token = agency.sign_in(browser, scope=OFFLINE)["refresh_token"]
    narrow = refreshed(agency, token, scope="openid")
    assert narrow["scope"] == "openid"
    assert set(agency.userinfo(narrow["access_token"]).json) == {"sub"}
    assert refreshed(agency, narrow["refresh_token"])["scope"] == OFFLINE


def test_without_openid_no_id_token_is_given(agency, browser):
    token = agency.sign_in(browser, scope=OFFLINE)["refresh_token"]
    assert "id_token" not in refreshed(agency, token, scope="profile")


@requirement("RFC 6749", "6", "MUST")
def test_a_refresh_token_is_worth_nothing_at_another_client(provider, agency, browser):
    token = agency.sign_in(browser, scope=OFFLINE)["refresh_token"]
    assert_dead(provider.agency("thief", grant_types=GRANTS, scope=OFFLINE), token)
    refreshed(agency, token)


@requirement("RFC 6749", "6", "MUST")
def test_a_confidential_client_must_authenticate(agency, browser):
    token = agency.sign_in(browser, scope=OFFLINE)["refresh_token"]
    data = {"grant_type": "refresh_token", "refresh_token": token, "client_id": agency.client_id}
    answer = agency.provider.browser().post("/token", data=data)
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("token", ["x", "ก" * 30, "A" * 65, "A" * 9000, " "])
def test_what_is_no_refresh_token_is_an_invalid_grant(agency, token):
    assert_dead(agency, token)


def test_it_is_missing(agency):
    answer = refresh(agency, "")
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


# Rotation -----------------------------------------------------------------------------------------------------------


@pytest.mark.both_backends
def test_within_the_grace_a_replay_gets_the_same_successor(agency, browser, clock):
    token = agency.sign_in(browser, scope=OFFLINE)["refresh_token"]
    first = refreshed(agency, token)
    clock.advance(timedelta(seconds=29))
    again = refreshed(agency, token)
    assert again["refresh_token"] == first["refresh_token"]
    assert again["access_token"] != first["access_token"]
    refreshed(agency, again["refresh_token"])


@requirement("RFC 9700", "4.14.2", "MUST")
def test_a_replay_after_the_grace_kills_the_family(agency, browser, clock):
    token = agency.sign_in(browser, scope=OFFLINE)["refresh_token"]
    first = refreshed(agency, token)
    clock.advance(timedelta(seconds=31))
    assert_dead(agency, token, first["refresh_token"])
    assert agency.userinfo(first["access_token"]).status_code == 401
    assert ("refresh_token.replayed", "replayed") in events(agency)


@pytest.mark.both_backends
def test_the_grace_answers_three_replays_and_the_fourth_kills_the_family(agency, browser):
    token = agency.sign_in(browser, scope=OFFLINE)["refresh_token"]
    successors = {refreshed(agency, token)["refresh_token"] for _ in range(4)}
    assert len(successors) == 1
    assert_dead(agency, token, *successors)


@requirement("RFC 9700", "4.14.2", "MUST")
def test_the_grace_ends_when_the_successor_was_used(agency, browser):
    """Whoever used the successor has it: a second bearer of its predecessor is a thief, or met one."""
    first = agency.sign_in(browser, scope=OFFLINE)["refresh_token"]
    second = refreshed(agency, first)["refresh_token"]
    third = refreshed(agency, second)["refresh_token"]
    assert_dead(agency, first, second, third)
    assert ("refresh_token.replayed", "rotated long ago") in events(agency)


def test_a_replayed_code_kills_the_refresh_token_too(agency, browser):
    code = agency.code(browser, scope=OFFLINE)
    token = agency.redeem(code).json["refresh_token"]
    assert agency.redeem(code).json["error"] == "invalid_grant"
    assert_dead(agency, token)


def test_the_successor_opens_for_its_predecessor_alone():
    sealed = seal_successor("predecessor", "successor")
    assert open_successor("predecessor", sealed) == "successor"
    with pytest.raises(InvalidTag):
        open_successor("another", sealed)


@requirement("FAPI 2.0 SP", "5.3.2.1", "MUST NOT")
def test_a_fapi_client_keeps_its_refresh_token(provider, browser):
    fapi = provider.agency("fapi", grant_types=GRANTS, scope=OFFLINE, prajak_profile="fapi2-security")
    answer = fapi.walk(browser, browser.get(fapi.pushed_url(scope=OFFLINE)))
    token = fapi.redeem(query_of(answer)["code"], dpop=fapi.proof("POST", "/token")).json["refresh_token"]
    for _ in range(6):
        tokens = refreshed(fapi, token, dpop=True)
        assert "refresh_token" not in tokens
        assert tokens["token_type"] == "DPoP"


# Keys ---------------------------------------------------------------------------------------------------------------


def bound_sign_in(client: Agency, browser) -> str:
    answer = client.redeem(client.code(browser, scope=OFFLINE), dpop=client.proof("POST", "/token"))
    assert answer.json["token_type"] == "DPoP", answer.text
    return str(answer.json["refresh_token"])


@requirement("RFC 9449", "5", "MUST")
def test_a_public_client_s_refresh_token_is_bound_to_its_key(native, browser):
    token = bound_sign_in(native, browser)
    assert_dead(native, token)
    other = ECKey.generate_key("P-256", private=True)
    assert refresh(native, token, key=other).json["error"] == "invalid_grant"
    assert refreshed(native, token, dpop=True)["token_type"] == "DPoP"


@requirement("RFC 9449", "5", "MUST NOT")
def test_a_confidential_client_may_refresh_with_a_new_key(agency, browser):
    token = bound_sign_in(agency, browser)
    other = ECKey.generate_key("P-256", private=True)
    assert refreshed(agency, token, key=other)["token_type"] == "DPoP"


def test_the_grace_is_for_the_key_that_rotated(agency, browser):
    token = bound_sign_in(agency, browser)
    first = refreshed(agency, token, dpop=True)["refresh_token"]
    assert refreshed(agency, token, dpop=True)["refresh_token"] == first
    other = ECKey.generate_key("P-256", private=True)
    assert refresh(agency, token, key=other).json["error"] == "invalid_grant"
    assert_dead(agency, first)


@requirement("RFC 9700", "2.2.2", "MUST")
def test_a_public_client_without_a_key_rotates(native, browser, clock):
    token = native.sign_in(browser, scope=OFFLINE)["refresh_token"]
    successor = refreshed(native, token)["refresh_token"]
    clock.advance(timedelta(minutes=1))
    assert_dead(native, token, successor)


# What ends it -------------------------------------------------------------------------------------------------------


def sign_out(agency: Agency) -> None:
    with agency.provider.ground.database.write() as connection:
        sid = connection.execute(select(Session.sid)).scalar_one()
        assert agency.provider.sessions.end(connection, sid, reason="signed out")


@requirement("OIDC Core", "11", "MUST")
@requirement("OIDC Back-Channel Logout", "2.7", "SHOULD NOT")
def test_offline_access_outlives_the_session(agency, browser):
    tokens = agency.sign_in(browser, scope=OFFLINE)
    sign_out(agency)
    assert agency.userinfo(tokens["access_token"]).status_code == 401
    again = refreshed(agency, tokens["refresh_token"])
    assert agency.userinfo(again["access_token"]).status_code == 200
    assert "sid" not in agency.verified(again["id_token"])


@pytest.mark.both_backends
@requirement("OIDC Back-Channel Logout", "2.7", "SHOULD")
def test_without_offline_access_it_ends_with_the_session(agency, browser):
    token = agency.sign_in(browser, scope="openid profile")["refresh_token"]
    token = refreshed(agency, token)["refresh_token"]
    sign_out(agency)
    assert_dead(agency, token)


def test_signing_out_everywhere_cuts_off_what_stays_connected(agency, browser):
    """After a recovery, a report, or a lost device."""
    tokens = agency.sign_in(browser, scope=OFFLINE)
    sign_out(agency)
    again = refreshed(agency, tokens["refresh_token"])
    with agency.provider.ground.database.write() as connection:
        account_id = connection.execute(select(RefreshToken.account_id)).scalar_one()
        agency.provider.sessions.end_all(connection, account_id, reason="signed out everywhere")
    assert agency.userinfo(again["access_token"]).status_code == 401
    assert_dead(agency, again["refresh_token"])


def test_withdrawn_consent_ends_it(agency, browser):
    tokens = agency.sign_in(browser, scope=OFFLINE)
    database, now = agency.provider.ground.database, agency.provider.ground.clock.now()
    with database.write() as connection:
        account_id = connection.execute(select(RefreshToken.account_id)).scalar_one()
        (grant,) = load_grants(connection, account_id)
        assert revoke_grant(connection, grant.id, account_id=account_id, now=now)
    assert_dead(agency, tokens["refresh_token"])


def test_an_account_that_is_not_in_force_gets_nothing(agency, browser):
    token = agency.sign_in(browser, scope=OFFLINE)["refresh_token"]
    with agency.provider.ground.database.write() as connection:
        connection.execute(update(Account).values(status=AccountStatus.SUSPENDED))
    assert_dead(agency, token)


@pytest.mark.parametrize(("step", "times"), [(timedelta(days=14), 1), (timedelta(days=10), 9)])
@requirement("RFC 9700", "4.14.2", "SHOULD")
def test_it_ends_when_it_is_not_used_and_when_it_is_old(agency, browser, clock, step, times):
    token = agency.sign_in(browser, scope=OFFLINE)["refresh_token"]
    for _ in range(times - 1):
        clock.advance(step)
        token = refreshed(agency, token)["refresh_token"]
    clock.advance(step)
    assert_dead(agency, token)


def test_rows_that_are_over_are_purged(provider, agency, browser, clock):
    agency.sign_in(browser, scope=OFFLINE)
    provider.server.purge()
    assert len(rows(provider)) == 1
    clock.advance(timedelta(days=15))
    provider.server.purge()
    assert not rows(provider)


def rows(provider) -> list[Any]:
    with provider.ground.database.read() as connection:
        return list(connection.execute(select(RefreshToken.__table__)))
