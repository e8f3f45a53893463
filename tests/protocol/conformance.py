"""`python -m tests.protocol.conformance --issuer ISSUER OUT` registers the clients of docs/conformance with a sandbox,
and writes for each plan of the OpenID Foundation's conformance suite the configuration that it takes.
"""

from __future__ import annotations

import argparse
import json
import ssl
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from joserfc.jwk import ECKey

from tests.imports import ROOT

PLANS = ROOT / "docs" / "conformance"
SUITE = "https://localhost.emobix.co.uk:8443"  # where the suite's own containers serve it
YEAR = timedelta(days=365)
VERIFIED = ["given_name", "family_name", "birthdate"]
IDENTITY_ASSURANCE = {  # the suite's words for what its plan shall ask
    "verified_claims_names": VERIFIED,
    "unverified_claims_names": ["name", "email"],
    "verified_claims_request_list": [
        {
            "userinfo": {
                "verified_claims": {"verification": {"trust_framework": None}, "claims": dict.fromkeys(VERIFIED)}
            }
        }
    ],
}
SIGN_IN = ["click", "id", "sign-in", "optional"]  # the sandbox's forms, by the ids that stay the same
LOOK = ["wait", "xpath", "//*", 10, ".*", "update-image-placeholder-optional"]  # the page, for who looks at it later
ARRIVED = [["wait", "id", "submission_complete", 10]]


def task(name: str, match: str, *commands: list[Any]) -> dict[str, Any]:
    """What a script does at one page, if it comes by it."""
    return {"task": name, "match": match, "optional": True, "commands": list(commands)}


def visit(*tasks: dict[str, Any], **told: Any) -> dict[str, Any]:
    """A way through the authorization endpoint, to an answer or to an error page."""
    ends = (
        task("Send the answer", "*/authorize*", ["click", "id", "form-post-continue", "optional"]),
        task("Verify", "*/test/*/callback*", *ARRIVED),
        task("Show the error", "*/authorize*", ["wait", "id", "error-code", *LOOK[3:]]),
    )
    return {"match": "*/authorize*", **told, "tasks": [*tasks, *ends]}


AGREE = task("Agree", "*/interaction/*", ["click", "id", "consent-allow", "optional"])
THROUGH = visit(task("Sign in", "*/interaction/*", SIGN_IN), AGREE)
SEEN = visit(task("Look, then sign in", "*/interaction/*", LOOK, SIGN_IN), AGREE)
REFUSED = visit(task("Cancel", "*/interaction/*", ["click", "xpath", "//form[input[@value='leave']]//button"]))
LOOKED_AT = visit(task("Look", "*/interaction/*", LOOK))
SIGN_OUT = {
    "match": "*/logout*",
    "tasks": [
        task("Agree", "*/logout*", ["click", "id", "logout-confirm", "optional"]),
        task("Show the error", "*/logout?*", ["wait", "id", "error-code", *LOOK[3:]]),
        task("Go on", "*/logout/done/*", LOOK, ["click", "id", "logout-continue", "optional"]),
        task("Verify", "*/test/*/post_logout_redirect*"),
    ],
}
BROWSER = [THROUGH, SIGN_OUT]
FAPI2 = "fapi2-security-profile-final"
OVERRIDES = {  # by the module's name: what a script does there instead
    f"{FAPI2}-user-rejects-authentication": [REFUSED],
    f"{FAPI2}-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds": [
        {"match": "*/authorize*", "match-limit": 1, "tasks": [task("Only look", "*/interaction/*")]},
        THROUGH,
    ],
    **{name: [SEEN] for name in ("oidcc-prompt-login", "oidcc-max-age-1")},
    **{f"oidcc-registration-{name}-uri": [LOOKED_AT] for name in ("logo", "policy", "tos")},
}

Register = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def plans() -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and content of each file, in the order of their names."""
    for path in sorted(PLANS.glob("*.json")):
        yield path.stem, json.loads(path.read_text("utf-8"))


def placed(metadata: Mapping[str, Any], suite: str) -> dict[str, Any]:
    """The client's metadata for a suite that is served elsewhere."""
    found: dict[str, Any] = json.loads(json.dumps(metadata).replace(SUITE, suite))
    return found


def with_keys(metadata: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Metadata with a new public key where the client signs, and the private key."""
    if metadata["token_endpoint_auth_method"] != "private_key_jwt":
        return dict(metadata), None
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    return {**metadata, "jwks": {"keys": [key.as_dict(private=False)]}}, {"keys": [key.as_dict(private=True)]}


def binds_by_certificate(plan: Mapping[str, Any]) -> bool:
    return any(each.get("tls_client_certificate_bound_access_tokens") for each in plan["clients"].values())


def configuration(
    plan: Mapping[str, Any], *, server: Mapping[str, Any], suite: str, register: Register
) -> dict[str, Any]:
    """What the suite's form takes as JSON. `server` is the provider's metadata: a token that is bound to a certificate is
    shown where one is asked for.
    """
    issuer = server["issuer"]
    endpoints = server["mtls_endpoint_aliases"] if binds_by_certificate(plan) else server
    made: dict[str, Any] = {
        "alias": "prajak",
        "description": "Prajak",
        "server": {"discoveryUrl": f"{issuer}/.well-known/openid-configuration"},
        "resource": {"resourceUrl": endpoints["userinfo_endpoint"]},
        "client": {"client_name": "Conformance suite"},  # for the plans that register by themselves
        "browser": BROWSER,
        "override": {name: {"browser": browser} for name, browser in OVERRIDES.items()},
    }
    for name, metadata in plan["clients"].items():
        complete, private = with_keys(placed(metadata, suite))
        registered = register(complete)
        made[name] = {each: registered[each] for each in ("client_id", "client_secret", "scope") if each in registered}
        if private:
            made[name]["jwks"] = private
        if metadata.get("dpop_bound_access_tokens"):
            made[name]["dpop_signing_alg"] = "ES256"
        if metadata.get("backchannel_token_delivery_mode"):
            made[name] |= {"hint_type": "login_hint", "hint_value": "somchai", "acr_value": ""}
        if metadata.get("tls_client_certificate_bound_access_tokens"):
            made["mtls" if name == "client" else "mtls2"] = certificate(registered["client_id"])
    if plan["plan"].startswith("ekyc"):
        made["ekyc"] = IDENTITY_ASSURANCE
    if "ciba" in plan["plan"]:
        made["automated_ciba_approval_url"] = f"{issuer}/sandbox/ciba?auth_req_id={{auth_req_id}}&action={{action}}"
    return made


def certificate(name: str) -> dict[str, str]:
    """Self-signed: it binds tokens, and proves no more than that its holder is the same. RSA: the suite's own check of
    what it is given knows nothing else.
    """
    key, now = rsa.generate_private_key(65537, 2048), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + YEAR)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {"cert": made.public_bytes(Encoding.PEM).decode(), "key": private.decode()}


def at(server: Mapping[str, Any], http: httpx.Client) -> Register:
    """Dynamic registration, open in the sandbox."""

    def register(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = http.post(server["registration_endpoint"], json=metadata)
        if answer.status_code != httpx.codes.CREATED:
            raise SystemExit(f"{metadata['client_name']}: {answer.text}")
        found: dict[str, Any] = answer.json()
        return found

    return register


def write(folder: Path, *, server: Mapping[str, Any], suite: str, register: Register) -> list[str]:
    """One file a plan; the command lines of the suite's own runner. A provider without mutual TLS gets no plan for it."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for name, plan in plans():
        if binds_by_certificate(plan) and "mtls_endpoint_aliases" not in server:
            continue
        made = configuration(plan, server=server, suite=suite, register=register)
        (folder / f"{name}.json").write_text(json.dumps(made, indent=2) + "\n", "utf-8")
        variant = "".join(f"[{key}={value}]" for key, value in plan["variant"].items())
        lines.append(f"'{plan['plan']}{variant}' {folder / name}.json")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="a folder for the configurations; they hold private keys")
    parser.add_argument("--issuer", required=True)
    parser.add_argument("--suite", default=SUITE, help="the origin of the conformance suite")
    parser.add_argument("--ca", type=Path, help="PEM roots to trust for the issuer")
    told = parser.parse_args()
    tls = ssl.create_default_context(cafile=told.ca)
    with httpx.Client(verify=tls, timeout=30) as http:
        server = http.get(f"{told.issuer}/.well-known/openid-configuration").raise_for_status().json()
        lines = write(told.out, server=server, suite=told.suite, register=at(server, http))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
