"""The civil register, simulated: a WSGI application that speaks CheckCardByLaser about fictional people, and tells the
house registration of those whom it confirms.

The four answers are the real service's: 0 normal; 4 for a laser code that is not this number's, 4 again, with another
text, for data that do not match; 5 for incomplete data. A card that is not in force answers 1 (our own choice of code:
the client folds everything but 0). `mode` makes it slow or closed, as the real one sometimes is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from threading import Event
from typing import Any
from xml.etree import ElementTree as ET

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from enrollment.civil_registry.fictional_addresses import fictional_address
from enrollment.civil_registry.fictional_people import FictionalPerson
from enrollment.evidence.thai_name import same_name

SOAP = "http://www.w3.org/2003/05/soap-envelope"
SERVICE = "http://tempuri.org/"
CONTENT_TYPE = "application/soap+xml; charset=utf-8"
MAX_REQUEST = 64 * 1024
CHECK_CARD, GET_ADDRESS = "CheckCardByLaser", "GetAddressByLaser"
FIELDS = ("PID", "FirstName", "LastName", "BirthDay", "Laser")
LONGER_THAN_ANYONE_WAITS = 10  # seconds

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class Mode(StrEnum):
    """How the service behaves: it answers, it is closed for maintenance, or it lets callers wait."""

    ANSWERS = "answers"
    MAINTENANCE = "maintenance"
    TIMEOUT = "timeout"


class RegistrySimulator:
    """`released` ends the waiting of the time-out mode, so that nobody has to sit it out."""

    def __init__(self, people: Sequence[FictionalPerson]) -> None:
        self.people = {person.citizen_number: person for person in people}
        self.mode = Mode.ANSWERS
        self.released = Event()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST":
            return respond(start_response, "405 Method Not Allowed", b"")
        body = environ["wsgi.input"].read(content_length(environ))
        if self.mode == Mode.TIMEOUT:
            self.released.wait(LONGER_THAN_ANYONE_WAITS)
        if self.mode != Mode.ANSWERS:
            return respond(start_response, "200 OK", write_result("true", "ระบบปิดปรับปรุง", "", ""))
        try:
            operation, asked = read_request(body)
        except (ET.ParseError, DefusedXmlException, ValueError, LookupError):
            return respond(start_response, "400 Bad Request", write_fault())
        if operation == GET_ADDRESS:
            return respond(start_response, "200 OK", write_said(operation, self.address(asked)))
        return respond(start_response, "200 OK", write_result("false", "", *self.answer(asked)))

    def address(self, asked: dict[str, str]) -> dict[str, str]:
        """The house registration; of whom a check would not confirm, nothing."""
        code, _description = self.answer(asked)
        if code != "0":
            return {"IsError": "true", "ErrorMessage": "ไม่พบข้อมูล"}
        registered = fictional_address(self.people[asked["PID"]].number)
        return {
            "IsError": "false",
            "ErrorMessage": "",
            "StreetAddress": registered.street_address,
            "Locality": registered.locality,
            "Region": registered.region,
            "PostalCode": registered.postal_code,
        }

    def answer(self, asked: dict[str, str]) -> tuple[str, str]:
        """Code and description, as the real service gives them."""
        if not all(asked[name] for name in FIELDS if name != "LastName"):
            return "5", "ข้อมูลที่ส่งมาตรวจสอบไม่ครบ"
        person = self.people.get(asked["PID"])
        if person is None or person.laser_code != asked["Laser"]:
            return "4", "ไม่พบเลข Laser จาก PID นี้"
        names_match = same_name(asked["FirstName"], person.given_name_th) and (
            asked["LastName"] == person.family_name_th or same_name(asked["LastName"], person.family_name_th)
        )
        if not names_match or asked["BirthDay"] != person.birth_date:
            return "4", "ข้อมูลไม่ตรง"
        return ("0", "สถานะปกติ") if person.is_in_force else ("1", "สถานะไม่ปกติ")


def content_length(environ: dict[str, Any]) -> int:
    sent = environ.get("CONTENT_LENGTH") or "0"
    return min(int(sent), MAX_REQUEST) if sent.isascii() and sent.isdigit() else 0


def read_request(body: bytes) -> tuple[str, dict[str, str]]:
    """The operation and its fields."""
    root = fromstring(body, forbid_dtd=True)
    for operation in (CHECK_CARD, GET_ADDRESS):
        call = root.find(f"./{{{SOAP}}}Body/{{{SERVICE}}}{operation}")
        if call is not None:
            return operation, {name: (call.findtext(f"{{{SERVICE}}}{name}") or "").strip() for name in FIELDS}
    raise ValueError("an operation that is not known")


def write_result(is_error: str, error_message: str, code: str, description: str) -> bytes:
    said = {"IsError": is_error, "ErrorMessage": error_message, "Code": code, "Desc": description}
    return write_said(CHECK_CARD, said)


def write_said(operation: str, said: dict[str, str]) -> bytes:
    envelope = ET.Element(f"{{{SOAP}}}Envelope")
    response = ET.SubElement(ET.SubElement(envelope, f"{{{SOAP}}}Body"), f"{{{SERVICE}}}{operation}Response")
    result = ET.SubElement(response, f"{{{SERVICE}}}{operation}Result")
    for name, value in said.items():
        ET.SubElement(result, f"{{{SERVICE}}}{name}").text = value
    written: bytes = ET.tostring(envelope, encoding="utf-8", xml_declaration=True)
    return written


def write_fault() -> bytes:
    """SOAP 1.2 section 5.4."""
    envelope = ET.Element(f"{{{SOAP}}}Envelope")
    fault = ET.SubElement(ET.SubElement(envelope, f"{{{SOAP}}}Body"), f"{{{SOAP}}}Fault")
    ET.SubElement(ET.SubElement(fault, f"{{{SOAP}}}Code"), f"{{{SOAP}}}Value").text = "soap:Sender"
    text = ET.SubElement(ET.SubElement(fault, f"{{{SOAP}}}Reason"), f"{{{SOAP}}}Text")
    text.text = "The request could not be read."
    written: bytes = ET.tostring(envelope, encoding="utf-8", xml_declaration=True)
    return written


def respond(start_response: StartResponse, status: str, body: bytes) -> list[bytes]:
    start_response(status, [("Content-Type", CONTENT_TYPE), ("Content-Length", str(len(body)))])
    return [body]
