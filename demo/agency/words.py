"""What each refusal means for the person who reads it: what happened, what was kept, what to do next."""

from __future__ import annotations

from demo.agency.language import translate


def explain(error: str) -> dict[str, str]:
    """By the registered error code; whatever is not known gets the last sentence."""
    title, text = EXPLANATIONS.get(error, EXPLANATIONS["other"])
    return {"title": translate(*title), "text": translate(*text)}


EXPLANATIONS = {
    "access_denied": (
        ("คุณยังไม่ได้เข้าสู่ระบบ", "You are not signed in"),
        (
            "คุณเลือกไม่อนุญาตให้ส่งข้อมูล เราจึงไม่ได้รับข้อมูลใดของคุณ หากเปลี่ยนใจ คุณเข้าสู่ระบบใหม่ได้ทุกเมื่อ",
            "You chose not to share your data, so we received nothing. You can sign in again whenever you like.",
        ),
    ),
    "unmet_authentication_requirements": (
        ("ระดับการยืนยันตัวตนยังไม่เพียงพอ", "Your identity is not assured enough yet"),
        (
            "บริการนี้ต้องการการพิสูจน์ตัวตนหรือการยืนยันตัวตนในระดับที่สูงกว่า โปรดเพิ่มระดับที่ ประจักษ์ แล้วลองอีกครั้ง",
            "This service needs a higher level of identity proofing or sign-in. Raise it at Prajak, then try again.",
        ),
    ),
    "mismatching_state": (
        ("การเข้าสู่ระบบครั้งนี้หมดอายุแล้ว", "This sign-in has run out"),
        (
            "หน้านี้อาจถูกเปิดค้างไว้ เปิดซ้ำ หรือเปิดจากเบราว์เซอร์อื่น โปรดเริ่มเข้าสู่ระบบใหม่",
            "The page may have been left open, reloaded, or opened in another browser. Please sign in again.",
        ),
    ),
    "unreachable": (
        ("ติดต่อระบบยืนยันตัวตนไม่ได้ในขณะนี้", "The sign-in service does not answer"),
        (
            "ไม่มีข้อมูลใดของคุณสูญหาย โปรดรอสักครู่แล้วลองอีกครั้ง",
            "Nothing of yours was lost. Please wait a moment and try again.",
        ),
    ),
    "not_found": (
        ("ไม่พบหน้าที่คุณต้องการ", "There is no such page"),
        ("ที่อยู่อาจพิมพ์ผิด โปรดเริ่มจากหน้าแรก", "The address may be mistyped. Please start from the first page."),
    ),
    "other": (
        ("เข้าสู่ระบบไม่สำเร็จ", "The sign-in did not succeed"),
        (
            "ไม่มีข้อมูลใดของคุณถูกบันทึกไว้ โปรดลองเข้าสู่ระบบอีกครั้ง หากยังไม่สำเร็จ โปรดติดต่อหน่วยงาน",
            "Nothing of yours was stored. Please try again; if it keeps failing, contact this office.",
        ),
    ),
}
