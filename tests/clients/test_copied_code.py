"""An agency's developer registers a service, copies the code, runs it, and test citizens sign in to it for real."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from tests.backends import free_port
from tests.clients import application

DEVELOPER, CITIZEN = "developer-a", "somchai"
EVERY = [
    ("app.py", "oidc-basic"),
    ("app.mjs", "oidc-basic"),
    ("app.py", "fapi2-security"),
    ("app.mjs", "fapi2-security"),
    ("app.mjs", "fapi2-message-signing"),
]


@pytest.fixture(params=EVERY, ids=" ".join)
def copied(request, provider, visitor, tmp_path: Path, node_modules: Path):
    """(client_id, origin) of the running application."""
    file_name, profile = request.param
    port, key = free_port(), ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    developer = visitor()
    developer.open(f"{provider.issuer}/console")
    developer.sign_in_as(DEVELOPER)
    developer.open(f"{provider.issuer}/console/clients/new")
    page = developer.press("save", **typed(f"http://localhost:{port}", profile, key))
    assert "/console/clients/" in str(page.url), page.text
    client_id = str(page.url).rpartition("/")[2]
    code = developer.open(f"{provider.issuer}/console/clients/{client_id}/code/{file_name}").text
    application.write(tmp_path, file_name, code, key)
    (tmp_path / "node_modules").symlink_to(node_modules)
    with application.running(tmp_path, file_name, port):
        yield client_id, f"http://localhost:{port}"


def typed(origin: str, profile: str, key: ECKey) -> dict[str, str]:
    form = {
        "name_th": "บริการทดสอบ",
        "name_en": "Copied code",
        "profile": profile,
        "redirect_uris": f"{origin}/callback",
        "post_logout_redirect_uris": f"{origin}/signed-out",
        "key_source": "jwks",
        "jwks": json.dumps(key.as_dict(private=False)),
    }
    for claim in ("given_name", "verified_claims"):
        form |= {
            f"claim-{claim}": "1",
            f"purpose_th-{claim}": "เพื่อทดสอบ",
            f"purpose-{claim}": "To test",
            f"legal_basis-{claim}": "public_task",
        }
    return form


def test_a_citizen_signs_in_to_the_copied_code_and_out_again(provider, visitor, copied):
    client_id, origin = copied
    citizen = visitor()
    citizen.open(f"{origin}/login")
    answer = citizen.sign_in_as(CITIZEN)
    assert str(answer.url).startswith(f"{origin}/callback"), answer.text
    released = answer.json()
    id_token, userinfo = released["id_token"], released["userinfo"]
    assert id_token["iss"] == provider.issuer
    assert client_id in (id_token["aud"], *id_token["aud"])
    assert id_token["acr"].startswith("urn:prajak:sandbox:ial")
    assert userinfo["sub"] == id_token["sub"]
    assert userinfo["verified_claims"]["claims"]["given_name#th"]
    citizen.open(f"{origin}/logout")
    assert "Signed out" in citizen.press("logout-confirm").text


@pytest.mark.parametrize("copied", EVERY[:2], indirect=True, ids=" ".join)
def test_a_citizen_who_refuses_is_told_to_the_copied_code(visitor, copied):
    _client_id, origin = copied
    citizen = visitor()
    citizen.open(f"{origin}/login")
    answer = citizen.sign_in_as(CITIZEN, consent="deny")
    assert "access_denied" in answer.text
