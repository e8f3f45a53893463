"""What a person is sent when a service asks for their approval (CIBA Core section 8): who asks, its words, and where.

The link names the request and proves nothing: whoever opens it signs in first.
"""

from __future__ import annotations

from enrollment.letters import Letter
from idp.models.client import RegisteredClient


def approval_letter(client: RegisteredClient, *, channel: str, message: str, link: str, minutes: int) -> Letter:
    """Thai first, English below, whatever language the service speaks."""
    thai, english = client.name("th"), client.name("en")
    if channel == "sms":
        words = f" “{message}”" if message else ""
        return Letter("", f"{thai} ขอให้ท่านพิจารณาคำขอ{words}\n{english} asks for your approval:\n{link}")
    body = (
        f"{thai} ขอให้ท่านพิจารณาอนุมัติคำขอ\n"
        + (f"ข้อความจากบริการ: {message}\n" if message else "")
        + f"โปรดเปิดลิงก์นี้ภายใน {minutes} นาที เพื่ออนุมัติหรือปฏิเสธ:\n{link}\n"
        "หากท่านไม่ได้เป็นผู้เริ่มทำรายการ โปรดปฏิเสธ หรือไม่ต้องดำเนินการใด ๆ คำขอจะหมดอายุเอง\n\n"
        f"{english} asks for your approval.\n"
        + (f"The service says: {message}\n" if message else "")
        + f"Open this link within {minutes} minutes to approve or to refuse:\n{link}\n"
        "If you did not begin this, refuse, or do nothing: the request runs out by itself.\n"
    )
    return Letter("คำขออนุมัติ / A request for your approval", body)
