"""What an answer may hold, as a JSON schema (2020-12): written from the text of OpenID Identity Assurance Schema Definition
1.0 section 5, of the kinds of evidence that we give. Stricter than the text: a member that it does not name is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

TEXT = {"type": "string", "minLength": 1}
DAY = {"type": "string", "format": "date"}
MOMENT = {"type": "string", "format": "date-time", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)$"}
ADDRESS = dict.fromkeys(("formatted", "street_address", "locality", "region", "postal_code", "country"), TEXT)
COUNTRY_CODE = {"type": "string", "pattern": "^[A-Z]{2,3}$"}


def closed(properties: dict[str, Any], required: Iterable[str] = ()) -> dict[str, Any]:
    """An object of these members and no others, with something in it."""
    return {
        "type": "object",
        "minProperties": 1,
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def filled(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "items": items}


ISSUER = closed({"name": TEXT, "country_code": COUNTRY_CODE, "jurisdiction": TEXT, **ADDRESS})
CHECKS = filled(
    closed({"check_method": TEXT, "organization": TEXT, "check_id": TEXT, "time": MOMENT}, required=["check_method"])
)
DOCUMENT = closed(
    {
        "type": {"const": "document"},
        "check_details": CHECKS,
        "document_details": closed(
            {
                "type": TEXT,
                "document_number": TEXT,
                "serial_number": TEXT,
                "date_of_issuance": DAY,
                "date_of_expiry": DAY,
                "issuer": ISSUER,
            },
            required=["type"],
        ),
    },
    required=["type"],
)
ELECTRONIC_RECORD = closed(
    {
        "type": {"const": "electronic_record"},
        "check_details": CHECKS,
        "record": closed(
            {"type": TEXT, "created_at": MOMENT, "date_of_expiry": DAY, "source": ISSUER}, required=["type"]
        ),
    },
    required=["type"],
)
VERIFICATION = closed(
    {
        "trust_framework": TEXT,
        "assurance_level": TEXT,
        "assurance_process": closed({"policy": TEXT, "procedure": TEXT}),
        "time": MOMENT,
        "verification_process": TEXT,
        "evidence": filled({"oneOf": [DOCUMENT, ELECTRONIC_RECORD]}),
    },
    required=["trust_framework"],
)
CLAIMS = {
    "type": "object",
    "minProperties": 1,
    "properties": {
        "birthdate": {"type": "string", "pattern": r"^\d{4}(-\d\d-\d\d)?$"},
        "address": closed(ADDRESS | {"country_code": COUNTRY_CODE}),
    },
    "additionalProperties": {"anyOf": [TEXT, {"type": "object", "minProperties": 1}]},
}
ONE = closed({"verification": VERIFICATION, "claims": CLAIMS}, required=["verification", "claims"])
SCHEMA = {"oneOf": [ONE, filled(ONE)]}
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=FormatChecker())


def check_valid(verified_claims: Any) -> None:
    """Raises jsonschema's ValidationError."""
    VALIDATOR.validate(verified_claims)
