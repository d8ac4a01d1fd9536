"""Any changes of an app file lead to the data that the same changes of plain data lead to, and comments stay."""

import json
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.fields.registry import FIELD_TYPES
from core.schema.edit import edit_app
from core.schema.source import read_source
from core.schema.tree import plain
from tests.support.depth import examples

WORDS = ["stock", "yes", "no: thing", "a #b", "", "007", "é 📦", "it's", 'say "x"', " x ", "null", "- a", "{x}", "x\ny"]
values = st.one_of(
    st.booleans(),
    st.integers(-5, 5),
    st.sampled_from(WORDS),
    st.lists(st.sampled_from(WORDS), max_size=3),
    st.dictionaries(st.sampled_from(["a", "b c", "d"]), st.sampled_from(WORDS), max_size=3),
)
field = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b", "c", "d"]), "type": st.just("integer")}, optional={"x": values}
)
change = st.one_of(
    st.tuples(st.just("set"), st.integers(0, 9), st.sampled_from(["label", "x", "y"]), values),
    st.tuples(st.just("drop"), st.integers(0, 9), st.sampled_from(["label", "x", "y"]), st.none()),
    st.tuples(st.just("add"), st.integers(0, 4), st.none(), field),
    st.tuples(st.just("remove"), st.integers(0, 9), st.none(), st.none()),
    st.tuples(st.just("move"), st.integers(0, 9), st.integers(0, 9), st.none()),
)


def written(fields: list[dict[str, Any]], style: str) -> str:
    """An app file in one of the ways in which people write them."""
    data = {"name": "app", "tables": [{"name": "T", "fields": fields}]}
    if style == "json":
        return json.dumps(data, ensure_ascii=False)
    if style == "json lines":
        return json.dumps(data, ensure_ascii=False, indent=2)
    if style == "flow":
        lines = [f"      - {json.dumps(each, ensure_ascii=False)}  # c{at}" for at, each in enumerate(fields)]
    else:
        lines = []
        for at, each in enumerate(fields):
            block = yaml.safe_dump(each, allow_unicode=True, sort_keys=False, width=60).rstrip().split("\n")
            lines += [
                f"      # c{at}",
                f"      - {block[0]}",
                *(f"        {line}" if line else "" for line in block[1:]),
            ]
            lines += [""] if at % 2 else []
    listed = "\n".join(lines)
    return f"# top\nname: app\ntables:\n  - name: T\n    fields:\n{listed}\n    # end\n    label: t\n"


def applied(
    fields: list[dict[str, Any]], op: str, at: int, key: Any, value: Any
) -> tuple[dict[str, Any] | None, list[Any]]:
    """The change as an order, and the fields as they must be after it."""
    fields = [dict(each) for each in fields]
    here = at % len(fields) if fields else 0
    path = ["tables", 0, "fields", here]
    if op == "add":
        place = min(at, len(fields))
        fields.insert(place, value)
        return {"op": "add-field", "table": "T", "field": value, "at": place}, fields
    if not fields:
        return None, fields
    if op == "set":
        fields[here][key] = value
        return {"op": "set", "path": [*path, key], "value": value}, fields
    if op == "drop":
        if key not in fields[here]:
            return None, fields
        del fields[here][key]
        return {"op": "remove", "path": [*path, key]}, fields
    if op == "remove":
        if len(fields) == 1:
            return None, fields
        del fields[here]
        return {"op": "remove", "path": path}, fields
    to = key % len(fields)
    fields.insert(to, fields.pop(here))
    return None if to == here else {"op": "move", "from": here, "to": to}, fields


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=st.lists(field, min_size=1, max_size=4),
    changes=st.lists(change, min_size=1, max_size=6),
    style=st.sampled_from(["block", "flow", "json", "json lines"]),
)
def test_changes_of_text_are_changes_of_data(tmp_path: Path, fields: Any, changes: Any, style: str) -> None:
    """M-022, M-023: the file says exactly what was asked for, and its comments are there."""
    file = tmp_path / ("app.json" if style.startswith("json") else "app.yaml")
    file.write_text(written(fields, style))
    assert plain(read_source(file).tree)["tables"][0]["fields"] == fields
    for op, at, key, value in changes:
        order, fields = applied(fields, op, at, key, value)
        if order is None:
            continue
        if order["op"] == "move":
            order = {"op": "move-item", "path": ["tables", 0, "fields"], "from": order["from"], "to": order["to"]}
        before = file.read_text()
        found = edit_app(file, [order], FIELD_TYPES)
        text = found.texts.get(file, before)
        file.write_text(text)
        source = read_source(file)
        assert source.tree is not None, (source.problems, text)
        assert plain(source.tree)["tables"][0]["fields"] == fields, text
        if style in ("block", "flow"):
            assert text.startswith("# top\n")
            assert "\n    # end\n    label: t\n" in text
