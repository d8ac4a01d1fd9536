"""What the console keeps and where it copies to: session files, clipboard routes, places."""

import asyncio
import base64
import json
from pathlib import Path

import pytest

from screens.presenters.finder import Hit, best, match
from screens.presenters.job_center import JobCenter
from screens.presenters.place import Place, PlaceHistory
from screens.services.clipboard import Clipboard, Held
from screens.services.number import grouped, size
from screens.services.session import SessionStore
from screens.services.text import labelled, set_language, t


def test_a_value_is_on_disk_when_put_returns(tmp_path: Path) -> None:
    store = SessionStore.of(tmp_path, "/srv/app.yaml")
    store.put("pending", {"steps": [1, 2]})
    again = SessionStore.of(tmp_path, "/srv/app.yaml")
    assert again.get("pending") == {"steps": [1, 2]}
    assert SessionStore.of(tmp_path, "/srv/other.yaml").get("pending") is None
    again.put("pending", None)
    assert SessionStore.of(tmp_path, "/srv/app.yaml").get("pending") is None


def test_session_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    store = SessionStore(tmp_path / "s")
    store.put("theme", "nord")
    store.append("log", 1)
    assert [oct(path.stat().st_mode & 0o777) for path in sorted((tmp_path / "s").iterdir())] == ["0o600", "0o600"]


def test_a_damaged_session_file_is_as_none(tmp_path: Path) -> None:
    (tmp_path / "theme.json").write_text('{"half')
    assert SessionStore(tmp_path).get("theme", "fallback") == "fallback"


def test_a_log_survives_a_torn_last_line(tmp_path: Path) -> None:
    store = SessionStore(tmp_path)
    for n in range(3):
        store.append("edits", {"n": n})
    with (tmp_path / "edits.log").open("a") as file:
        file.write('{"n": 3')
    assert SessionStore(tmp_path).log("edits") == [{"n": 0}, {"n": 1}, {"n": 2}]
    store.rewrite("edits", [{"n": 9}])
    assert json.loads((tmp_path / "edits.log").read_text()) == {"n": 9}
    store.rewrite("edits", [])
    assert not (tmp_path / "edits.log").exists()


def test_a_folder_that_cannot_be_written_makes_it_forgetful_not_broken(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = SessionStore(tmp_path / "file" / "below")
    store.put("theme", "nord")
    store.append("log", 1)
    assert store.get("theme") == "nord"
    assert store.problem


def tool(folder: Path, name: str) -> Path:
    """A copying tool that writes what it is given to a file beside it."""
    path = folder / name
    path.write_text(f'#!/bin/sh\nexec cat > "{folder}/copied"\n')
    path.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("environment", "route"),
    [
        ({"WAYLAND_DISPLAY": "wayland-0"}, "tool"),
        ({"WAYLAND_DISPLAY": "wayland-0", "SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, "osc52"),
        ({"TMUX": "/tmp/tmux-0/default"}, "tmux"),
        ({}, "osc52"),
    ],
)
async def test_copying_takes_the_route_that_works_here(tmp_path: Path, environment: dict[str, str], route: str) -> None:
    tool(tmp_path, "wl-copy")
    tool(tmp_path, "tmux")
    sent: list[str] = []
    clipboard = Clipboard(tmp_path, sent.append, {"PATH": f"{tmp_path}:/usr/bin:/bin", **environment})
    copied = await clipboard.copy("a\tb")
    assert copied.route == route
    if route == "osc52":
        assert base64.b64decode(sent[0][len("\x1b]52;c;") : -1]) == b"a\tb"
    else:
        assert (tmp_path / "copied").read_text() == "a\tb"
        assert sent == []


async def test_a_tool_that_fails_gives_way_to_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "wl-copy").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "wl-copy").chmod(0o755)
    sent: list[str] = []
    clipboard = Clipboard(tmp_path, sent.append, {"PATH": f"{tmp_path}:/bin", "WAYLAND_DISPLAY": "w"})
    assert (await clipboard.copy("x")).route == "osc52"


async def test_screen_gets_the_sequence_wrapped(tmp_path: Path) -> None:
    sent: list[str] = []
    await Clipboard(tmp_path, sent.append, {"STY": "1.pts"}).copy("x")
    assert sent[0].startswith("\x1bP\x1b]52;")
    assert sent[0].endswith("\x1b\\")


def test_a_long_text_goes_to_a_file_whose_path_is_copied(tmp_path: Path) -> None:
    sent: list[str] = []
    copied = asyncio.run(Clipboard(tmp_path, sent.append, {}).copy("é" * 40_000))
    assert copied.route == "file"
    assert Path(copied.detail).read_text() == "é" * 40_000
    assert base64.b64decode(sent[0][7:-1]).decode() == copied.detail


async def test_values_stay_with_their_types_for_a_paste_inside(tmp_path: Path) -> None:
    clipboard = Clipboard(tmp_path, lambda sequence: None, {})
    held = Held(("a", "b"), ((None, 3),), "\t3")
    await clipboard.copy("\t3", held)
    assert clipboard.matches("\t3\r\n") is held
    assert clipboard.matches("\t4") is None


def test_places_behave_like_a_browser() -> None:
    places = PlaceHistory()
    for key in ("a", "b", "c"):
        places.visit(Place("tables", key, key))
    places.update(row=7)
    assert places.back().key == "b"
    assert places.forward().state == {"row": 7}
    places.back()
    places.visit(Place("tables", "d", "d"))
    assert places.forward() is None
    assert [place.key for place in places.recent()] == ["d", "b", "a"]
    places.visit(Place("tables", "d", "again"))
    assert places.back().key == "b"
    assert places.back().key == "a"
    assert places.back() is None


def test_letters_in_order_find_and_a_word_start_counts_more() -> None:
    hits = [Hit("list contents"), Hit("contacts"), Hit("activities"), Hit("hidden contact", quiet=True)]
    assert [hit.label for hit in best("cont", hits)] == ["contacts", "list contents", "hidden contact"]
    assert [hit.label for hit in best("", hits)] == ["list contents", "contacts", "activities"]
    assert match("acv", "activities")[1] == (0, 1, 4)
    assert match("zz", "activities") is None
    assert match("tö", "Tölz")[1] == (0, 1)


def test_jobs_run_first_and_tell_what_moved() -> None:
    center, told = JobCenter(), []
    center.changed.listen(told.append)
    old = {"id": "1", "title": "Import", "state": "done", "startedAt": "2026-01-01", "done": 1, "total": 1}
    new = {"id": "2", "title": "Export", "state": "running", "startedAt": "2025-01-01", "done": 1, "total": 4}
    center.load([old])
    center.hear({"kind": "job", "job": new})
    center.hear({"kind": "ping"})
    assert [job["id"] for job in center.all()] == ["2", "1"]
    assert told == [None, new]


def test_numbers_follow_the_language() -> None:
    assert (grouped(1234567), size(48_213), size(12)) == ("1,234,567", "47.1 KB", "12 B")
    set_language("fr")
    assert (grouped(1234567), size(48_213), size(12)) == ("1\u202f234\u202f567", "47,1 Ko", "12 o")
    assert (size(5 * 1024**2), labelled("Nom", "Ada")) == ("5 Mo", "Nom\u00a0: Ada")
    assert t("status.pending", count=0) == "0 modification"
    set_language("en")
    assert t("status.pending", count=0) == "0 changes"
    assert t("no.such.key") == "no.such.key"
