"""The client registration endpoint, RFC 7591 section 3 and OpenID Connect Registration section 3: open in the sandbox,
elsewhere by an initial access token, which is the approval of whoever made it.

In this order, so that a stranger makes us fetch nothing:
1. the caller: an initial access token, or the sandbox and not too often;
2. the metadata, with all that must be fetched for it;
3. in one transaction: the token's use, the client, its registration access token, the audit entry.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from core.ground import Ground
from core.rate_limit import Throttle
from idp.errors import InvalidToken
from idp.models.client import ClientStatus
from idp.oauth2.bearer import NoToken
from idp.registration.access_tokens import (
    Admission,
    issue_registration_access_token,
    load_admission,
    spend_admission,
)
from idp.registration.client_registration import Registration

PATH = "/register"
BY = "registration"
MOST_AN_HOUR = 1000  # from one address, without a token
SPENT = "the initial access token is unknown, expired or used up"


class DynamicRegistration:
    def __init__(self, ground: Ground, registration: Registration) -> None:
        self.ground = ground
        self.registration = registration
        self.throttle = Throttle(ground)

    def register(self, document: Any, token: str, *, source: str) -> dict[str, Any]:
        """Section 3.2.1. Raises InvalidMetadata for the document; InvalidToken, NoToken, TooMany for the caller."""
        admission = self._admit(token, source)
        prepared = self.registration.prepare(document)
        now = self.ground.clock.now()
        with self.ground.database.write() as connection:
            if admission is not None and not spend_admission(connection, token, now):
                raise InvalidToken(SPENT)
            agency_id = admission.agency_id if admission else None
            by = f"{BY}:{admission.id}" if admission else BY
            answer = self.registration.add(connection, prepared, by=by, agency_id=agency_id, status=self._status())
            access_token = issue_registration_access_token(connection, answer["client_id"], now)
        return answer | self.management(answer["client_id"], access_token)

    def management(self, client_id: str, access_token: str) -> dict[str, str]:
        """RFC 7592 section 3."""
        uri = f"{self.ground.settings.issuer}{PATH}/{client_id}"
        return {"registration_access_token": access_token, "registration_client_uri": uri}

    def _admit(self, token: str, source: str) -> Admission | None:
        if token:
            with self.ground.database.read() as connection:
                admission = load_admission(connection, token, self.ground.clock.now())
            if admission is None:
                raise InvalidToken(SPENT)
            return admission
        if not self.ground.settings.sandbox:
            raise NoToken
        self.throttle.check("register", source, limit=MOST_AN_HOUR, window=timedelta(hours=1))
        return None

    def _status(self) -> ClientStatus:
        return ClientStatus.SANDBOX if self.ground.settings.sandbox else ClientStatus.LIVE
