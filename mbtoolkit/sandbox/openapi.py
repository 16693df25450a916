"""The sandbox's OpenAPI document, derived from the field table and from what the server really answers.

It is stricter than the CRM's reference page where that page is silent, because it describes this server: which
answers there are, what is refused, and that one identifier is needed.
"""

from __future__ import annotations

from typing import Any, Final, get_args

from mbtoolkit.contacts import (
    BY_NAME,
    FIELDS,
    IDENTIFIERS,
    PROPERTIES_WIRE,
    PROPERTY_WIRE_KEYS,
    UUID_PATTERN,
    Field,
    Kind,
)
from mbtoolkit.sandbox.answers import FAILED, SUCCESS
from mbtoolkit.sandbox.batches import State
from mbtoolkit.sandbox.bodies import BATCH_WIRE_KEYS, MAX_BATCH_CONTACTS, MAX_BODY_BYTES
from mbtoolkit.sandbox.faults import EARLY_PHASES, KINDS, MAX_SECONDS, MAX_SIZE, Phase
from mbtoolkit.sandbox.paths import BATCH_PATH, STATUS_PATH, TOKEN_PATH, UPSERT_PATH
from mbtoolkit.sandbox.records import Effect
from mbtoolkit.sandbox.tokens import VALIDITY_MINUTES
from mbtoolkit.sandbox.webhooks import WEBHOOK_PATTERN

_Json = dict[str, Any]

_TEXT: Final[_Json] = {"type": "string"}
_TEXT_OR_NULL: Final[_Json] = {"type": ["string", "null"]}
_COUNT: Final[_Json] = {"type": "integer", "minimum": 0}

_REFUSALS: Final = {
    400: "The body can't be read: not UTF-8, not JSON, not an object, or a broken transfer coding.",
    401: "The token is missing, not known or expired.",
    404: "There is no such operation.",
    405: "The method is not one of this path.",
    409: "The identifiers belong to different contacts.",
    413: f"The body is larger than {MAX_BODY_BYTES} bytes; a batch has a larger bound of its own.",
    415: "The Content-Type is not application/json in UTF-8, or there is a Content-Encoding.",
    421: "The Host header does not name this sandbox.",
    422: "A field is missing or does not fit; the message names it.",
    429: "The account's limit is reached.",
}
_REFUSAL_HEADERS: Final = {
    401: ("WWW-Authenticate", {"type": "string", "const": "Bearer"}, True),
    405: ("Allow", _TEXT, True),
    429: ("Retry-After", {"type": "string", "pattern": "^[1-9][0-9]*$"}, False),
}
_ALWAYS: Final = (405, 421)


def document(*, with_faults: bool, batch_success: int = 202) -> _Json:
    """The OpenAPI 3.1 document.

    Args:
        with_faults: whether the control operations are there.
        batch_success: the success code of a batch.
    """
    paths = {
        UPSERT_PATH: {"post": _upsert()},
        BATCH_PATH: {"post": _batch(batch_success)},
        STATUS_PATH: {"get": _batch_status()},
        TOKEN_PATH: {"post": _token()},
        "/sandbox/state.json": {"get": _state()},
    }
    if with_faults:
        paths["/sandbox/faults"] = {"get": _get_faults(), "post": _post_faults(), "delete": _delete_faults()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mbtoolkit sandbox",
            "version": "1",
            "description": "The MainBrainer CRM's twin, for tests and for learning. It is no place for real people.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
        },
    }


def contact_schema() -> _Json:
    """The request body of one contact."""
    properties: _Json = {field.wire: _field_schema(field, nullable=True) for field in FIELDS}
    items = {"$ref": "#/components/schemas/PropertyField"}
    properties[PROPERTIES_WIRE] = {"type": ["array", "null"], "items": items}
    return {
        "type": "object",
        "description": "Fields left out keep their value; keys that are not listed are ignored.",
        "properties": properties,
        "anyOf": [_identified_by(names) for names in IDENTIFIERS.values()],
    }


def _identified_by(names: tuple[str, ...]) -> _Json:
    fields = [BY_NAME[name] for name in names]
    return {
        "required": [field.wire for field in fields],
        "properties": {field.wire: _field_schema(field, nullable=False) for field in fields},
    }


def _field_schema(field: Field, *, nullable: bool) -> _Json:
    described = {"description": field.description, **_kind_schema(field)}
    if nullable:
        return {**described, "type": [described["type"], "null"]}
    return {**described, "minLength": 1} if field.kind is Kind.TEXT else described


def _kind_schema(field: Field) -> _Json:
    if field.is_integer:
        return {"type": "integer", "format": field.kind.value, "minimum": 1, "maximum": field.maximum}
    if field.kind is Kind.UUID:
        return {"type": "string", "format": "uuid", "pattern": UUID_PATTERN}
    return {"type": "boolean"} if field.kind is Kind.BOOLEAN else {"type": "string"}


def _schemas() -> _Json:
    return {
        "Contact": contact_schema(),
        "PropertyField": _property_schema(),
        "ContactAnswer": _envelope(_contact_data()),
        "Batch": _batch_schema(),
        "BatchAnswer": _envelope(_batch_data()),
        "BatchStatus": _batch_status_schema(),
        "TokenRequest": _token_request(),
        "TokenAnswer": _token_answer(),
        "Fault": _fault_schema(),
        "State": _state_schema(),
    }


def _property_schema() -> _Json:
    identifier, name, value = PROPERTY_WIRE_KEYS.values()
    uuid = {"type": ["string", "null"], "format": "uuid", "pattern": UUID_PATTERN}
    return {"type": "object", "properties": {identifier: uuid, name: _TEXT_OR_NULL, value: _TEXT_OR_NULL}}


def _envelope(data: _Json) -> _Json:
    return {
        "type": "object",
        "required": ["status", "message", "data"],
        "properties": {"status": {"enum": [SUCCESS, FAILED]}, "message": _TEXT, "data": data},
    }


def _contact_data() -> _Json:
    echoed = {"type": "object", "required": list(PROPERTY_WIRE_KEYS.values())}
    properties: _Json = {
        "contactId": {"type": ["string", "null"], "pattern": "^[1-9][0-9]*$"},
        "status": {"type": "integer"},
        "message": _TEXT,
        "invalidPropertiesList": {"type": "array", "items": echoed},
        "invalidContactIdList": {"type": "array", "items": _TEXT},
        "balance": {"type": "object"},
    }
    return {"type": "object", "required": list(properties), "properties": properties}


def _batch_schema() -> _Json:
    list_id, contacts, webhook_url = BATCH_WIRE_KEYS
    items = {"$ref": "#/components/schemas/Contact"}
    properties: _Json = {
        list_id: _field_schema(BY_NAME["list_id"], nullable=True),
        contacts: {"type": "array", "items": items, "minItems": 1, "maxItems": MAX_BATCH_CONTACTS},
        webhook_url: {
            "description": "Called once when the batch has ended; the sandbox calls nobody but this machine.",
            "type": ["string", "null"],
            "pattern": WEBHOOK_PATTERN,
        },
    }
    return {"type": "object", "required": [contacts], "properties": properties}


def _batch_data() -> _Json:
    contact = _contact_data()
    added: _Json = {"batchId": {"type": "string", "pattern": UUID_PATTERN}, "processed": {"type": "string"}}
    return {**contact, "required": [*contact["required"], *added], "properties": {**contact["properties"], **added}}


def _batch_status_schema() -> _Json:
    part: _Json = {
        "type": "object",
        "required": ["count", "contactIds"],
        "properties": {"count": _COUNT, "contactIds": {"type": "array", "items": {"type": "integer"}}},
    }
    names = [outcome.value for outcome in Effect]
    properties: _Json = {
        "id": {"type": "string", "pattern": UUID_PATTERN},
        "status": {"enum": [*(state.number for state in State), *(state.word for state in State)]},
        "statusText": {"enum": [state.word for state in State]},
        "statusFailedReason": _TEXT_OR_NULL,
        "processedObj": {"type": "object", "required": names, "properties": dict.fromkeys(names, part)},
    }
    return {"type": "object", "required": list(properties), "properties": properties}


def _token_request() -> _Json:
    properties: _Json = {
        "userName": _TEXT,
        "password": _TEXT,
        "privateToken": _TEXT,
        "validity": {"enum": list(VALIDITY_MINUTES), "default": "Default"},
    }
    return {"type": "object", "required": ["userName", "password", "privateToken"], "properties": properties}


def _token_answer() -> _Json:
    moment = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$"}
    properties: _Json = {
        "access_token": _TEXT,
        "token_type": {"const": "bearer"},
        "expires_in": {"type": "integer", "minimum": 1, "description": "Minutes."},
        "userName": _TEXT,
        "issued": moment,
        "expires": moment,
        "timeZoneOffset": _TEXT,
        "locale": _TEXT,
    }
    return {"type": "object", "required": list(properties), "properties": properties}


def _fault_schema() -> _Json:
    header = {"type": ["string", "null"], "pattern": "^[ -~]*$"}
    properties: _Json = {
        "kind": {"enum": list(KINDS)},
        "phase": {"enum": [*get_args(Phase), None]},
        "times": {"type": ["integer", "null"], "minimum": 1},
        "after": {"type": "integer", "minimum": 0},
        "every": {"type": "integer", "minimum": 1},
        "match": _TEXT_OR_NULL,
        "path": {"type": "string", "pattern": "^/"},
        "status": {"type": ["integer", "null"], "minimum": 200, "maximum": 599},
        "seconds": {"type": ["number", "null"], "minimum": 0, "maximum": MAX_SECONDS},
        "retry_after": header,
        "location": header,
        "body": _TEXT_OR_NULL,
        "size": {"type": ["integer", "null"], "minimum": 0, "maximum": MAX_SIZE},
        "chunked": {"type": "boolean"},
        "contacts": {"type": ["integer", "null"], "minimum": 0},
    }
    others = [kind for kind in KINDS if kind != "redirect"]
    redirect: _Json = {
        "location": {"type": "string", "pattern": "^[ -~]*$"},
        "status": {"type": ["integer", "null"], "minimum": 300, "maximum": 399},
    }
    late = [phase for phase in get_args(Phase) if phase not in EARLY_PHASES]
    return {
        "type": "object",
        "required": ["kind"],
        "properties": properties,
        "additionalProperties": False,
        "allOf": [
            {"anyOf": [{"properties": {"kind": {"enum": others}}}, {"required": ["location"], "properties": redirect}]},
            {
                "anyOf": [
                    {"properties": {"match": {"type": "null"}}},
                    {"properties": {"phase": {"enum": [*late, None]}}},
                ]
            },
        ],
    }


def _state_schema() -> _Json:
    counts = dict.fromkeys(("contacts", "requests", "applied", "batches", "faults"), _COUNT)
    lists = {
        name: {"type": "array", "items": {"type": "object"}}
        for name in ("columns", "contacts", "requests", "batches", "faults")
    }
    properties = {"counts": {"type": "object", "required": list(counts), "properties": counts}, **lists}
    return {"type": "object", "required": list(properties), "properties": properties}


def _json_content(schema: _Json) -> _Json:
    return {"application/json": {"schema": schema}}


def _reference(name: str) -> _Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _responses(success: int, schema: _Json, refusals: tuple[int, ...]) -> _Json:
    found: _Json = {str(success): {"description": "Done.", "content": _json_content(schema)}}
    for status in sorted({*refusals, *_ALWAYS}):
        response: _Json = {"description": _REFUSALS[status], "content": _json_content(_reference("ContactAnswer"))}
        if status in _REFUSAL_HEADERS:
            name, header, required = _REFUSAL_HEADERS[status]
            response["headers"] = {name: {"required": required, "schema": header}}
        found[str(status)] = response
    return found


def _operation(name: str, summary: str, responses: _Json, *, body: str | None = None, is_open: bool = False) -> _Json:
    operation: _Json = {"operationId": name, "summary": summary, "responses": responses}
    if not is_open:
        operation["security"] = [{"bearer": []}]
    if body is not None:
        operation["requestBody"] = {"required": True, "content": _json_content(_reference(body))}
    return operation


def _upsert() -> _Json:
    responses = _responses(202, _reference("ContactAnswer"), (400, 401, 409, 413, 415, 422, 429))
    return _operation("upsertContact", "Creates a contact, or updates the one that is identified.", responses,
                      body="Contact")  # fmt: skip


def _batch(success: int) -> _Json:
    responses = _responses(success, _reference("BatchAnswer"), (400, 401, 413, 415, 422, 429))
    responses[str(success)]["links"] = {
        "status": {"operationId": "getBatchStatus", "parameters": {"batchId": "$response.body#/data/batchId"}}
    }
    return _operation("upsertBatch", f"Takes up to {MAX_BATCH_CONTACTS} contacts in, to create or update them later.",
                      responses, body="Batch")  # fmt: skip


def _batch_status() -> _Json:
    responses = _responses(200, _reference("BatchStatus"), (400, 401, 413, 422, 429))
    parameter = {"name": "batchId", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
    return {**_operation("getBatchStatus", "How far a batch is.", responses), "parameters": [parameter]}


def _token() -> _Json:
    responses = _responses(200, _reference("TokenAnswer"), (400, 401, 413, 415, 422))
    return _operation("grantToken", "Grants a token that expires.", responses, body="TokenRequest", is_open=True)


def _state() -> _Json:
    return _operation("getState", "What the page shows.", _responses(200, _reference("State"), (401,)))


def _get_faults() -> _Json:
    line = {"type": "object", "required": ["name", "seen", "committed", "fault"]}
    listed = _envelope({"type": "array", "items": line})
    return _operation("getFaults", "The scripted faults, and how often each was committed.",
                      _responses(200, listed, (401,)))  # fmt: skip


def _post_faults() -> _Json:
    properties: _Json = {"scripted": _COUNT, "name": _TEXT}
    added = _envelope({"type": "object", "required": list(properties), "properties": properties})
    responses = _responses(201, added, (400, 401, 413, 415, 422))
    return _operation("addFault", "Scripts a fault.", responses, body="Fault")


def _delete_faults() -> _Json:
    removed = _envelope({"type": "object", "required": ["removed"], "properties": {"removed": _COUNT}})
    return _operation("clearFaults", "Takes all faults out.", _responses(200, removed, (401,)))
