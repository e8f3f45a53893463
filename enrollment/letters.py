"""What is sent to people: Thai first, English below, whatever the language of the page was.

A notification says what was done, when, and how to say "this was not me" (SP 800-63A section 3.1.10).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.i18n import BANGKOK, english_date, thai_date


@dataclass(frozen=True)
class Letter:
    subject: str
    body: str


def confirmation_code(code: str, *, minutes: int, channel: str, host: str) -> Letter:
    """An SMS ends with the origin-bound form of one-time codes, which browsers fill in only on our own pages."""
    if channel == "sms":
        body = (
            f"รหัสยืนยัน {code} ใช้ได้ {minutes} นาที ห้ามบอกผู้อื่น\n"
            f"Code {code}, valid {minutes} minutes. Tell nobody.\n\n@{host} #{code}"
        )
        return Letter("", body)
    body = (
        f"รหัสยืนยันของท่านคือ {code}\n"
        f"รหัสนี้ใช้ได้ครั้งเดียวภายใน {minutes} นาที โปรดอย่าบอกรหัสนี้แก่ผู้ใด เจ้าหน้าที่จะไม่ถามรหัสนี้จากท่าน\n"
        "หากท่านไม่ได้เป็นผู้ขอรหัส ไม่ต้องดำเนินการใด ๆ\n\n"
        f"Your confirmation code is {code}\n"
        f"It works once, within {minutes} minutes. Tell it to nobody; no officer will ever ask you for it.\n"
        "If you did not ask for a code, you need not do anything.\n"
    )
    return Letter("รหัสยืนยัน / Confirmation code", body)


def proofing_notification(what_th: str, what_en: str, *, at: datetime, link: str, issuer: str) -> Letter:
    local = at.astimezone(BANGKOK)
    body = (
        f"{what_th}\n"
        f"เมื่อวันที่ {thai_date(local.date())} เวลา {local:%H:%M} น. (ระบบ Prajak {issuer})\n\n"
        "หากท่านเป็นผู้ดำเนินการ ไม่ต้องทำอะไรเพิ่มเติม\n"
        "หากท่านไม่ได้ดำเนินการ โปรดเปิดลิงก์นี้เพื่อระงับบัญชีทันที แล้วติดต่อเจ้าหน้าที่ที่สำนักทะเบียนอำเภอหรือเขต:\n"
        f"{link}\n\n"
        f"{what_en}\n"
        f"On {english_date(local.date())} at {local:%H:%M} (Prajak, {issuer})\n\n"
        "If this was you, you need not do anything.\n"
        "If this was not you, open this link to put the account on hold at once, then see an officer at a district"
        " office:\n"
        f"{link}\n"
    )
    return Letter("แจ้งเตือนเกี่ยวกับบัญชีของท่าน / About your account", body)


def new_passkey(link: str, *, channel: str) -> Letter:
    if channel == "sms":
        return Letter("", f"สร้างพาสคีย์ใหม่ ภายใน 24 ชั่วโมง\nCreate your new passkey within 24 hours:\n{link}")
    body = (
        "เจ้าหน้าที่ได้ยืนยันตัวตนของท่านแล้ว โปรดเปิดลิงก์นี้ในอุปกรณ์ของท่านเองเพื่อสร้างพาสคีย์ใหม่"
        f" ลิงก์ใช้ได้ครั้งเดียวภายใน 24 ชั่วโมง\n{link}\n\n"
        "Officers have confirmed who you are. Open this link on your own device to create a new passkey."
        f" It works once, within 24 hours.\n{link}\n"
    )
    return Letter("สร้างพาสคีย์ใหม่ / Create your new passkey", body)


ENROLLED = (
    "มีการยืนยันตัวตนและสร้างบัญชีดิจิทัลด้วยเลขประจำตัวประชาชนของท่าน (ระดับ IAL{ial})",
    "Your identity was proofed and a digital account was made with your citizen number (level IAL{ial}).",
)
ENROLMENT_ATTEMPTED = (
    "มีผู้พยายามสร้างบัญชีใหม่ด้วยข้อมูลบัตรประชาชนของท่าน แต่ท่านมีบัญชีอยู่แล้ว จึงไม่มีการเปลี่ยนแปลงใด ๆ",
    "Somebody began to make a new account with your card's details. You have an account, so nothing was changed.",
)
RECOVERED = (
    "มีการกู้คืนบัญชีของท่านและสร้างพาสคีย์ใหม่",
    "Your account was recovered and a new passkey was made.",
)
RAISED = (
    "เจ้าหน้าที่ได้ยืนยันตัวตนของท่านในระดับที่สูงขึ้น (IAL{ial})",
    "Officers proofed your identity at a higher level (IAL{ial}).",
)
NOT_RAISED = (
    "คำขอยืนยันตัวตนในระดับที่สูงขึ้นไม่ได้รับการอนุมัติ บัญชีของท่านยังใช้งานได้ตามเดิม ท่านยื่นคำขอใหม่ได้ที่สำนักทะเบียน",
    "Your request for a higher level was not approved. Your account works as before; you may ask again at an office.",
)
