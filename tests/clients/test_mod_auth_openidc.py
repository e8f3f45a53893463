"""Debian's mod_auth_openidc over TLS: an application that knows nothing of OpenID Connect is served to who signed in."""

from __future__ import annotations

from tests.backends import free_port, scratch
from tests.clients.apache import apache, origin_of


def test_a_citizen_reaches_the_application_refreshes_and_signs_out(secure, citizen):
    port = free_port()
    origin = origin_of(port)
    registered = secure.register(
        redirect_uris=[f"{origin}/callback"],
        post_logout_redirect_uris=[f"{origin}/"],
        grant_types=["authorization_code", "refresh_token"],
        scope="openid profile offline_access",
        token_endpoint_auth_method="client_secret_basic",
    )
    with apache(port, secure, registered):
        citizen.open(f"{origin}/")
        page = citizen.sign_in_as("malee")
        assert "The application" in page.text, said(port)
        told = known(citizen, origin)
        assert told["id_token"]["sub"] == told["userinfo"]["sub"]
        citizen.http.get(f"{origin}/callback", params={"refresh": f"{origin}/", "access_token": told["access_token"]})
        assert known(citizen, origin)["access_token"] != told["access_token"], said(port)
        citizen.open(f"{origin}/callback?logout={origin}/")
        citizen.press("logout-confirm")
        assert citizen.sees("sandbox-sign-in"), "the application asks again who it is"


def test_a_refusal_reaches_the_application_that_asks_by_form_post(secure, citizen):
    """By query this module takes an error with `iss` (RFC 9207) for a login begun elsewhere, and asks again."""
    port = free_port()
    origin = origin_of(port)
    registered = secure.register(
        redirect_uris=[f"{origin}/callback"],
        grant_types=["authorization_code", "refresh_token"],
        scope="openid profile offline_access",
        token_endpoint_auth_method="client_secret_basic",
    )
    with apache(port, secure, registered, "OIDCResponseMode form_post"):
        citizen.open(f"{origin}/")
        citizen.sign_in_as("malee", consent="deny")
        page = citizen.submit(f"{origin}/callback")
        assert "access_denied" in page.text, said(port)
        assert "The application" not in page.text


def known(citizen, origin):
    """What the module knows of the session."""
    return citizen.http.get(f"{origin}/callback", params={"info": "json"}).json()


def said(port):
    return (scratch() / f"apache-{port}" / "error.log").read_text("utf-8")
