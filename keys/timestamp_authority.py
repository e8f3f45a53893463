"""A time-stamp authority, RFC 3161 with ESSCertIDv2 of RFC 5816, profiled by EN 319 422.

A token's serial number is 159 random bits whose row is committed before the token leaves: no serial is issued twice,
not after a restart, not after a restored backup. The time is the clock's that everyone is given, looked at before each
stamp (`clock_health.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import cast

import structlog
from sqlalchemy import Table, insert

from core.ground import Ground
from core.kernel_clock import kernel_discipline
from keys import der
from keys.certificate import CertificateAuthority
from keys.certificate_rows import as_text
from keys.clock_health import ClockHealth, ClockUnfit
from keys.errors import CertificateError, KeystoreError
from keys.issuance import new_serial
from keys.models import TimeStamp
from keys.purposes import Purpose
from keys.service_certificates import ServiceCertificates
from keys.time_stamp_request import Refused, SystemFailure, TimeNotAvailable, TimeStampRequest, parse_request
from keys.time_stamp_token import TimeStamper, time_stamper, token

GRANTED = der.sequence(der.integer(0))
INSERT = insert(cast("Table", TimeStamp.__table__))  # built once: every time-stamp makes it
REJECTION = der.integer(2)

log = structlog.get_logger()


class TimeStampAuthority:
    """One per process."""

    def __init__(self, ground: Ground, authority: CertificateAuthority, services: ServiceCertificates) -> None:
        self.ground = ground
        self.clock = ClockHealth(ground, kernel_discipline if ground.settings.tsa_ntp else None)
        self.authority = authority
        self.services = services
        self._stamper: TimeStamper | None = None

    def answer(self, der_request: bytes) -> bytes:
        """The DER TimeStampResp to a DER request, whatever it is. Writes: never call it within a transaction."""
        try:
            granted = self._granted(parse_request(der_request))
        except Refused as refusal:
            return self._rejected(refusal)
        except (KeystoreError, CertificateError) as error:
            log.warning("time_stamp_cannot_be_signed", why=str(error))
            return self._rejected(SystemFailure("the authority cannot sign now; try again later"))
        self.ground.metrics.count("prajak_time_stamps_total", "granted")
        return granted

    def check_clock(self) -> None:
        """For `/readyz` and `prajak doctor`: ClockUnfit where nothing would be stamped now. Reads."""
        now = in_milliseconds(self.clock.now())
        try:
            kid = self.services.keystore.active(Purpose.TSA).kid
        except KeystoreError:  # none yet, or its token is away: no fault of the clock's
            return
        self.clock.check_past(kid, now)

    def _rejected(self, refusal: Refused) -> bytes:
        name = type(refusal).__name__  # PKIFailureInfo's, as a class
        self.ground.metrics.count("prajak_time_stamps_total", name[:1].lower() + name[1:])
        return rejected(refusal)

    def _granted(self, request: TimeStampRequest) -> bytes:
        try:
            now = in_milliseconds(self.clock.now())  # first: by a wrong clock nothing else here is right
            stamper = self._stamper_of(now)
            self.clock.check_past(stamper.signer.kid, now)
        except ClockUnfit as unfit:
            raise TimeNotAvailable(str(unfit)) from unfit
        serial = new_serial()
        stamped = token(stamper, request, serial=serial, at=now)
        row = {"serial": as_text(serial), "kid": stamper.signer.kid, "imprint": request.imprint, "stamped_at": now}
        with self.ground.database.write() as connection:
            connection.execute(INSERT, row)
        return der.sequence(GRANTED, stamped)

    def _stamper_of(self, now: datetime) -> TimeStamper:
        """Who signs now; TimeNotAvailable past the private key's usage period."""
        service = self.services.current(Purpose.TSA)
        if self._stamper is None or self._stamper.certificate is not service.certificate:
            self._stamper = time_stamper(service.signer, service.chain)
        if self._stamper.used_until is not None and now >= self._stamper.used_until:
            log.error("time_stamp_key_past_its_use", kid=service.signer.kid, mend="prajak key rotate tsa")
            raise TimeNotAvailable("the authority's key is past its period of use")
        return self._stamper


def in_milliseconds(moment: datetime) -> datetime:
    """As a token states it."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def rejected(refusal: Refused) -> bytes:
    """RFC 3161 section 2.4.2: a status, a sentence and one bit of PKIFailureInfo; no token."""
    octet, bit = divmod(refusal.fail_info, 8)
    fail_info = der.bit_string(bytes(octet) + bytes((0x80 >> bit,)), unused=7 - bit)
    return der.sequence(der.sequence(REJECTION, der.sequence(der.utf8_string(str(refusal))), fail_info))
