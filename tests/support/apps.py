"""Apps for tests, written as small YAML texts in the test itself."""

from textwrap import dedent

from core.fields.build import build_app
from core.fields.model import AppModel
from core.fields.registry import FIELD_TYPES
from core.schema.loader import load_text


def app_model(yaml_text: str) -> AppModel:
    """The model of an app file's text; `name` may be left out. Raises SchemaError."""
    text = dedent(yaml_text)
    if not any(line.startswith("name:") for line in text.splitlines()):
        text = f"name: test-app\n{text}"
    return build_app(load_text(text, FIELD_TYPES))
