"""What the beginning of a CSV file tells of the rest."""

from pathlib import Path

import pytest

from core.errors import BadRequest
from core.storage.csv_dialect import CsvDialect, check_lines, csv_dialect

NAMES = ("a", "b")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\n1,2\n", CsvDialect(",", 0, True, NAMES)),
        ("\ufeffa;b\r\n1,5;2,5\r\n", CsvDialect(";", 0, True, NAMES)),
        ("a, net;b, gross\n1,5;2,5\n", CsvDialect(";", 0, True, ("a, net", "b, gross"))),
        ('a\tb\n"open\t2\n', CsvDialect("\t", 0, False, NAMES)),
        ('a,b\n"say \\"hi\\"",2\n', CsvDialect(",", 0, False, NAMES)),
        ('a,b\n5" pipe,2\n"x, ""y""\nz",3\n', CsvDialect(",", 0, True, NAMES)),
        ("\n\na,b\n1,2\n", CsvDialect(",", 2, True, NAMES)),
        ("Report\n\na,b\n1,2\n3,4\n", CsvDialect(",", 2, True, NAMES, ("Report",))),
        ("sep=;\na;b\n1;2\n", CsvDialect(";", 1, True, NAMES)),
        ("name\nann\nbob\n", CsvDialect("\t", 0, True, ("name",))),
        ("a,b\n#ff0000,red\n", CsvDialect(",", 0, True, NAMES)),
    ],
)
def test_dialect(text: str, expected: CsvDialect, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_bytes(text.encode())
    assert csv_dialect(file) == expected
    if expected.is_quoted:
        check_lines(file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"a,b,c\n1,2,3\n4,5\n", "Line 3 has 2 columns where 3 are expected"),
        (b"a,b\n1,2\n# remark\n", "Line 3 has 1 columns where 2 are expected"),
        (b"a,b\n1,\xfc\n", "Line 2 is not UTF-8 text"),
        ("a,b\n1,2\n".encode("utf-16"), "Line 1 is not UTF-8 text"),
    ],
)
def test_the_line_that_is_wrong_is_told(content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_bytes(content)
    with pytest.raises(BadRequest, match=message):
        check_lines(file)
