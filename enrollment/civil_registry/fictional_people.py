"""The people of the simulated register: about two hundred, always the same, none of them real.

Every citizen number has a valid check digit and the office code 9900 to 9999, which no district has; family names are
made of words such as สมมติ and จำลอง, "supposed" and "model". No number, name or code is taken from anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from hashlib import sha256

from enrollment.evidence.citizen_number import check_digit

PEOPLE = 200
SEEDED = 48  # the first people have accounts in a seeded demo; the others can be enrolled
BUDDHIST_ERA = 543
FIRST_BIRTH, LAST_BIRTH = date(1940, 1, 1), date(2006, 12, 31)
LIFELONG = "99991231"

MEN = (
    ("สมชาย", "Somchai"), ("ธนกร", "Thanakorn"), ("ปกรณ์", "Pakorn"), ("วีรยุทธ", "Weerayut"), ("อนันต์", "Anan"),
    ("ชัยวัฒน์", "Chaiwat"), ("ณัฐพล", "Nattapon"), ("กิตติศักดิ์", "Kittisak"), ("ประเสริฐ", "Prasert"),
    ("ภูมิพัฒน์", "Phumiphat"), ("สุรเดช", "Suradet"), ("เกรียงไกร", "Kriangkrai"), ("ไพโรจน์", "Phairot"),
    ("ศุภวิชญ์", "Supphawit"), ("ธีรภัทร์", "Theeraphat"), ("บุญมี", "Bunmi"), ("จักรกฤษณ์", "Chakkrit"),
    ("เอกชัย", "Ekkachai"), ("นพดล", "Noppadon"), ("วรวุฒิ", "Worawut"), ("ปิยะ", "Piya"), ("สิทธิชัย", "Sitthichai"),
)  # fmt: skip
WOMEN = (
    ("มาลี", "Malee"), ("สุดา", "Suda"), ("กมลชนก", "Kamonchanok"), ("พิมพ์ใจ", "Phimchai"), ("ณัฐธิดา", "Natthida"),
    ("วิไลวรรณ", "Wilaiwan"), ("อรุณี", "Arunee"), ("ศิริพร", "Siriporn"), ("ปวีณา", "Paweena"), ("จันทร์เพ็ญ", "Chanphen"),
    ("รัตนาภรณ์", "Rattanaporn"), ("ชลธิชา", "Chonthicha"), ("เบญจวรรณ", "Benchawan"), ("สุภาวดี", "Suphawadee"),
    ("น้ำฝน", "Namfon"), ("กัญญารัตน์", "Kanyarat"), ("ทิพย์สุดา", "Thipsuda"), ("ดวงใจ", "Duangchai"),
    ("พรทิพย์", "Phornthip"), ("อัญชลี", "Anchalee"), ("เพ็ญศรี", "Phensri"), ("ลัดดา", "Ladda"), ("นงนุช", "Nongnut"),
)  # fmt: skip
FIRST_HALVES = (
    ("สมมติ", "Sommut"), ("จำลอง", "Chamlong"), ("ตัวอย่าง", "Tuayang"), ("ทดลอง", "Thotlong"), ("นิทาน", "Nithan"),
    ("สาธิต", "Sathit"), ("เสมือน", "Samuean"), ("ละคร", "Lakhon"),
)  # fmt: skip
SECOND_HALVES = (
    ("วงศ์", "wong"), ("สกุล", "sakun"), ("ทรัพย์", "sap"), ("เจริญ", "charoen"), ("พงศ์", "phong"), ("รักษา", "raksa"),
    ("มั่นคง", "mankhong"), ("สุขใจ", "sukchai"), ("ทองดี", "thongdi"), ("รุ่งเรือง", "rungrueang"), ("ศิริ", "siri"),
)  # fmt: skip


class Standing(StrEnum):
    """What the register says of person and card; only ALIVE with a card in force is confirmed."""

    ALIVE = "alive"
    DECEASED = "deceased"
    CARD_CANCELLED = "card-cancelled"
    CARD_EXPIRED = "card-expired"


@dataclass(frozen=True)
class FictionalPerson:
    """Dates are YYYYMMDD in the Buddhist era, as in the register, 00 for what is unknown."""

    number: int
    citizen_number: str
    title_th: str
    given_name_th: str
    family_name_th: str
    title: str
    given_name: str
    family_name: str
    birth_date: str
    laser_code: str
    card_expires: str
    standing: Standing = Standing.ALIVE
    note: str = ""

    @property
    def is_in_force(self) -> bool:
        return self.standing == Standing.ALIVE


SPECIAL: dict[int, dict[str, object]] = {
    0: {"given_name_th": "สมชาย", "given_name": "Somchai", "family_name_th": "สมมติวงศ์", "family_name": "Sommutwong"},
    1: {"given_name_th": "มาลี", "given_name": "Malee", "family_name_th": "จำลองสุขใจ", "family_name": "Chamlongsukchai",
        "title_th": "นางสาว", "title": "Miss"},
    50: {"standing": Standing.DECEASED, "note": "deceased"},
    51: {"standing": Standing.CARD_CANCELLED, "note": "card cancelled"},
    52: {"standing": Standing.CARD_EXPIRED, "card_expires": "25650101", "note": "card expired"},
    53: {"family_name_th": "", "family_name": "", "note": "a single name"},
    54: {"given_name_th": "กรุงเทพมหานครอมรรัตนโกสินทร์สมมติวงศา",
         "given_name": "Krungthepmahanakhonamonrattanakosinsommutwongsa",
         "family_name_th": "จำลองพงศ์มหาสุขเจริญรุ่งเรืองวัฒนาถาวร",
         "family_name": "Chamlongphongmahasukcharoenrungrueangwatthanathawon",
         "note": "very long names"},
    55: {"family_name_th": "สมมติวงศ์ ณ จำลองบุรี", "family_name": "Sommutwong na Chamlongburi",
         "note": "a family name in three words"},
    56: {"given_name_th": "กฤษฎ์ปกรณ์", "given_name": "Kritpakon", "note": "marks above marks"},
    57: {"given_name_th": "น้ำค้าง", "given_name": "Namkhang", "note": "sara am with a tone"},
    58: {"given_name_th": "สมเจตน์ฯ", "given_name": "Somchet", "note": "a name with paiyannoi"},
    59: {"birth_date": "24850000", "note": "day and month of birth unknown"},
    60: {"birth_date": "24910700", "note": "day of birth unknown"},
    61: {"given_name_th": "แก้วกล้า", "given_name": "Kaeokla", "card_expires": LIFELONG, "note": "a card for life"},
    62: {"given_name_th": "นายิกา", "given_name": "Nayika", "title_th": "นาง", "title": "Mrs.",
         "note": "a name that begins like a title"},
}  # fmt: skip


@cache
def people() -> tuple[FictionalPerson, ...]:
    """All of them, in an order that stays."""
    return tuple(person(number) for number in range(PEOPLE))


def enrollable() -> Iterator[FictionalPerson]:
    """Those without an account in a seeded demo: for a newcomer to enrol."""
    return iter(people()[SEEDED:])


def person(number: int) -> FictionalPerson:
    is_man = choose(number, "sex", 2) == 0
    given_names = MEN if is_man else WOMEN
    given = given_names[choose(number, "given", len(given_names))]
    first = FIRST_HALVES[choose(number, "first", len(FIRST_HALVES))]
    second = SECOND_HALVES[choose(number, "second", len(SECOND_HALVES))]
    titles = [("นาย", "Mr.")] if is_man else [("นางสาว", "Miss"), ("นาง", "Mrs.")]
    title = titles[choose(number, "title", len(titles))]
    made = FictionalPerson(
        number=number,
        citizen_number=citizen_number(number),
        title_th=title[0],
        given_name_th=given[0],
        family_name_th=first[0] + second[0],
        title=title[1],
        given_name=given[1],
        family_name=first[1] + second[1],
        birth_date=birth_date(number),
        laser_code=laser_code(number),
        card_expires=f"{2572 + choose(number, 'expiry', 6)}{choose(number, 'expiry month', 12) + 1:02}28",
    )
    return replace(made, **SPECIAL.get(number, {}))  # type: ignore[arg-type]  # the fields above, by name


def citizen_number(number: int) -> str:
    """Office 9900 to 9999: below it no district counts."""
    first = choose(number, "kind", 5) + 1
    twelve = f"{first}99{number // 100:02}{choose(number, 'middle', 100_000):05}{number % 100:02}"
    return twelve + check_digit(twelve)


def laser_code(number: int) -> str:
    return f"ZT{choose(number, 'laser', 10):01}{number:07}{choose(number, 'laser end', 100):02}"


def birth_date(number: int) -> str:
    born = FIRST_BIRTH + timedelta(days=choose(number, "born", (LAST_BIRTH - FIRST_BIRTH).days))
    return f"{born.year + BUDDHIST_ERA}{born.month:02}{born.day:02}"


def choose(number: int, what: str, choices: int) -> int:
    """The same choice for the same person on every machine, for ever."""
    digest = sha256(f"prajak fictional person {number} {what}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % choices
