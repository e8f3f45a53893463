"""The APIs in OpenAPI 3.1. The OpenID Connect endpoints describe themselves by discovery."""

from __future__ import annotations

from collections.abc import Mapping

from core.settings import Settings

INDICATIONS = ["TOTAL-PASSED", "INDETERMINATE", "TOTAL-FAILED"]
LEVELS = ["PAdES-BASELINE-B", "PAdES-BASELINE-T", "PAdES-BASELINE-LT", "PAdES-BASELINE-LTA"]


def document(settings: Settings) -> Mapping[str, object]:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Prajak",
            "version": "1",
            "description": "Digital identity and e-signatures for a government.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": settings.issuer}],
        "paths": {"/api/verify": {"post": verify_operation()}},
        "components": {
            "schemas": {"Report": report_schema(), "Signature": signature_schema(), "Error": error_schema()}
        },
        "externalDocs": {"url": f"{settings.issuer}/.well-known/openid-configuration", "description": "OpenID Connect"},
    }


def verify_operation() -> Mapping[str, object]:
    upload = {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}
    refused = {code: json_answer(text, "Error") for code, text in REFUSALS.items()}
    return {
        "operationId": "verify",
        "summary": "Validate every signature of a PDF (ETSI EN 319 102-1). Nothing uploaded is kept.",
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": upload}}},
        "responses": {"200": json_answer("What was found, signature by signature.", "Report")} | refused,
    }


REFUSALS = {
    "400": "No file was sent, or it is no PDF that can be read.",
    "413": "The file is larger than 200 MB.",
    "429": "Too many requests; Retry-After says how long to wait, in seconds.",
}


def json_answer(description: str, schema: str) -> Mapping[str, object]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": description, "content": content}


def schemas() -> Mapping[str, object]:
    return {"Report": report_schema(), "Signature": signature_schema(), "Error": error_schema()}


def report_schema() -> Mapping[str, object]:
    signatures = {"type": "array", "items": {"$ref": "#/components/schemas/Signature"}}
    properties = {"file": {"type": "string"}, "signatures": signatures}
    return {"type": "object", "required": ["file", "signatures"], "properties": properties}


def signature_schema() -> Mapping[str, object]:
    text, maybe = {"type": "string"}, {"type": ["string", "null"]}
    properties = {
        "field": text,
        "indication": {"enum": INDICATIONS},
        "subindication": maybe,
        "level": {"enum": [*LEVELS, None]},
        "signer": {"type": ["string", "object", "null"]},
        "signing_time": {"type": ["string", "null"], "format": "date-time"},
        "covers_whole_document": {"type": "boolean"},
        "modification": {"enum": ["none", "allowed", "forbidden"]},
        "timestamps": {"type": "array"},
        "reasons": {"type": "array", "items": text},
    }
    return {"type": "object", "required": list(properties), "properties": properties}


def error_schema() -> Mapping[str, object]:
    properties = {"error": {"type": "string"}, "error_description": {"type": "string"}}
    return {"type": "object", "required": ["error"], "properties": properties}
