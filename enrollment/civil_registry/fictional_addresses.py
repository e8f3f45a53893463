"""Where the people of the simulated register live: provinces, districts and streets that are on no map.

Postal codes begin with 99, which the post does not use.
"""

from __future__ import annotations

from enrollment.civil_registry.fictional_people import choose
from enrollment.civil_registry.protocol import RegisteredAddress

STREETS = ("ถนนสมมติ", "ถนนตัวอย่าง", "ถนนจำลอง", "ซอยทดลอง 3", "ถนนนิทาน", "ซอยสาธิต 12")
PLACES = (  # sub-district, district, province
    ("ตำบลสมมติ", "อำเภอจำลอง", "จังหวัดจำลองบุรี"),
    ("ตำบลตัวอย่าง", "อำเภอเมืองจำลอง", "จังหวัดจำลองบุรี"),
    ("ตำบลนิทาน", "อำเภอละคร", "จังหวัดสมมตินคร"),
    ("ตำบลสาธิต", "อำเภอเมืองสมมติ", "จังหวัดสมมตินคร"),
    ("ตำบลทดลอง", "อำเภอเสมือน", "จังหวัดตัวอย่างธานี"),
)


def fictional_address(number: int) -> RegisteredAddress:
    """Of the person with that number, the same on every machine."""
    house = f"{choose(number, 'house', 300) + 1}/{choose(number, 'part', 40) + 1}"
    place = choose(number, "place", len(PLACES))
    sub_district, district, province = PLACES[place]
    return RegisteredAddress(
        street_address=f"{house} หมู่ {choose(number, 'moo', 12) + 1} {STREETS[choose(number, 'street', len(STREETS))]}",
        locality=f"{sub_district} {district}",
        region=province,
        postal_code=f"99{place + 1}{choose(number, 'post', 10)}0",
    )
