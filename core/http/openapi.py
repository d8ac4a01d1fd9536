"""`/api/openapi.json`: OpenAPI 3.1, made of the routes' declarations, the contract's types and the app's tables.

Routes of records appear once per table under its own name, with its own fields, so that a generated client is typed.
"""

from collections.abc import Iterable
from typing import Any, get_args

from core.contract.records import ComputeState
from core.fields.base import FieldType
from core.fields.model import AppModel, TableModel
from core.http.repeat import ABOUT, HEADER, LONGEST
from core.http.route import BOOLEANS, Parameter, Route
from core.http.shape import adapter

Schema = dict[str, Any]
REF = "#/components/schemas/"
KINDS: dict[str, Schema] = {
    "text": {"type": "string"},
    "integer": {"type": "integer"},
    "boolean": {"type": "string", "enum": list(BOOLEANS)},
    "json": {"type": "string", "contentMediaType": "application/json"},
}
# What a field answers, by its family. Input is read more widely (numbers and dates as text, for one).
FAMILIES: dict[str, Schema] = {
    "text": {"type": "string"},
    "number": {"type": ["number", "string"]},
    "date": {"type": ["string", "number"]},
    "checkbox": {"type": "boolean"},
    "select": {"type": "string"},
    "multi": {"type": "array", "items": {"type": "string"}},
    "link": {"type": ["string", "integer", "array"]},
    "user": {"type": ["string", "array"]},
    "json": {},
    "none": {},
}
FILE: Schema = {}
"""Bytes: the media type says all."""
REASONS = {
    400: "The request, or a value in it, is wrong; `errors` says which",
    401: "Sign in first",
    403: "Sent by a page of another site, or to a host name that is not ours",
    404: "Missing, or not to be seen",
    405: "The address takes other methods; `Allow` names them",
    408: "The request did not come in time",
    409: "A unique key is taken, the record has changed since it was read, or the database cannot do it",
    410: "The link has expired",
    413: "More than one request may carry",
    414: "The address is too long",
    416: "The range lies behind the end; `Content-Range` says how long it is",
    422: "A value has the wrong format",
    429: "Too many requests, or too many open streams; `Retry-After` says when to try again",
    431: "Too many headers, or too long ones",
    500: "A fault of the server; `requestId` finds it in the log",
    501: "An optional package is not installed; `hint` is how to install it",
    502: "A message was not taken by whoever carries it",
    503: "Not ready, too busy, or no space left; `Retry-After` says when to try again",
    504: "It took too long, or was cancelled",
}
"""What each status of an error means, for people."""
ALWAYS = (400, 401, 403, 429, 500, 503, 504)
SAID: Schema = {
    "type": "object",
    "description": "With `Prefer: patterns`: by the key of a text its `pattern` and the `values` in it",
    "additionalProperties": {
        "type": "object",
        "required": ["pattern", "values"],
        "properties": {"pattern": {"type": "string"}, "values": {"type": "object"}},
    },
}
ERROR: Schema = {
    "type": "object",
    "required": ["success", "message", "code"],
    "properties": {
        "success": {"const": False},
        "message": {"type": "string"},
        "code": {"type": "string"},
        "hint": {"type": "string"},
        "requestId": {"type": "string"},
        "said": SAID,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {
                    "field": {"type": "string"},
                    "message": {"type": "string"},
                    "code": {"type": "string"},
                    "record": {"type": "integer"},
                    "said": SAID,
                },
            },
        },
    },
}

KEY: Schema = {
    "name": HEADER,
    "in": "header",
    "description": ABOUT,
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST},
}


def document(routes: Iterable[Route], model: AppModel, version: str) -> Schema:
    """The whole document, as plain data."""
    routes = tuple(routes)
    tables = [table for table in model if not table.spec.disabled]
    schemas = contract_schemas(routes) | {"Error": ERROR}
    paths: dict[str, dict[str, Schema]] = {}
    for table in tables:
        schemas |= table_schemas(table)
    for route in routes:
        if route.tag != "records":
            paths.setdefault(route.path, {})[route.method.lower()] = operation(route, None)
            continue
        for table in tables:
            path = route.path.replace("{table}", table.sql_name)
            paths.setdefault(path, {})[route.method.lower()] = operation(route, table)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": model.app.name,
            "version": model.app.version or version,
            "description": model.app.description,
        },
        "paths": paths,
        "components": {"schemas": schemas},
    }


def operation(route: Route, table: TableModel | None) -> Schema:
    names = [part[1:-1] for part in route.path.split("/") if part.startswith("{") and not (table and part == "{table}")]
    parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    parameters += [query_parameter(name, declared) for name, declared in route.query.items()]
    if route.repeatable:
        parameters.append(KEY)
    name = route.handler.__name__ + (f"_{table.sql_name}" if table else "")
    answers: Schema = {str(status): answer(status, kind, route, table) for status, kind in route.answers.items()}
    for status in sorted({*route.errors, *(() if route.open else ALWAYS)} - set(route.answers)):
        answers[str(status)] = {
            "description": REASONS[status],
            "content": {"application/json": {"schema": {"$ref": REF + "Error"}}},
        }
    found: Schema = {
        "operationId": name,
        "summary": route.summary,
        "tags": [table.name if table else route.tag],
        "parameters": parameters,
        "responses": answers,
    }
    if route.body is not None:
        content = {route.body_kind: {"schema": schema_of(route.body, table)}}
        found["requestBody"] = {"required": True, "content": content}
    return found


def query_parameter(name: str, declared: Parameter) -> Schema:
    schema = dict(KINDS[declared.kind])
    schema |= {"minimum": declared.least} if declared.least is not None else {}
    schema |= {"maximum": declared.most} if declared.most is not None else {}
    schema |= {"enum": list(declared.choices)} if declared.choices else {}
    return {
        "name": name,
        "in": "query",
        "required": declared.required,
        "description": declared.about,
        "schema": schema,
    }


def answer(status: int, kind: Any, route: Route, table: TableModel | None) -> Schema:
    found: Schema = {"description": route.summary}
    if kind is not None:
        schema = schema_of(kind, table)
        if status >= 400 and not route.open:
            schema = {"anyOf": [schema, {"$ref": REF + "Error"}]}
        found["content"] = {media: {"schema": schema} for media in route.answer_kinds}
    return found


def schema_of(kind: Any, table: TableModel | None) -> Schema:
    """The schema of a contract type; of records in terms of the table where it is known."""
    if kind is bytes:
        return FILE
    if kind is dict:
        return {"type": "object"}
    name = getattr(kind, "__name__", "")
    if table is not None and name in TABLE_TYPES:
        return {"$ref": f"{REF}{table.sql_name}.{name}"}
    if getattr(kind, "__origin__", None) is list:
        return {"type": "array", "items": schema_of(kind.__args__[0], table)}
    return {"$ref": REF + name} if name else {}


TABLE_TYPES = frozenset({"Record", "RecordList", "RecordBody"})


def contract_schemas(routes: Iterable[Route]) -> dict[str, Schema]:
    """Schemas of all contract types that routes name, with those inside them."""
    from pydantic import TypeAdapter

    kinds = [
        kind for route in routes for kind in (route.body, *route.answers.values()) if kind not in (None, bytes, dict)
    ]
    inputs = [(number, "validation", adapter(kind)) for number, kind in enumerate(kinds)]
    _, found = TypeAdapter.json_schemas(inputs, ref_template=REF + "{model}")  # type: ignore[arg-type]
    schemas: dict[str, Schema] = found.get("$defs", {})
    return schemas


def table_schemas(table: TableModel) -> dict[str, Schema]:
    """`contacts.Fields`, `contacts.Record`, `contacts.RecordList`, `contacts.RecordBody`."""
    known = {
        name: field_schema(field) for name, field in (*table.fields.items(), *table.system.items()) if field.result()
    }
    writable = {
        name: {key: value for key, value in schema.items() if key != "type"}
        for name, schema in known.items()
        if name in table.fields and not table.fields[name].read_only
    }
    name = table.sql_name
    moment = {"type": "string", "format": "date-time"}
    record: Schema = {
        "type": "object",
        "required": ["id", "fields", "createdAt", "updatedAt"],
        "properties": {
            "id": {"type": ["string", "integer"]},
            "fields": {"$ref": f"{REF}{name}.Fields"},
            "createdAt": moment,
            "updatedAt": moment,
            "deletedAt": {"type": ["string", "null"], "format": "date-time"},
        },
    }
    if table.generated:
        states = {"type": "string", "enum": list(get_args(ComputeState))}
        record["properties"] |= {
            "_aiCompute": {"type": "object", "additionalProperties": states},
            "_aiReasons": {"type": "object", "additionalProperties": {"type": "string"}},
        }
    listed = {
        "type": "object",
        "required": ["records", "pagination"],
        "properties": {
            "records": {"type": "array", "items": {"$ref": f"{REF}{name}.Record"}},
            "pagination": {"$ref": REF + "Pagination"},
            "aggregations": {"type": "object"},
            "groups": {"type": "array", "items": {"$ref": REF + "Group"}},
        },
    }
    version = {**moment, "description": "the version that was read; another stored one refuses the write"}
    wrapped = {
        "type": "object",
        "required": ["fields"],
        "properties": {
            "fields": {"type": "object", "properties": writable, "additionalProperties": False},
            "updatedAt": version,
        },
    }
    bare = {"type": "object", "properties": writable, "not": {"required": ["fields"]}}
    body = {"anyOf": [wrapped, bare]}
    fields = {"type": "object", "properties": known}
    return {
        f"{name}.Fields": fields,
        f"{name}.Record": record,
        f"{name}.RecordList": listed,
        f"{name}.RecordBody": body,
    }


def field_schema(field: FieldType[Any]) -> Schema:
    """What the field answers. Null is always possible: old rows may lack what is required of new ones."""
    schema = dict(FAMILIES[field.family])
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        schema["type"] = [*kinds, "null"]
    about = field.spec.description or field.spec.label
    schema |= {"description": f"{about} ({field.name})" if about else field.name}
    return schema
