"""Files of data as other programs leave them: taken over whole, or one clear error, and never a traceback."""

from pathlib import Path

import duckdb
import pytest

from sovrium_tui.cli.main import execute

WORDS = "name,size\n"


def take(source: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    status = execute(["init", str(folder / "app"), "--from", str(source)])
    told = capsys.readouterr().err
    assert "Traceback" not in told
    return status, told


def answer(sql: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert execute(["sql", str(folder / "app"), "--format", "csv", sql]) == 0
    return capsys.readouterr().out.splitlines()[1:]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ((WORDS + "Café,1\n").encode("latin-1"), "Line 2 is not UTF-8 text; save the file as UTF-8"),
        ((WORDS + "A,1\n").encode("utf-16"), "is not UTF-8 text"),
        ((WORDS + "A" * 3_000_000 + ",1\n").encode(), "is longer than 2 MB"),
        ((WORDS + "A\0B,1\n").encode(), "A text cannot hold a NUL character"),
    ],
    ids=["latin-1", "utf-16", "long line", "nul"],
)
def test_a_text_that_cannot_be_read(
    content: bytes, problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "data.csv"
    source.write_bytes(content)
    status, told = take(source, tmp_path, capsys)
    assert status in (1, 2)
    assert problem in told
    assert not (tmp_path / "app").exists()


def test_a_long_text_is_read_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Longer than the cells that Python's own reader takes."""
    source = tmp_path / "letters.csv"
    source.write_text(f"name,size\n{'a' * 200_000},1\nb,2\n")
    assert take(source, tmp_path, capsys)[0] == 0
    assert answer("SELECT length(name), size FROM letters ORDER BY size", tmp_path, capsys) == ["200000,1", "1,2"]


@pytest.mark.parametrize("content", [b"", b"\0" * 30_000, b"PK" * 9_000], ids=["empty", "zeros", "other"])
def test_a_database_of_something_else(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "data.duckdb"
    source.write_bytes(content)
    status, told = take(source, tmp_path, capsys)
    assert (status, "not a database of DuckDB" in told) == (2, True)


@pytest.mark.parametrize("content", ['[{"a": 1},', '[{"a": 1}, {"a": 2}', '\ufeff [{"a": 1},\n\n'])
def test_an_array_that_was_cut_is_refused(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "data.json"
    source.write_text(content)
    status, told = take(source, tmp_path, capsys)
    assert (status, "does not end with the ] of its array" in told) == (2, True)


@pytest.mark.parametrize("content", ['[{"a": 1}, {"a": 2}]', ' [\n{"a": 1},{"a": 2}\n]\n', '{"a": 1}\n{"a": 2}\n'])
def test_a_byte_order_mark_is_passed_over(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "data.json"
    source.write_text(content, encoding="utf-8-sig")
    assert take(source, tmp_path, capsys) == (0, "data: 2 rows\n")
    assert answer("SELECT a FROM data ORDER BY a", tmp_path, capsys) == ["1", "2"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('[{"a": 1}]'.encode("utf-16"), "The file is UTF-16; save it as UTF-8"),
        (b'[{"a": 1}, {"a": 1, "a": 2}]', "Record 2 of the file has the key a twice"),
    ],
)
def test_json_that_cannot_be_read_is_told_plainly(
    content: bytes, problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "data.json"
    source.write_bytes(content)
    assert take(source, tmp_path, capsys) == (2, f"error: {problem}\n")


@pytest.mark.parametrize(("count", "name"), [(100, "c{}"), (270, f"{'a_long_question_of_a_survey_' * 2}{{}}")])
def test_many_columns_fit_in_memory_and_addresses(
    count: int, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "wide.csv"
    source.write_text(",".join(name.format(n) for n in range(count)) + "\n" + ",".join("7" * count) + "\n")
    assert take(source, tmp_path, capsys) == (0, "wide: 1 row\n")
    assert answer(f"SELECT {name.format(0)}, {name.format(count - 1)} FROM wide", tmp_path, capsys) == ["7,7"]


def test_numbers_of_parquet_keep_their_digits_and_no_number_is_no_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The structure sends the rows to the field types, one by one, as JSON."""
    source = tmp_path / "numbers.parquet"
    duckdb.execute(
        "COPY (SELECT {'a': 1} AS s, 'nan'::DOUBLE AS f, 123456789012345.678::DECIMAL(18, 3) AS d) "
        f"TO '{source}' (FORMAT parquet)"
    )
    assert take(source, tmp_path, capsys)[0] == 0
    assert answer("SELECT f, d::VARCHAR FROM numbers", tmp_path, capsys) == [",123456789012345.678"]


def test_an_infinite_number_within_a_list_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "numbers.parquet"
    duckdb.execute(f"COPY (SELECT ['inf'::DOUBLE] AS l, 1 AS n) TO '{source}' (FORMAT parquet)")
    status, told = take(source, tmp_path, capsys)
    assert status == 1
    assert "l holds a number that is not finite" in told
