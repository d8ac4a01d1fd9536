"""`analytics` in the app file. What is wrong there is in `tests/corpora/app_files/root.txt`."""

import json

import pytest
from jsonschema import Draft202012Validator

from core.fields.registry import FIELD_TYPES
from core.schema.jsonschema import json_schema
from core.schema.loader import load_text
from core.schema.model import AnalyticsSpec

SCHEMA = Draft202012Validator(json_schema(FIELD_TYPES))


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("{}", None),
        ('{"analytics": null}', None),
        ('{"analytics": false}', None),
        ('{"analytics": {"enabled": false, "retentionDays": 30}}', None),
        ('{"analytics": true}', AnalyticsSpec()),
        ('{"analytics": {}}', AnalyticsSpec()),
        (
            '{"analytics": {"enabled": true, "retentionDays": 730, "excludedPaths": ["/a/*", "*.pdf"], '
            '"respectDoNotTrack": false, "sessionTimeout": 120}}',
            AnalyticsSpec(
                retention_days=730, excluded_paths=("/a/*", "*.pdf"), respects_refusal=False, session_minutes=120
            ),
        ),
    ],
)
def test_what_the_file_says_of_analytics(said: str, meant: AnalyticsSpec | None) -> None:
    """A-254"""
    text = said.replace("{", '{"name": "shop", ', 1).replace(", }", "}")
    app = load_text(text, FIELD_TYPES, "app.json")
    assert app.analytics == meant
    assert "analytics" not in app.later
    SCHEMA.validate(json.loads(text))


def test_what_is_meant_without_a_word() -> None:
    """A-254, A-258"""
    spec = AnalyticsSpec()
    assert (spec.retention_days, spec.session_minutes, spec.respects_refusal, spec.excluded_paths) == (
        365,
        30,
        True,
        (),
    )


def test_the_json_schema_refuses_what_the_loader_refuses() -> None:
    """A-254"""
    for wrong in ("on", 1, [], {"retentionDays": 0}, {"sessionTimeout": 121}, {"excludedPaths": ["a"]}, {"days": 3}):
        assert not SCHEMA.is_valid({"name": "shop", "analytics": wrong}), wrong
