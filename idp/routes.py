"""Every URL of the provider on one screen, with its methods and who may call it.

The views declare the same with `@callers`, which is what is enforced; a view that declares nothing stops the start,
and `tests/test_floors.py` holds this table against what is really served.
"""

from __future__ import annotations

from typing import NamedTuple

from flask import Flask


class Route(NamedTuple):
    rule: str
    methods: str  # without HEAD and OPTIONS
    callers: str


ROUTES = (
    Route("/", "GET", "anyone"),
    Route("/.well-known/oauth-authorization-server", "GET", "anyone"),
    Route("/.well-known/openid-configuration", "GET", "anyone"),
    Route("/.well-known/passkey-endpoints", "GET", "anyone"),
    Route("/.well-known/security.txt", "GET", "anyone"),
    Route("/accessibility", "GET", "anyone"),
    Route("/api/verify", "POST", "anyone"),
    Route("/authorize", "GET POST", "anyone"),
    Route("/authorize/<interaction_id>", "GET", "anyone"),
    Route("/bc-authorize", "POST", "client"),
    Route("/ca/<name>.crl", "GET", "anyone"),
    Route("/ca/<name>.crt", "GET", "anyone"),
    Route("/console", "GET", "agency staff"),
    Route("/console/approvals", "GET", "agency staff"),
    Route("/console/approvals/<approval_id>", "GET", "agency staff"),
    Route("/console/approvals/<approval_id>", "POST", "approver"),
    Route("/console/audit", "GET", "auditor"),
    Route("/console/catalogue", "GET", "agency-approver"),
    Route("/console/catalogue/<identifier>", "GET POST", "agency-approver"),
    Route("/console/catalogue/new", "GET POST", "agency-approver"),
    Route("/console/clients/<client_id>", "GET POST", "developer"),
    Route("/console/clients/<client_id>/check", "GET", "developer"),
    Route("/console/clients/<client_id>/code/<file_name>", "GET", "developer"),
    Route("/console/clients/<client_id>/edit", "GET POST", "developer"),
    Route("/console/clients/<client_id>/keys", "GET POST", "developer"),
    Route("/console/clients/<client_id>/logo", "GET POST", "developer"),
    Route("/console/clients/<client_id>/try", "GET POST", "developer"),
    Route("/console/clients/<client_id>/try/callback", "GET", "anyone"),
    Route("/console/clients/new", "GET POST", "developer"),
    Route("/console/keys", "GET", "key staff"),
    Route("/console/keys/<kid>", "GET", "key staff"),
    Route("/console/keys/<kid>", "POST", "administrator, freshly signed in"),
    Route("/console/keys/approvals", "GET", "key staff"),
    Route("/console/keys/approvals/<approval_id>", "GET", "key staff"),
    Route("/console/keys/approvals/<approval_id>", "POST", "administrator, freshly signed in"),
    Route("/console/people", "GET", "administrator"),
    Route("/console/people", "POST", "administrator, freshly signed in"),
    Route("/device", "GET POST", "anyone"),
    Route("/device_authorization", "POST", "client"),
    Route("/enroll", "GET POST", "anyone"),
    Route("/enroll/already-enrolled", "GET", "anyone"),
    Route("/enroll/code", "GET POST", "anyone"),
    Route("/enroll/code/again", "POST", "anyone"),
    Route("/enroll/contact", "GET POST", "anyone"),
    Route("/enroll/details", "GET POST", "anyone"),
    Route("/enroll/done", "GET", "anyone"),
    Route("/enroll/not-me/<token>", "GET POST", "anyone"),
    Route("/enroll/on-hold", "GET", "anyone"),
    Route("/enroll/passkey", "GET POST", "anyone"),
    Route("/enroll/recover", "GET POST", "anyone"),
    Route("/enroll/recovery-codes", "GET POST", "anyone"),
    Route("/enroll/return/<secret>", "GET POST", "anyone"),
    Route("/enroll/withdraw", "POST", "anyone"),
    Route("/favicon.ico", "GET", "anyone"),
    Route("/healthz", "GET", "anyone"),
    Route("/interaction/<interaction_id>", "GET POST", "anyone"),
    Route("/introspect", "POST", "client"),
    Route("/invitation/<token>", "GET POST", "anyone"),
    Route("/jwks", "GET", "anyone"),
    Route("/language", "POST", "anyone"),
    Route("/logos/<client_id>.png", "GET", "anyone"),
    Route("/logout", "GET POST", "anyone"),
    Route("/logout/confirm", "POST", "anyone"),
    Route("/logout/done/<shown>", "GET", "anyone"),
    Route("/me", "GET", "signed in"),
    Route("/me/activity", "GET", "signed in"),
    Route("/me/devices", "GET", "signed in"),
    Route("/me/devices/<credential_id>", "GET POST", "freshly signed in"),
    Route("/me/devices/add", "GET POST", "freshly signed in"),
    Route("/me/profile", "GET", "signed in"),
    Route("/me/recovery-codes", "GET POST", "freshly signed in"),
    Route("/me/recovery-codes/<shown>", "GET", "freshly signed in"),
    Route("/me/services", "GET", "signed in"),
    Route("/me/services/<grant_id>/withdraw", "POST", "signed in"),
    Route("/me/sign-out-everywhere", "POST", "signed in"),
    Route("/metrics", "GET", "monitoring"),
    Route("/ocsp", "POST", "anyone"),
    Route("/ocsp/<path:encoded>", "GET", "anyone"),
    Route("/officer", "GET", "proofing-officer"),
    Route("/officer/cases", "POST", "proofing-officer"),
    Route("/officer/cases/<case_id>", "GET", "proofing-officer"),
    Route("/officer/cases/<case_id>/close", "POST", "proofing-officer"),
    Route("/officer/cases/<case_id>/decision", "POST", "proofing-officer"),
    Route("/officer/cases/<case_id>/inspection", "POST", "proofing-officer"),
    Route("/openapi.json", "GET", "anyone"),
    Route("/par", "POST", "client"),
    Route("/privacy", "GET", "anyone"),
    Route("/readyz", "GET", "anyone"),
    Route("/register", "POST", "anyone"),
    Route("/register/<client_id>", "DELETE GET PUT", "bearer"),
    Route("/request/<request_id>", "GET", "anyone"),
    Route("/revoke", "POST", "client"),
    Route("/sign", "GET", "anyone"),
    Route("/sign-in", "GET", "anyone"),
    Route("/sign/authorized", "GET", "signer"),
    Route("/sign/backchannel-logout", "POST", "anyone"),
    Route("/sign/callback", "GET", "anyone"),
    Route("/sign/documents", "POST", "signer"),
    Route("/sign/documents/<document_id>", "GET", "signer"),
    Route("/sign/documents/<document_id>/complete", "POST", "signer"),
    Route("/sign/documents/<document_id>/remove", "POST", "signer"),
    Route("/sign/documents/<document_id>/sign", "POST", "signer"),
    Route("/sign/documents/<document_id>/signed.pdf", "GET", "signer"),
    Route("/sign/documents/<document_id>/uploaded.pdf", "GET", "signer"),
    Route("/sign/sign-in", "POST", "anyone"),
    Route("/sign/sign-out", "POST", "anyone"),
    Route("/static/<version>/<path:name>", "GET", "anyone"),
    Route("/token", "POST", "client"),
    Route("/tsa", "POST", "anyone"),
    Route("/userinfo", "GET POST", "bearer"),
    Route("/verify", "GET POST", "anyone"),
    Route("/verify/<reference>", "GET", "anyone"),
)

SANDBOX_ROUTES = (
    Route("/sandbox/ciba", "POST", "anyone"),
    Route("/sandbox/outbox", "GET", "anyone"),
    Route("/sandbox/outbox.json", "GET", "anyone"),
)


class RoutesDiffer(RuntimeError):
    """A view and the table disagree: one of them is a mistake."""


def check_routes(app: Flask) -> None:
    """Raises RoutesDiffer, naming what is only in the table or only in the application."""
    served = set(served_routes(app))
    listed = set(ROUTES + (SANDBOX_ROUTES if "sandbox" in app.blueprints else ()))
    if served != listed:
        raise RoutesDiffer(f"only served: {sorted(served - listed)}; only listed: {sorted(listed - served)}")


def served_routes(app: Flask) -> list[Route]:
    found = []
    for rule in app.url_map.iter_rules():
        methods = sorted(set(rule.methods or ()) - {"HEAD", "OPTIONS"})
        callers = getattr(app.view_functions[rule.endpoint], "callers", "")
        found.append((rule.rule, callers, methods))
    merged: dict[tuple[str, str], set[str]] = {}
    for rule_text, callers, methods in found:
        merged.setdefault((rule_text, callers), set()).update(methods)
    return sorted(Route(rule, " ".join(sorted(methods)), callers) for (rule, callers), methods in merged.items())
