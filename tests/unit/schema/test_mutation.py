"""A good app file damaged in many ways: problems, never another exception, and within a second."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.fields.build import build_app
from core.fields.registry import FIELD_TYPES
from core.schema.loader import check_app, check_text
from tests.support.depth import examples

GOOD = (Path(__file__).parents[2] / "corpora" / "app_files" / "good.yaml").read_bytes()


def check_bytes(data: bytes, path: Path) -> None:
    path.write_bytes(data)
    started = time.process_time()
    app, problems = check_app(path, FIELD_TYPES)
    assert time.process_time() - started < 1
    errors = [problem for problem in problems if problem.severity == "error"]
    assert (app is None) == bool(errors)
    assert all(problem.position and problem.message for problem in problems)


@pytest.mark.parametrize("name", ["app.yaml", "app.json"])
def test_cut_anywhere(name: str, tmp_path: Path) -> None:
    for length in range(0, len(GOOD), 50):
        check_bytes(GOOD[:length], tmp_path / name)


@pytest.mark.parametrize(
    "put", [b"\0", b"\t", b"\xff", b"\r", b"{", b"]", b"- ", b": ", b"&a ", b"*a", b"\xc2\xa0", b"#", b"!!x "]
)
def test_something_put_anywhere(put: bytes, tmp_path: Path) -> None:
    for at in range(0, len(GOOD), 97):
        check_bytes(GOOD[:at] + put + GOOD[at:], tmp_path / "app.yaml")


@given(text=st.text(max_size=60), at=st.integers(0, len(GOOD)), cut=st.integers(0, 80))
@settings(max_examples=examples(80), deadline=None)
def test_any_text_put_anywhere(text: str, at: int, cut: int) -> None:
    damaged = GOOD[:at].decode("utf-8", "ignore") + text + GOOD[at + cut :].decode("utf-8", "ignore")
    for name in ("app.yaml", "app.json"):
        app, problems = check_text(damaged, FIELD_TYPES, name)
        assert app or problems


json_trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10) | st.sampled_from(["T", "a", "integer", "id"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "type", "tables", "fields", "id", "unique", "indexes", "primaryKey", "options", "default"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(tables=json_trees, root=json_trees)
@settings(max_examples=examples(80), deadline=None)
def test_any_shape_gives_problems_only(tables: object, root: object) -> None:
    for tree in (root, {"name": "x", "tables": tables}, {"name": "x", "tables": [{"name": "T", "fields": tables}]}):
        app, problems = check_text(json.dumps(tree), FIELD_TYPES, "app.json")
        assert app or problems


def option_values() -> st.SearchStrategy[object]:
    words = ["a", "T", "UTC", "[", "id", "cascade", "many-to-many", "EUR", "#00FF00", "2026-01-01", "NOW()", ""]
    scalars = st.none() | st.booleans() | st.integers(-3, 12) | st.floats(-2, 12) | st.sampled_from(words)
    return st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["value", "when", "then", "readOnly", "type", "$ref", "pattern"]), inner, max_size=3
            )
        ),
        max_leaves=8,
    )


OWN_KEYS = {kind.name: {field.alias or "" for field in kind.Options.model_fields.values()} for kind in FIELD_TYPES}
KEYS = sorted(set().union(*OWN_KEYS.values()))


@given(
    type_name=st.sampled_from(sorted(FIELD_TYPES.built())),
    keys=st.dictionaries(
        st.sampled_from([*KEYS, "default", "required", "unique", "indexed"]), option_values(), max_size=5
    ),
)
@settings(max_examples=examples(200), deadline=None)
def test_any_options_give_problems_only(type_name: str, keys: dict[str, object]) -> None:
    field = {"name": "a", "type": type_name, **keys}
    own = {key: value for key, value in keys.items() if key in OWN_KEYS[type_name]}
    for entry in (field, {"name": "a", "type": type_name, **own}):
        tree = {"name": "x", "tables": [{"name": "T", "fields": [entry]}]}
        app, problems = check_text(json.dumps(tree), FIELD_TYPES, "app.json")
        assert app or problems
        if app:
            assert build_app(app).tables[0].columns


def test_messages_do_not_steer_a_terminal() -> None:
    """Keys, names and values of a hostile file are shown escaped."""
    text = 'name: "\\e[31mx"\n"\\e[2J": 1\ntables: [{name: "\\x9b1m", fields: [{name: a, type: "\\e]0;x"}]}]'
    _, problems = check_text(text, FIELD_TYPES)
    assert len(problems) == 4
    assert all(str(problem).isprintable() for problem in problems)
