"""Client-Initiated Backchannel Authentication, CIBA Core 1.0, in its modes poll and ping: a service asks a person who
has no browser there, by telephone say, or at a counter.

The plan of `answer`; the numbers stand at the steps again:

1. the client may do this                       2. the request, signed where it must be (`ciba_request.py`)
3. what it asks for                             4. whom it names
5. one transaction: the request, the letter to the person, the audit entry. The interaction asks the person the rest,
   and the poll is RFC 8628's (`polling.py`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from core import audit
from core.identifiers import hashed, new_id, new_secret
from core.outbox import Outbox
from core.rate_limit import Throttle
from enrollment.notices import contact_of
from idp.errors import AccessDenied, InvalidScope, UnauthorizedClient, UnknownUserId
from idp.models.client import RegisteredClient
from idp.models.decoupled_request import count_open_requests, count_refused_requests, record_request
from idp.models.jose import VERIFYING_ALGORITHMS
from idp.oauth2.call import AuthenticatedCall, Reply
from idp.oauth2.endpoint import EndpointServices
from idp.oauth2.one_time import spend_all
from idp.oauth2.polling import INTERVAL, PolledGrant
from idp.oidc.ciba_letter import approval_letter
from idp.oidc.ciba_ping import seal_ping
from idp.oidc.ciba_request import Given, Reader, binding_message, lifetime, notification_token, the_hint
from idp.oidc.claims import CITIZEN_NUMBER
from keys.envelope import DataKey

GRANT_TYPE = "urn:openid:params:grant-type:ciba"
METADATA = {
    "backchannel_token_delivery_modes_supported": ["poll", "ping"],
    "backchannel_authentication_request_signing_alg_values_supported": list(VERIFYING_ALGORITHMS),
    "backchannel_user_code_parameter_supported": False,
}
MOST_OPEN = 20  # of one client for one person: nobody is worn down by questions
MOST_REFUSED, PEACE = 5, timedelta(minutes=30)  # nor by one that is asked until it is answered otherwise
UNKNOWN, HOUR = 100, timedelta(hours=1)  # hints that name nobody, of one client: it is no register to look people up
LONGEST_HINT = 255


class BackchannelAuthentication:
    """Section 7, the backchannel authentication endpoint."""

    def __init__(self, services: EndpointServices) -> None:
        self.ground = services.ground
        self.accounts = services.accounts
        self.hints = services.hints
        self.validate = services.validate_decoupled
        self.refresh_keys = services.request_objects.refresh_keys
        self.outbox = Outbox(services.ground, services.accounts.envelope, {})  # to add to it

    def answer(self, call: AuthenticatedCall) -> Reply:
        """Section 7.3; the errors are section 13's."""
        check_client(call.client)  # 1
        given = self._reader().read(call)  # 2
        request = self.validate(call.client, given.parameters).to_dict()  # 3
        if "openid" not in request["scope"]:
            raise InvalidScope("scope must have openid in it")
        message, seconds = binding_message(given.parameters), lifetime(given.parameters)
        token = notification_token(given.parameters, call.client)
        account_id = self._account(call.client, *the_hint(given.parameters))  # 4
        asked = {"hinted_account_id": account_id, "decoupled": {"binding_message": message}}
        auth_req_id = self._keep(call, given, request | asked, seconds=seconds, token=token)  # 5
        return Reply({"auth_req_id": auth_req_id, "expires_in": seconds, "interval": INTERVAL})

    def _reader(self) -> Reader:
        settings = self.ground.settings
        return Reader(settings.issuer, self.ground.clock.now(), settings.clock_skew, self.refresh_keys)

    def _account(self, client: RegisteredClient, name: str, hint: str) -> str:
        """Section 7.1. A person on hold is as unknown as nobody; who asked for too many unknown hears of nobody."""
        throttle = Throttle(self.ground)
        throttle.check_count("unknown-user", client.client_id, limit=UNKNOWN, window=HOUR)
        if name == "id_token_hint":
            account_id = self.hints.account_of_id_token(client, hint)
        else:
            account_id = self._account_of_login_hint(client, hint[: LONGEST_HINT + 1])
        if account_id is None or not self.accounts.is_active(account_id):
            throttle.check("unknown-user", client.client_id, limit=UNKNOWN, window=HOUR)
            raise UnknownUserId(f"{name} names nobody who can be asked")
        return account_id

    def _account_of_login_hint(self, client: RegisteredClient, hint: str) -> str | None:
        """What this client calls the person, or may know of them: never more than it was told or registered for."""
        found = self.hints.account_of_sub(client, hint)
        if found is None and CITIZEN_NUMBER in client.claim_entries:
            found = self.accounts.find_by_citizen_number(hint)
        if found is None and self.ground.settings.sandbox:
            found = self.accounts.find_by_name(hint)
        return found

    def _keep(
        self, call: AuthenticatedCall, given: Given, request: Mapping[str, Any], *, seconds: int, token: str
    ) -> str:
        auth_req_id, now = new_secret(), self.ground.clock.now()
        client, account_id = call.client, request["hinted_account_id"]
        row = {"id": new_id(), "grant_type": GRANT_TYPE, "client_id": client.client_id, "account_id": account_id}
        row |= {"code_hash": hashed(auth_req_id), "user_code_hash": None, "interval": INTERVAL}
        row |= {"poll_after": now, "created_at": now, "expires_at": now + timedelta(seconds=seconds)}
        ping = {"auth_req_id": auth_req_id, "client_notification_token": token}
        row["ping"] = seal_ping(self.accounts.envelope, row["id"], **ping) if token else None
        row["request"] = json.dumps(request, ensure_ascii=False)
        key = self.accounts.key(account_id)
        with self.ground.database.write() as connection:
            spend_all(connection, (*call.one_time, *given.one_time))
            check_wearing_down(connection, client_id=client.client_id, account_id=account_id, now=now)
            record_request(connection, row)
            self._tell(connection, key, client, request, row["id"], minutes=math.ceil(seconds / 60))
        return auth_req_id

    def _tell(
        self,
        connection: Connection,
        key: DataKey,
        client: RegisteredClient,
        request: Mapping[str, Any],
        request_id: str,
        *,
        minutes: int,
    ) -> None:
        """The person hears of it where they confirmed an address, and sees it in their own place."""
        account_id, link = request["hinted_account_id"], f"{self.ground.settings.issuer}/request/{request_id}"
        contact = contact_of(self.accounts.read(connection, key))
        if contact is not None:
            message = request["decoupled"]["binding_message"]
            letter = approval_letter(client, channel=contact.channel, message=message, link=link, minutes=minutes)
            self.outbox.enqueue(
                connection, channel=contact.channel, recipient=contact.address, subject=letter.subject,
                body=letter.body, key=key,
            )  # fmt: skip
        audit.record(
            connection,
            self.ground.clock,
            event="request.received",
            actor=client.client_id,
            subject=account_id,
            client_id=client.client_id,
            detail={"request": request_id},
        )


class CibaGrant(PolledGrant):
    """Section 10.1."""

    name = GRANT_TYPE
    parameter = "auth_req_id"


def check_wearing_down(connection: Connection, *, client_id: str, account_id: str, now: datetime) -> None:
    """A person who is asked too often says yes to be left in peace. Raises AccessDenied."""
    if count_open_requests(connection, client_id=client_id, account_id=account_id, now=now) >= MOST_OPEN:
        raise AccessDenied("too many requests to this person are waiting for an answer")
    refused = count_refused_requests(connection, client_id=client_id, account_id=account_id, since=now - PEACE)
    if refused >= MOST_REFUSED:
        raise AccessDenied("the person refused several times and is left in peace for a while")


def check_client(client: RegisteredClient) -> None:
    """Sections 4 and 13."""
    if GRANT_TYPE not in client.grant_types or client.is_public:
        raise UnauthorizedClient("this client is not registered for backchannel authentication")
