"""The line for a path: how it goes on, what a pasted or typed path means."""

from pathlib import Path

import pytest

from screens.widgets.path_input import PathSuggester, pasted_path, typed_path


async def test_a_path_is_completed_by_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name in (".hidden.csv", "deals.CSV", "deals.bak"):
        (tmp_path / "data" / name).touch()
    tables, any_file = PathSuggester((".csv",)), PathSuggester()
    assert await tables.get_suggestion(f"{tmp_path}/da") == f"{tmp_path}/data/"
    assert await tables.get_suggestion(f"{tmp_path}/data/") == f"{tmp_path}/data/deals.CSV"
    assert await tables.get_suggestion(f"{tmp_path}/data/deals.b") is None
    assert await any_file.get_suggestion(f"{tmp_path}/data/deals.b") == f"{tmp_path}/data/deals.bak"
    assert await any_file.get_suggestion(f"{tmp_path}/data/deals.bak") is None
    assert await any_file.get_suggestion(f"{tmp_path}/nothing/x") is None


@pytest.mark.parametrize(
    ("text", "proposed", "meant"),
    [
        ("/home/me/a.csv", "/home/me/a.csv", "/home/me/a.csv"),
        ("/home/me//tmp/y.csv", "/home/me/a.csv", "/tmp/y.csv"),
        ("/home/me/a.csv/tmp/y.csv", "/home/me/a.csv", "/tmp/y.csv"),
        ("/home/me/a.csv~/y.csv", "/home/me/a.csv", "~/y.csv"),
        ("/home/me/~/y.csv", "", "~/y.csv"),
        ("y.csv", "", "y.csv"),
    ],
)
def test_a_whole_path_behind_another_is_the_one_meant(text: str, proposed: str, meant: str) -> None:
    assert typed_path(text, proposed) == Path(meant).expanduser()


@pytest.mark.parametrize(
    ("pasted", "line"),
    [
        (" /tmp/a.csv\n", "/tmp/a.csv"),
        ("'/tmp/a b.csv' ", "/tmp/a b.csv"),
        ("/tmp/a\\ b.csv", "/tmp/a b.csv"),
        ("file:///tmp/a%20b.csv", "/tmp/a b.csv"),
        ("'", "'"),
        ("", ""),
    ],
)
def test_what_is_put_around_a_dropped_path_goes(pasted: str, line: str) -> None:
    assert pasted_path(pasted) == line
