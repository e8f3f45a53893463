"""The sandbox's clients, one for each way to connect, with their keys in the demo's folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from joserfc.jwk import ECKey

from core.ground import Ground
from idp.models.client import Clients, ClientStatus
from idp.registration.client_registration import Registration
from idp.registration.rules import CIBA, DEVICE_CODE
from idp.sandbox.client_certificate import certified_key

BY = "sandbox"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - RFC 8693
TOLD = ("client_id", "client_id_issued_at", "client_secret", "client_secret_expires_at")
PURPOSES = {
    "name": ("To address you", "เพื่อใช้ในการติดต่อกับท่าน"),
    "birthdate": ("To check what depends on age", "เพื่อตรวจสอบเงื่อนไขที่ขึ้นกับอายุ"),
    "email": ("To write to you about your request", "เพื่อแจ้งผลคำขอของท่าน"),
    "verified_claims": ("To be sure who you are", "เพื่อให้มั่นใจว่าเป็นท่านจริง"),
    "given_name": ("To name the person concerned", "เพื่อระบุชื่อผู้ยื่นคำขอ"),
    "family_name": ("To name the person concerned", "เพื่อระบุชื่อผู้ยื่นคำขอ"),
}


class DemoClients:
    """`folder` is `var/PORT/demo`."""

    def __init__(self, ground: Ground, clients: Clients) -> None:
        self.ground = ground
        self.registration = Registration(ground, clients)
        self.folder = ground.settings.data_dir / "demo"
        self.folder.mkdir(parents=True, exist_ok=True)

    def settle(self, agencies: Mapping[str, str]) -> list[dict[str, Any]]:
        """Registers what is missing and renews what is wanted otherwise now; the facts of every client."""
        port = urlsplit(self.ground.settings.issuer).port or 443
        return [self._client(name, wanted, agencies) for name, wanted in metadata(port).items()]

    def _client(self, name: str, wanted: dict[str, Any], agencies: Mapping[str, str]) -> dict[str, Any]:
        kept, keys = self.folder / f"{name}.json", self._keys(name, wanted["token_endpoint_auth_method"])
        wanted |= {"jwks": {"keys": [keys[0]]}} if keys else {}
        if self.registration.show(name) is None:
            agency_id = agencies["b" if name == "demo-b" else "a"]
            registered = self.registration.register(
                wanted, by=BY, agency_id=agency_id, status=ClientStatus.SANDBOX, client_id=name
            )
            write_private(kept, registered)
        facts = self._renewed(name, wanted, kept)
        return facts | (keys[1] if keys else {})

    def _renewed(self, name: str, wanted: dict[str, Any], kept: Path) -> dict[str, Any]:
        """What a newer seed wants is registered; what a developer changed since in the console stays."""
        facts: dict[str, Any] = json.loads(kept.read_text("utf-8"))
        prepared = self.registration.prepare(wanted)
        told = {member: facts[member] for member in TOLD if member in facts}
        if facts != told | prepared.metadata:
            with self.ground.database.write() as connection:
                self.registration.change(connection, name, prepared, by=BY)
            facts = told | prepared.metadata
            write_private(kept, facts)
        return facts

    def _keys(self, name: str, method: str) -> tuple[dict[str, Any], dict[str, str]] | None:
        """The public key that it registers, and where the private one is."""
        if method == "private_key_jwt":
            file = self.folder / f"{name}.jwk.json"
            return public_key(file), {"private_key": str(file)}
        if method == "self_signed_tls_client_auth":
            key = certified_key(self.folder, name, self.ground.clock.now())
            files = {"private_key": f"{name}.key.pem", "certificate": f"{name}.cert.pem"}
            return key, {what: str(self.folder / file) for what, file in files.items()}
        return None


def metadata(port: int) -> dict[str, dict[str, Any]]:
    """RFC 7591 metadata by client_id. The agencies live on hosts of their own, hence in sectors of their own."""
    elsewhere = f"http://client.localhost:{port + 9}"
    keyed = {"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256"}
    common: dict[str, Any] = {
        "redirect_uris": [f"{elsewhere}/callback"],
        "post_logout_redirect_uris": [f"{elsewhere}/signed-out"],
    }
    common |= {"prajak_claims": purposes("name", "birthdate", "email")}
    common |= lasting("authorization_code", "client_credentials")
    return {
        "demo-a": agency("a", "Office of Example Benefits", "สำนักงานสวัสดิการตัวอย่าง", port + 1)
        | keyed
        | {"prajak_claims": purposes("given_name", "family_name", "birthdate", "verified_claims")},
        "demo-b": agency("b", "Department of Example Vehicles", "กรมทะเบียนยานพาหนะตัวอย่าง", port + 2)
        | keyed
        | {"prajak_claims": purposes("given_name", "family_name", "verified_claims")}
        | {"grant_types": ["authorization_code", TOKEN_EXCHANGE]}
        | {"authorization_details_types": ["prajak_payment", "prajak_record"]},
        "demo-native": common
        | names("Example native app", "แอปพลิเคชันตัวอย่าง")
        | {"application_type": "native", "token_endpoint_auth_method": "none"}
        | lasting("authorization_code", DEVICE_CODE)
        | {
            "redirect_uris": ["http://127.0.0.1/callback"],
            "post_logout_redirect_uris": ["http://127.0.0.1/signed-out"],
        },
        "demo-dpop": common
        | keyed
        | names("Example DPoP client", "บริการตัวอย่าง DPoP")
        | {"dpop_bound_access_tokens": True},
        "demo-mtls": common
        | names("Example mutual TLS client", "บริการตัวอย่าง mTLS")
        | {
            "token_endpoint_auth_method": "self_signed_tls_client_auth",
            "tls_client_certificate_bound_access_tokens": True,
        },
        "demo-fapi": common
        | keyed
        | names("Example FAPI 2.0 client", "บริการตัวอย่าง FAPI 2.0")
        | {"prajak_profile": "fapi2-security", "dpop_bound_access_tokens": True},
        "demo-basic": common
        | names("Example basic client", "บริการตัวอย่างพื้นฐาน")
        | lasting("authorization_code", "client_credentials", CIBA)
        | {"backchannel_token_delivery_mode": "poll", "token_endpoint_auth_method": "client_secret_basic"},
    }


def lasting(*grant_types: str) -> dict[str, Any]:
    """These grants, and refresh tokens that outlive the session where they are asked for."""
    return {"grant_types": [*grant_types, "refresh_token"], "scope": "openid profile email offline_access"}


def agency(key: str, name: str, name_th: str, port: int) -> dict[str, Any]:
    """What `demo/agency` serves."""
    origin = f"http://agency-{key}.localhost:{port}"
    return names(name, name_th) | {
        "client_uri": f"{origin}/",
        "initiate_login_uri": f"{origin}/login",
        "redirect_uris": [f"{origin}/callback"],
        "post_logout_redirect_uris": [f"{origin}/signed-out"],
        "backchannel_logout_uri": f"{origin}/backchannel-logout",
        "backchannel_logout_session_required": True,
        "scope": "openid profile",
    }


def names(name: str, name_th: str) -> dict[str, Any]:
    basic = {"prajak_profile": "oidc-basic", "id_token_signed_response_alg": "ES256"}
    return {"client_name": name, "client_name#th": name_th} | basic


def purposes(*claims: str) -> list[dict[str, Any]]:
    return [
        {"claim": name, "purpose": PURPOSES[name][0], "purpose#th": PURPOSES[name][1], "legal_basis": "public_task"}
        for name in claims
    ]


def public_key(file: Path) -> dict[str, Any]:
    """The public half of the private JWK in the file, which is made where it is missing."""
    if not file.is_file():
        key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, private=True, auto_kid=True)
        write_private(file, key.as_dict(private=True))
    return dict(ECKey.import_key(json.loads(file.read_text("utf-8"))).as_dict(private=False))


def write_private(file: Path, value: Mapping[str, Any]) -> None:
    """For its owner alone."""
    file.touch(mode=0o600)
    file.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", "utf-8")
