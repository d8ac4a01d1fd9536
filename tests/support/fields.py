"""One or more fields of every type, for suites that run over all of them. A new type joins by its name alone; it needs an
entry here only when it has required keys or when its options change its behaviour.
"""

from typing import Any

from core.fields.base import FieldType
from core.fields.build import build_app
from core.fields.registry import FIELD_TYPES
from core.schema.loader import load_data
from core.schema.model import App, FieldSpec, TableSpec

BESIDE: list[dict[str, Any]] = [
    {"name": "note", "type": "long-text"},
    {"name": "link", "type": "relationship", "relatedTable": "Other"},
]
"""Fields of the same table that options name."""
OTHER: dict[str, Any] = {
    "name": "Other",
    "fields": [{"name": "title", "type": "long-text"}, {"name": "n", "type": "integer"}],
}
"""The table that links of these samples lead to."""

_COLORS = ["red", "green", {"value": "blue", "label": "Sky blue"}, "a, b", "[odd]"]

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "single-line-text": [{}, {"minLength": 2, "maxLength": 12}, {"pattern": "[a-z ]*"}],
    "rich-text": [{}, {"format": "markdown"}, {"maxLength": 200, "fullTextSearch": True}],
    "phone-number": [{}, {"format": "e164"}, {"format": "national"}, {"format": "international"}],
    "barcode": [{}, {"format": "EAN-13"}, {"format": "ean-8"}, {"format": "UPC-A"}, {"format": "CODE-39"}],
    "code": [{"language": "python"}],
    "integer": [{}, {"min": -3, "max": 9}, {"min": 0, "max": 2**40}],
    "decimal": [{}, {"precision": 2}, {"precision": 3, "min": 0, "max": 1.5}],
    "currency": [{"currency": "EUR"}, {"currency": "JPY", "precision": 0}, {"currency": "USD", "precision": 10}],
    "percentage": [{}, {"precision": 1, "min": 0, "max": 100}],
    "rating": [{}, {"max": 10}],
    "duration": [{}, {"format": "minutes", "displayFormat": "human"}, {"format": "hours", "allowNegative": True}],
    "date": [{}, {"dateFormat": "European"}, {"includeTime": True, "timeZone": "Europe/Paris"}],
    "datetime": [{}, {"timeZone": "America/New_York", "timeFormat": "12-hour"}, {"timeZone": "local"}],
    "single-select": [{"options": _COLORS}],
    "multi-select": [{"options": _COLORS}, {"options": _COLORS, "maxSelections": 2}],
    "status": [{"options": [{"value": "open", "color": "#00FF00"}, "closed"]}],
    "relationship": [{"relatedTable": "Other"}],
    "json": [{}, {"schema": {"type": "object"}}],
    "ai-categorize": [{"sourceFields": ["note"], "categories": ["bug", "wish", "praise"]}],
    "ai-tag": [{"sourceFields": ["note"], "tags": ["urgent", "paid", "a, b"], "maxTags": 2}],
    "ai-summary": [{"sourceFields": ["note"], "maxLength": 300, "computeOn": "manual"}],
    "ai-generate": [{"sourceFields": ["note"], "prompt": "Answer {{note}} kindly"}],
    "ai-translate": [{"sourceFields": ["note"], "targetLanguage": "fr"}],
    "ai-extract": [{"sourceFields": ["note"], "schema": {"type": "object"}}],
    "ai-sentiment": [{"sourceFields": ["note"]}],
    "lookup": [{"relationshipField": "link", "relatedField": "title"}],
    "rollup": [
        {"relationshipField": "link", "relatedField": "n", "aggregation": how}
        for how in ("sum", "avg", "min", "COUNT", "counta", "countall", "arrayunique", "concat_distinct")
    ],
    "formula": [
        {"formula": "UPPER(note)"},
        {"formula": "LENGTH(note) * 1.5", "resultType": "decimal", "format": "currency:EUR"},
        {"formula": "LENGTH(note)", "resultType": "integer"},
        {"formula": "note IS NULL", "resultType": "boolean"},
        {"formula": "created_at", "resultType": "date", "format": "DD.MM.YYYY"},
        {"formula": "created_at", "resultType": "datetime"},
        {"formula": "STRING_TO_ARRAY(note, ' ')", "resultType": "text[]"},
    ],
    "count": [{"relationshipField": "link", "filters": {"field": "n", "operator": "gt", "value": 3}}],
    "single-attachment": [{}, {"allowedFileTypes": ["image/*"], "maxFileSize": 5000}],
    "multiple-attachments": [{}, {"maxFiles": 2}],
    "user": [{}, {"allowMultiple": True}],
    "array": [{}, *({"itemType": kind} for kind in ("integer", "decimal", "boolean", "date")), {"maxItems": 2}],
    "button": [{"label": "Open", "action": "url", "url": "https://example.org/{id}"}],
    "autonumber": [{}, {"prefix": "INV-", "suffix": "/x", "digits": 5, "startFrom": 7}],
}


def table_of(type_name: str, keys: dict[str, Any]) -> TableSpec:
    """A table with one field `value` of a type."""
    field = {"name": "value", "type": type_name, **keys}
    return app_of(field).tables[0]


def app_of(field: dict[str, Any]) -> App:
    """An app whose first table has the field, beside others that it may name."""
    tables = [{"name": "Sample", "fields": [field, *BESIDE]}, OTHER]
    auth = {"strategies": [{"type": "emailAndPassword"}]}
    return load_data({"name": "sample", "auth": auth, "tables": tables}, FIELD_TYPES)


def spec_of(type_name: str, **keys: Any) -> FieldSpec:
    """One field of a type, loaded as from an app file."""
    return table_of(type_name, keys).fields[0]


def field_of(type_name: str, **keys: Any) -> FieldType[Any]:
    """A field type bound to one field, with the keys of the app file."""
    return build_app(app_of({"name": "value", "type": type_name, **keys})).tables[0].fields["value"]


def samples() -> list[tuple[str, dict[str, Any]]]:
    """Every type with each of its variants."""
    return [(kind.name, keys) for kind in FIELD_TYPES for keys in VARIANTS.get(kind.name, [{}])]
