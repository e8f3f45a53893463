"""What `make run` says when everything answers: one line for scripts, then the way round for a person."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from demo.parts import Demo

ROLES = {
    "citizen": "ประชาชน / citizen",
    "proofing-officer": "เจ้าหน้าที่พิสูจน์ตัวตน / proofing officer (/officer)",
    "signing-officer": "เจ้าหน้าที่ผู้ลงนาม / signing officer (/sign)",
    "developer": "ผู้พัฒนาของหน่วยงาน / developer (/console)",
    "agency-approver": "ผู้อนุมัติของหน่วยงาน / approver (/console)",
    "administrator": "ผู้ดูแลระบบ / administrator (/console)",
    "auditor": "ผู้ตรวจสอบ / auditor (/console/audit)",
}
SHOWN = 4  # names of each role


def announce(demo: Demo, seeded: bytes) -> None:
    """`seeded` is what `prajak demo --json` printed."""
    lines = [f"ready: {demo.issuer}", *addresses(demo), *accounts(json.loads(seeded)), *hints(demo)]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def addresses(demo: Demo) -> Iterator[str]:
    yield ""
    yield f"  ประจักษ์ / Prajak               {demo.issuer}"
    for agency, name in (("a", "หน่วยงาน ก / agency A"), ("b", "หน่วยงาน ข / agency B")):
        yield f"  {name:<30}  {demo.agency_origin(agency)}"
    yield f"  ทะเบียนจำลอง / civil registry    http://localhost:{demo.registry_port}"
    yield f"  กล่องข้อความ / mail and SMS      {demo.issuer}/sandbox/outbox"


def accounts(facts: Mapping[str, Any]) -> Iterator[str]:
    """Names for the sandbox's sign-in, by role."""
    yield ""
    for role, words in ROLES.items():
        names = [each["name"] for each in facts["people"] if each["role"] == role]
        more = " …" if len(names) > SHOWN else ""
        yield f"  {', '.join(names[:SHOWN])}{more}   {words}"


def hints(demo: Demo) -> Iterator[str]:
    yield ""
    yield f"  ข้อมูลอยู่ที่ / data in {demo.data_dir}   ·   Ctrl-C หยุด / stops"
