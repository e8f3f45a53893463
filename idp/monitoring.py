"""What an operator's machines ask: does the process live, do its parts answer, how much of everything was done."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue

from core.ground import Ground
from core.metrics import CONTENT_TYPE
from core.web import ANYONE, Guard, callers, is_in, machine, source

MONITORING = "monitoring"  # who comes from PRAJAK_METRICS_NETWORKS
# The clock unfit, or no certificate authority yet, stops signatures alone: no balancer must turn logins away for it.
BESIDE = ("clock", "certificates")
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


def guards(ground: Ground) -> Mapping[str, Guard]:
    """For `core.web.Web`: "monitoring"."""
    settings = ground.settings

    def check_monitoring() -> None:
        """To all others there is no such page. Behind a proxy that nobody named, everybody would come from its address:
        so what was forwarded counts only from a trusted proxy.
        """
        forwarded = any(name in request.headers for name in FORWARDED)
        if forwarded and not is_in(request.remote_addr or "", settings.trusted_proxies):
            abort(404)
        if not is_in(source(), settings.metrics_networks):
            abort(404)

    return {MONITORING: check_monitoring}


def blueprint(health: Callable[[], Mapping[str, bool]], measured: Callable[[], str]) -> Blueprint:
    views = Blueprint("monitoring", __name__)

    @views.get("/healthz")
    @callers(ANYONE)
    @machine
    def healthz() -> ResponseReturnValue:
        """Alive: the process answers."""
        return jsonify(alive=True)

    @views.get("/readyz")
    @callers(ANYONE)
    @machine
    def readyz() -> ResponseReturnValue:
        """Its parts answer; a part that does not is named."""
        parts = health()
        ready = all(up for part, up in parts.items() if part not in BESIDE)
        return jsonify(ready=ready, parts=dict(parts)), 200 if ready else 503

    @views.get("/metrics")
    @callers(MONITORING)
    @machine
    def metrics() -> ResponseReturnValue:
        """Prometheus' text, of all workers."""
        return Response(measured(), content_type=CONTENT_TYPE)

    return views
