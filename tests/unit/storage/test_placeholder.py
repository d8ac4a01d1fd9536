"""`?` becomes `$n` where it is a mark, and nowhere else."""

import pytest

from core.storage.postgresql.placeholder import numbered


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
