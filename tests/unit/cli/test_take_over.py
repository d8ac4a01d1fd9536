"""`init --from`: the app file that is written from a file of data."""

from pathlib import Path
from typing import Any

import pytest

from core.fields.registry import FIELD_TYPES
from core.records.infer import InferredField, InferredTable
from core.schema.loader import load_text
from sovrium_tui.cli.take_over import app_text, scalar

STRANGE = [
    "no",
    "Null",
    "12",
    "1.0",
    "a: b",
    "#x",
    "'",
    '"',
    "é",
    "two\nlines",
    " lead",
    "trail ",
    "-",
    "[x]",
    "{",
    "&a",
    "~",
    "",
]


@pytest.mark.parametrize("text", STRANGE)
def test_every_text_survives_the_file(text: str) -> None:
    import yaml

    assert yaml.safe_load(f"[{scalar(text)}]") == [text]


def test_the_app_file_is_valid_and_readable() -> None:
    options: list[Any] = [text for text in STRANGE if text.strip()]
    table = InferredTable(
        name="flights",
        rows=336776,
        left_out=["id"],
        fields=[
            InferredField(column="Tail #\x1b[1m", name="tail", type="single-line-text", required=True),
            InferredField(column="carrier", name="carrier", type="single-select", keys={"options": options}),
            InferredField(column="price", name="price", type="decimal", keys={"precision": 2}),
        ],
    )
    text = app_text("flights", "fl\x1bights: 2013 #1.csv", [table, InferredTable(name="empty", rows=0, fields=[])])
    assert "\x1b" not in text
    assert "# 336,776 rows; left out, because the engine fills it: id" in text
    assert "      - { id: 3, name: price, type: decimal, precision: 2 }\n" in text
    assert max(map(len, text.splitlines())) < 160
    app = load_text(text.replace("    fields: []", "    fields: [{ id: 1, name: a, type: integer }]"), FIELD_TYPES)
    tail, carrier, _ = app.tables[0].fields
    assert (tail.name, tail.type, tail.label) == ("tail", "single-line-text", "Tail #\x1b[1m")
    assert [getattr(option, "value", option) for option in carrier.options.options] == options


def test_what_failed_leaves_nothing(tmp_path: Path) -> None:
    from sovrium_tui.cli.main import execute

    bad = tmp_path / "bad.parquet"
    bad.write_text("this is no parquet")
    assert execute(["init", str(tmp_path / "new"), "--from", str(bad)]) in (1, 2)
    assert not (tmp_path / "new").exists()
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine.txt").touch()
    assert execute(["init", str(tmp_path / "there"), "--from", str(bad)]) in (1, 2)
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["mine.txt"]
