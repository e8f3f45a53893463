"""CheckCardByLaser over SOAP 1.2, as the Department of Provincial Administration's service speaks it.

1. one POST through the outbound client, bounded in time and size
2. parsed without entities, DTDs or external references
3. `IsError`, a fault, another status or another document: unavailable, never an answer
4. code 0 is confirmed; every other code is one and the same "not confirmed"
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET  # building only; parsing is defusedxml's

import structlog
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from core.errors import PrajakError
from core.outbound import Outbound
from enrollment.civil_registry.protocol import CardClaim, RegisterAnswer, RegisteredAddress, RegistryUnavailable

SOAP = "http://www.w3.org/2003/05/soap-envelope"
SERVICE = "http://tempuri.org/"
CHECK_CARD = "CheckCardByLaser"
GET_ADDRESS = "GetAddressByLaser"  # our own word: the linkage service has the house registration under its own
CONTENT_TYPE = 'application/soap+xml; charset=utf-8; action="{action}"'
ADDRESS_FIELDS = {
    "street_address": "StreetAddress",
    "locality": "Locality",
    "region": "Region",
    "postal_code": "PostalCode",
}
LONGEST_LINE = 200  # characters
CONFIRMED_CODE = "0"
MAX_ANSWER = 16 * 1024  # bytes; an honest answer is under one kilobyte
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0 section 2.2

log = structlog.get_logger()


class SoapRegistry:
    """`url` is `PRAJAK_REGISTRY_URL`; an empty one answers nobody."""

    def __init__(self, outbound: Outbound, url: str) -> None:
        self.outbound = outbound
        self.url = url

    def check_card(self, claim: CardClaim) -> RegisterAnswer:
        """Raises RegistryUnavailable."""
        return read_answer(self._call(CHECK_CARD, claim))

    def address(self, claim: CardClaim) -> RegisteredAddress:
        """A register that has no such service, or does not answer, knows no address: nobody is kept waiting for it."""
        try:
            return read_address(self._call(GET_ADDRESS, claim))
        except RegistryUnavailable:
            return RegisteredAddress()

    def _call(self, operation: str, claim: CardClaim) -> bytes:
        headers = {"Content-Type": CONTENT_TYPE.format(action=SERVICE + operation)}
        try:
            answer = self.outbound.post(
                self.url, write_request(claim, operation), headers=headers, max_bytes=MAX_ANSWER
            )
        except PrajakError as error:
            raise unavailable("no answer") from error
        if answer.status != 200:  # noqa: PLR2004
            raise unavailable(f"status {answer.status}")
        return answer.body


def write_request(claim: CardClaim, operation: str = CHECK_CARD) -> bytes:
    """The envelope; a claim with characters that XML does not have never leaves."""
    envelope = ET.Element(f"{{{SOAP}}}Envelope")
    call = ET.SubElement(ET.SubElement(envelope, f"{{{SOAP}}}Body"), f"{{{SERVICE}}}{operation}")
    fields = {
        "PID": claim.citizen_number,
        "FirstName": claim.given_name,
        "LastName": claim.family_name,
        "BirthDay": claim.birth_date,
        "Laser": claim.laser_code,
    }
    for name, value in fields.items():
        ET.SubElement(call, f"{{{SERVICE}}}{name}").text = NOT_XML.sub("", value)
    written: bytes = ET.tostring(envelope, encoding="utf-8", xml_declaration=True)
    return written


def read_answer(body: bytes) -> RegisterAnswer:
    """Step 4; raises RegistryUnavailable."""
    said = read_result(body, CHECK_CARD, ("Code",))
    if not said["Code"]:
        raise unavailable("the service says that it failed")
    return RegisterAnswer.CONFIRMED if said["Code"] == CONFIRMED_CODE else RegisterAnswer.NOT_CONFIRMED


def read_address(body: bytes) -> RegisteredAddress:
    """What is longer than any address was never one; raises RegistryUnavailable."""
    said = read_result(body, GET_ADDRESS, tuple(ADDRESS_FIELDS.values()))
    found = {name: said[field] for name, field in ADDRESS_FIELDS.items()}
    return (
        RegisteredAddress(**found) if all(len(each) <= LONGEST_LINE for each in found.values()) else RegisteredAddress()
    )


def read_result(body: bytes, operation: str, fields: tuple[str, ...]) -> dict[str, str]:
    """Steps 2 and 3; raises RegistryUnavailable."""
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ET.ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        raise unavailable("not the answer's XML") from error
    result = root.find(f"./{{{SOAP}}}Body/{{{SERVICE}}}{operation}Response/{{{SERVICE}}}{operation}Result")
    if root.tag != f"{{{SOAP}}}Envelope" or result is None:
        raise unavailable("a fault, or another document")
    said = {name: (result.findtext(f"{{{SERVICE}}}{name}") or "").strip() for name in ("IsError", *fields)}
    if said["IsError"].lower() != "false":
        raise unavailable("the service says that it failed")
    return said


def unavailable(why: str) -> RegistryUnavailable:
    log.warning("civil_registry_unavailable", why=why)
    return RegistryUnavailable()
