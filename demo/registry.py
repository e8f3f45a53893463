"""The simulated civil register, in a process of its own: `python -m demo.registry --port N`.

`POST /` speaks SOAP; `GET /` is a page for people who try the sandbox: fictional citizens to enrol as, and a switch
that makes the register slow or closed. It knows nobody real, keeps nothing, and listens on loopback alone.
"""

from __future__ import annotations

import argparse
import signal
from collections.abc import Iterable
from html import escape
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import parse_qs, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from enrollment.civil_registry.fictional_people import FictionalPerson, enrollable, people
from enrollment.civil_registry.simulator import Mode, RegistrySimulator, StartResponse

ASSETS = Path(__file__).parent / "registry_assets"
MAX_FORM = 1024
POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
MONTHS = (
    "ม.ค.", "ก.พ.", "มี.ค.", "เม.ย.", "พ.ค.", "มิ.ย.", "ก.ค.", "ส.ค.", "ก.ย.", "ต.ค.", "พ.ย.", "ธ.ค.",
)  # fmt: skip
NOTES = {
    "deceased": "เสียชีวิตแล้ว: ทะเบียนไม่ยืนยัน",
    "card cancelled": "บัตรถูกยกเลิก: ทะเบียนไม่ยืนยัน",
    "card expired": "บัตรหมดอายุ: ทะเบียนไม่ยืนยัน",
    "a single name": "มีชื่อเดียว ไม่มีชื่อสกุล",
    "very long names": "ชื่อและชื่อสกุลยาวมาก",
    "a family name in three words": "ชื่อสกุลหลายคำ",
    "marks above marks": "มีเครื่องหมายซ้อนกัน",
    "sara am with a tone": "มีสระอำและวรรณยุกต์",
    "a name with paiyannoi": "มีไปยาลน้อย",
    "day and month of birth unknown": "ไม่ทราบวันและเดือนเกิด",
    "day of birth unknown": "ไม่ทราบวันเกิด",
    "a card for life": "บัตรตลอดชีพ",
    "a name that begins like a title": "ชื่อที่ขึ้นต้นเหมือนคำนำหน้า",
}
MODES = {
    Mode.ANSWERS: ("ตอบตามปกติ", "answers"),
    Mode.MAINTENANCE: ("ปิดปรับปรุง", "closed for maintenance"),
    Mode.TIMEOUT: ("ไม่ตอบจนหมดเวลา", "lets callers wait"),
}


class RegistrySite:
    """The SOAP service at `POST /`, the page at `GET /`, its switch at `POST /mode`."""

    def __init__(self) -> None:
        self.simulator = RegistrySimulator(people())

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        call = (environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/"))
        if call == ("POST", "/"):
            return self.simulator(environ, start_response)
        if call == ("POST", "/mode"):
            return self.choose_mode(environ, start_response)
        if call == ("GET", "/style.css"):
            return answer(start_response, "200 OK", "text/css; charset=utf-8", (ASSETS / "style.css").read_bytes())
        if call == ("GET", "/healthz"):
            return answer(start_response, "200 OK", "text/plain", b"ok")
        if call == ("GET", "/"):
            return answer(start_response, "200 OK", "text/html; charset=utf-8", self.page().encode())
        return answer(start_response, "404 Not Found", "text/plain", b"not found")

    def choose_mode(self, environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        """From this page only: another site's form would be sent with that site's Origin."""
        host, origin = environ.get("HTTP_HOST", ""), environ.get("HTTP_ORIGIN", "")
        if origin and urlsplit(origin).netloc != host:
            return answer(start_response, "403 Forbidden", "text/plain", b"from another site")
        length = environ.get("CONTENT_LENGTH") or "0"
        body = environ["wsgi.input"].read(min(int(length), MAX_FORM) if length.isascii() and length.isdigit() else 0)
        wanted = parse_qs(body.decode("ascii", "replace")).get("mode", [""])[0]
        if wanted in set(Mode):
            self.simulator.mode = Mode(wanted)
        start_response("303 See Other", [("Location", "/"), ("Content-Length", "0")])
        return [b""]

    def page(self) -> str:
        rows = "\n".join(map(row, sorted(enrollable(), key=lambda person: bool(person.note))))  # the plain ones first
        modes = "\n".join(self.button(mode) for mode in Mode)
        return (
            (ASSETS / "index.html").read_text("utf-8").replace("<!-- rows -->", rows).replace("<!-- modes -->", modes)
        )

    def button(self, mode: Mode) -> str:
        thai, english = MODES[mode]
        pressed = "true" if mode == self.simulator.mode else "false"
        label = f'{thai} <span lang="en">{english}</span>'
        return f'<button name="mode" value="{mode}" aria-pressed="{pressed}">{label}</button>'


def row(person: FictionalPerson) -> str:
    """One person, field by field as the form of /enroll asks."""
    number, laser = person.citizen_number, person.laser_code
    grouped = f"{number[0]}-{number[1:5]}-{number[5:10]}-{number[10:12]}-{number[12]}"
    note = f'{NOTES[person.note]} <span lang="en">{escape(person.note)}</span>' if person.note else ""
    latin = f"{person.title} {person.given_name} {person.family_name}".strip()
    names = f"<b>{escape(person.given_name_th)}</b> <b>{escape(person.family_name_th)}</b>"
    cells = (
        f'<span lang="th">{escape(person.title_th)} {names}</span><br><span lang="en">{escape(latin)}</span>',
        f"<code>{grouped}</code>",
        day_of(person.birth_date),
        f"<code>{laser[:3]}-{laser[3:10]}-{laser[10:]}</code>",
        day_of(person.card_expires),
        note,
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def day_of(registered: str) -> str:
    """`9 ก.พ. 2535`; what the register does not know is left out."""
    if registered.startswith("9999"):
        return "ตลอดชีพ"
    day, month = int(registered[6:]), int(registered[4:6])
    return " ".join(filter(None, (str(day or ""), MONTHS[month - 1] if month else "", registered[:4])))


def answer(start_response: StartResponse, status: str, content_type: str, body: bytes) -> list[bytes]:
    headers = [("Content-Type", content_type), ("Content-Length", str(len(body))), ("Content-Security-Policy", POLICY)]
    start_response(status, [*headers, ("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store")])
    return [body]


class Server(ThreadingMixIn, WSGIServer):
    """A thread for each call: one that waits must not make others wait."""

    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    timeout = 15

    def log_message(self, *_arguments: object) -> None:
        """A register does not write down who asked about whom."""


def main() -> None:
    parser = argparse.ArgumentParser(description="The simulated civil register of Prajak's demonstration.")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    with make_server("127.0.0.1", arguments.port, RegistrySite(), Server, QuietHandler) as server:
        signal.signal(signal.SIGTERM, stop)
        server.serve_forever()


def stop(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main()
