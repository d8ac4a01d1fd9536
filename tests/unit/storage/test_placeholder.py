"""`?` becomes `$n` where it is a mark, and nowhere else."""

import pytest

from core.storage.postgresql.placeholder import numbered, written_out


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("a = ? AND b = ?", "a = $1 AND b = $2"),
        ("'?' || ? || 'it''s ?'", "'?' || $1 || 'it''s ?'"),
        ('"odd?" = ?', '"odd?" = $1'),
        ("? -- really?\n, ?", "$1 -- really?\n, $2"),
        ("? /* why? \n ? */ ?", "$1 /* why? \n ? */ $2"),
        ("$$ ? $$ || ? || $x$ ? $x$", "$$ ? $$ || $1 || $x$ ? $x$"),
        ("SELECT 1", "SELECT 1"),
    ],
)
def test_marks_are_numbered(sql: str, expected: str) -> None:
    assert numbered(sql) == expected


def test_values_are_quoted_where_they_are_too_many() -> None:
    sql = "a IN ($1, $2) OR b = $3 OR c = '$1'"
    assert written_out(sql, [1, None, "it's $1"], None) == "a IN (1, NULL) OR b = 'it''s $1' OR c = '$1'"
