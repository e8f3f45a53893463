"""Who lives in the sandbox: names that scripts rely on. All of them are made up."""

from __future__ import annotations

from dataclasses import dataclass

from core.assurance import IAL
from enrollment.account import PersonAttributes
from idp.models.membership import Role

LOAD = 32  # user0 … user31
LEVELS_FROM = LOAD + 2  # the register's people who show the other levels


@dataclass(frozen=True)
class Citizen:
    """`number` is the person's in the fictional register."""

    name: str
    number: int
    ial: IAL


@dataclass(frozen=True)
class Office:
    """An agency with one office; `sector` is its field of duty."""

    key: str
    name_th: str
    name_en: str
    sector: str
    office: str


@dataclass(frozen=True)
class Staff:
    name: str
    office: str
    role: Role
    person: PersonAttributes


def citizens() -> list[Citizen]:
    """One or more at each level; `somchai` and `malee` are the ones to begin with."""
    shown = (IAL.IAL1_1, IAL.IAL1_2, IAL.IAL2_2, IAL.IAL2_3, IAL.IAL3)
    first = [Citizen("somchai", 0, IAL.IAL2_1), Citizen("malee", 1, IAL.IAL1_3)]
    levels = [Citizen(f"ial{ial.value.replace('.', '-')}", LEVELS_FROM + place, ial) for place, ial in enumerate(shown)]
    return first + levels + [Citizen(f"user{number}", number + 2, IAL.IAL1_3) for number in range(LOAD)]


def more_citizens(persons: int) -> list[Citizen]:
    """For load beyond the first thirty-two; nobody of the register's enrollable people is used up."""
    return [Citizen(f"user{number}", number + 200, IAL.IAL1_3) for number in range(LOAD, LOAD + persons)]


OFFICES = (
    Office("a", "สำนักงานสวัสดิการตัวอย่าง", "Office of Example Benefits", "welfare", "สำนักงานเขตตัวอย่าง"),
    Office("b", "กรมทะเบียนยานพาหนะตัวอย่าง", "Department of Example Vehicles", "transport", "สำนักงานขนส่งตัวอย่าง"),
)


def person(title_th: str, given_th: str, family_th: str, given: str, family: str) -> PersonAttributes:
    title = {"นาย": "Mr.", "นางสาว": "Miss", "นาง": "Mrs."}[title_th]
    email = f"{given.lower()}.{family.lower()}@agency.example"
    return PersonAttributes(
        title_th=title_th, given_name_th=given_th, family_name_th=family_th,
        title=title, given_name=given, family_name=family, email=email,
    )  # fmt: skip


STAFF = (
    Staff("officer-anan", "a", Role.SIGNING_OFFICER, person("นาย", "อนันต์", "สมมติเจริญ", "Anan", "Sommutcharoen")),
    Staff("officer-busaba", "a", Role.PROOFING_OFFICER, person("นาง", "บุษบา", "จำลองศิริ", "Busaba", "Chamlongsiri")),
    Staff("officer-chai", "a", Role.PROOFING_OFFICER, person("นาย", "ชัย", "ตัวอย่างพงศ์", "Chai", "Tuayangphong")),
    Staff("developer-a", "a", Role.DEVELOPER, person("นาย", "เดชา", "ทดลองสกุล", "Decha", "Thotlongsakun")),
    Staff("approver-a", "a", Role.AGENCY_APPROVER, person("นางสาว", "อรทัย", "สาธิตวงศ์", "Orathai", "Sathitwong")),
    Staff("admin-a", "a", Role.ADMINISTRATOR, person("นางสาว", "พิมพ์พร", "เสมือนทรัพย์", "Phimphon", "Samueansap")),
    Staff("auditor-a", "a", Role.AUDITOR, person("นาย", "ตรวจการณ์", "นิทานรักษา", "Truatkan", "Nithanraksa")),
    Staff("officer-wanida", "b", Role.SIGNING_OFFICER, person("นาง", "วนิดา", "ละครทองดี", "Wanida", "Lakhonthongdi")),
    Staff("officer-dao", "b", Role.PROOFING_OFFICER, person("นางสาว", "ดาว", "สมมติสุขใจ", "Dao", "Sommutsukchai")),
    Staff("officer-ekkachai", "b", Role.PROOFING_OFFICER,
          person("นาย", "เอกชัย", "จำลองสุข", "Ekkachai", "Chamlongsuk")),
    Staff("developer-b", "b", Role.DEVELOPER, person("นางสาว", "ฟ้า", "ตัวอย่างเจริญ", "Fa", "Tuayangcharoen")),
    Staff("approver-b", "b", Role.AGENCY_APPROVER, person("นาย", "กวี", "ทดลองศิริ", "Kawee", "Thotlongsiri")),
    Staff("admin-b", "b", Role.ADMINISTRATOR, person("นาย", "หาญ", "สาธิตพงศ์", "Han", "Sathitphong")),
    Staff("auditor-b", "b", Role.AUDITOR, person("นาง", "อิสริยา", "เสมือนสกุล", "Itsariya", "Samueansakun")),
)  # fmt: skip
