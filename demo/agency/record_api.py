"""The API by which this agency serves a citizen's record to another one: a protected resource.

1. RFC 9728: its metadata say whose tokens it takes and what to ask for
2. RFC 9449 section 7: a bound token with its proof, and nothing else
3. RFC 7662: the provider is asked each time what the token stands for; so consent that was withdrawn is in force, the
   citizen's place shows the use, and we hear of the person by the `sub` that we know them by
4. RFC 9396: it must have been authorized for this very record
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from threading import Lock
from typing import Any

from flask import Request, Response

from demo.agency.configuration import Configuration
from demo.agency.dpop import ALGORITHM, LIFETIME, ProofError, check_proof
from demo.agency.provider import Provider

WELL_KNOWN = "/.well-known/oauth-protected-resource"  # RFC 9728 section 3.1: between the host and the path


class Refused(Exception):
    """RFC 6750 section 3.1: the error in WWW-Authenticate; "" where the call brought no token at all."""

    def __init__(self, error: str, description: str, status: int = 401) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


class RecordApi:
    def __init__(self, configuration: Configuration, provider: Provider) -> None:
        self.configuration = configuration
        self.provider = provider
        self.serves: Mapping[str, Any] = configuration.office["serves"]
        self.resource = configuration.origin + self.serves["path"]
        self.proofs = SpentProofs()

    def metadata(self) -> Response:
        """RFC 9728 section 2."""
        return as_json(
            {
                "resource": self.resource,
                "resource_name": self.serves["name"]["en"],
                "resource_name#th": self.serves["name"]["th"],
                "authorization_servers": [self.configuration.issuer],
                "authorization_details_types_supported": ["prajak_record"],
                "dpop_bound_access_tokens_required": True,
                "dpop_signing_alg_values_supported": [ALGORITHM],
                "resource_documentation": f"{self.configuration.origin}/",
            }
        )

    def record(self, request: Request) -> Response:
        """What was authorized, or RFC 9728 section 5.1's challenge, which leads to the metadata."""
        try:
            known = self.check(request)
        except Refused as refused:
            return self.challenge(refused)
        record = {"identifier": self.serves["identifier"], "as_of": time.strftime("%Y-%m-%d", time.gmtime())}
        return as_json(record | {"sub": known["sub"], "entitlements": self.configuration.office["entitlements"]})

    def check(self, request: Request) -> dict[str, Any]:
        """Steps 2 to 4; raises Refused."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "DPoP" or not token:
            raise Refused("", "a DPoP-bound access token is needed")
        known = self.provider.introspect(token)
        if not known.get("active") or known.get("aud") != self.resource:
            raise Refused("invalid_token", "the access token does not count here")
        try:
            check_proof(
                request.headers.get("DPoP", ""),
                method=request.method,
                url=self.resource,
                access_token=token,
                expected_jkt=str((known.get("cnf") or {}).get("jkt")),
                spend=self.proofs.spend,
            )
        except ProofError as error:
            raise Refused("invalid_dpop_proof", str(error)) from error
        if not any(self.is_this_record(each) for each in known.get("authorization_details") or ()):
            raise Refused("insufficient_scope", "the person did not authorize this record", 403)
        return known

    def is_this_record(self, detail: Mapping[str, Any]) -> bool:
        return (
            detail.get("type") == "prajak_record"
            and detail.get("identifier") == self.serves["identifier"]
            and self.resource in detail.get("locations", ())
            and "read" in detail.get("actions", ())
        )

    def challenge(self, refused: Refused) -> Response:
        parameters = {
            "algs": ALGORITHM,
            "resource_metadata": self.configuration.origin + WELL_KNOWN + self.serves["path"],
        }
        if refused.error:
            parameters |= {"error": refused.error, "error_description": refused.description}
        response = as_json({"error": refused.error or "invalid_request"}, status=refused.status)
        response.headers["WWW-Authenticate"] = "DPoP " + ", ".join(f'{k}="{v}"' for k, v in parameters.items())
        return response


class SpentProofs:
    """Which proofs were here, for as long as one counts; in memory, since one process is all this site has."""

    def __init__(self) -> None:
        self._seen: dict[str, float] = {}
        self._lock = Lock()

    def spend(self, jti: str) -> bool:
        with self._lock:
            now = time.time()
            self._seen = {key: until for key, until in self._seen.items() if until > now}
            if jti in self._seen:
                return False
            self._seen[jti] = now + 2 * LIFETIME
            return True


def as_json(body: Mapping[str, Any], *, status: int = 200) -> Response:
    return Response(json.dumps(body, ensure_ascii=False), status, mimetype="application/json")
