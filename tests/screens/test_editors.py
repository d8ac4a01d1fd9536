"""Every editor by its keys: what is untouched is never written, what is wrong says so below the cell."""

from typing import Any

import pytest
from textual.widgets import Button, Static

from screens.presenters.link import NewRecord
from screens.presenters.value import editable
from screens.widgets.editors.registry import EDITORS, kind_of
from tests.support.editor_host import EditorApp, a_field

COLOURS = [{"value": "Lead", "color": "#7A8699"}, {"value": "Won", "color": "#2F9E5F"}, "Lost"]


async def typed(field: Any, value: Any, *keys: str, start: str | None = None, label: str = "") -> EditorApp:
    app = EditorApp(field, value, start, label)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.workers.wait_for_complete()
        await pilot.press(*keys)
        await app.workers.wait_for_complete()
        await pilot.pause()
    return app


def keys(text: str) -> list[str]:
    names = {" ": "space", ",": "comma", "=": "equals_sign", "*": "asterisk", "+": "plus", ".": "full_stop"}
    names |= {"-": "minus", ":": "colon", '"': "quotation_mark", "{": "left_curly_bracket", "}": "right_curly_bracket"}
    names |= {"/": "slash", "@": "at", "(": "left_parenthesis", ")": "right_parenthesis"}
    return [names.get(c, c) for c in text]


CASES = [
    ("line", {}, "Ada", [*keys(" B")], "Ada B"),
    ("line", {}, None, [*keys("x")], "x"),
    ("line", {}, "Ada", ["ctrl+u"], ""),
    ("number", {"kind": "decimal"}, "1.5", ["ctrl+u", *keys("3,25")], "3.25"),
    ("number", {"kind": "integer"}, 7, ["ctrl+u", *keys("=3*12")], 36),
    ("number", {"kind": "integer"}, 7, ["up", "up", "down"], 8),
    ("number", {"kind": "currency"}, 7, ["ctrl+u", *keys("12.5")], 12.5),
    ("number", {"kind": "percentage"}, None, [*keys("45")], 45),
    ("number", {"kind": "integer"}, 7, ["ctrl+u"], None),
    ("date", {}, "2026-03-31", ["down"], "2026-04-01"),
    ("date", {}, "2026-03-31", ["pageup"], "2026-02-28"),
    ("date", {}, None, [*keys("31.12.2026")], "2026-12-31"),
    ("datetime", {"timeZone": "Europe/Paris"}, None, [*keys("2026-07-01 14:30")], "2026-07-01T12:30:00.000Z"),
    ("time", {}, None, [*keys("9:5")], "09:05:00"),
    ("duration", {}, 60, ["ctrl+u", *keys("2h 30m")], 9000),
    ("choice", {"options": COLOURS}, "Lead", [*keys("wo")], "Won"),
    ("choice", {"options": COLOURS}, "Lead", ["down", "down"], "Lost"),
    ("choices", {"options": COLOURS}, ["Won"], ["space", "down", "space"], ["Lead"]),
    ("choices", {"options": COLOURS}, None, ["ctrl+a"], ["Lead", "Won", "Lost"]),
    ("rating", {"max": 5}, 2, ["right", "right"], 4),
    ("rating", {"max": 5}, 2, ["0"], None),
    ("place", {}, None, [*keys("48.85, 2.35")], {"lat": 48.85, "lng": 2.35}),
    ("place", {}, {"lat": 1.5, "lng": -2}, ["backspace", *keys("3")], {"lat": 1.5, "lng": -3}),
    ("user", {}, "1", [*keys("gra"), "wait"], "2"),
    ("user", {}, "1", ["delete"], None),
    ("users", {}, ["1"], [*keys("gra"), "wait", "enter", "wait"], ["1", "2"]),
    ("link", {}, "1", [*keys("gra"), "wait"], "2"),
    ("link", {}, "1", ["delete"], None),
]


@pytest.mark.parametrize("editor", dict.fromkeys(case[0] for case in CASES))
async def test_editor_takes_values(editor):
    app = EditorApp(a_field("line"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("escape")
        for _, options, value, pressed, expected in (case for case in CASES if case[0] == editor):
            await app.edit_another(a_field(editor, **options), value)
            for key in pressed:
                if key == "wait":
                    await app.workers.wait_for_complete()
                else:
                    await pilot.press(key)
            await pilot.press("enter")
            await pilot.pause()
            assert app.done is not None, pressed
            assert app.done.changed, pressed
            assert (type(app.done.value), app.done.value) == (type(expected), expected), pressed
            assert app.done.move == "stay", pressed
            assert not app.done.problem, pressed


@pytest.mark.parametrize("editor", ["line", "number", "date", "choice", "rating", "text"])
async def test_the_key_that_saves_keeps_what_is_typed_first(editor):
    value, options = SAMPLES[editor]
    app = await typed(a_field(editor, **options), value, "up" if editor in ("date", "choice") else "1", "ctrl+s")
    assert app.done is not None
    assert app.done.changed
    assert app.done.move == "stay"


FILE = {"key": "k1", "filename": "a.txt", "mimeType": "text/plain", "size": 2048, "bucket": "local"}
SAMPLES: dict[str, tuple[Any, dict[str, Any]]] = {
    "line": ("Ada", {}),
    "text": ("two\nlines", {}),
    "number": ("1.50", {}),
    "date": ("2026-03-31", {}),
    "datetime": ("2026-03-31T10:00:17.123Z", {}),
    "time": ("10:00:00", {}),
    "duration": (5400, {}),
    "choice": ("Won", {"options": COLOURS}),
    "choices": (["Won"], {"options": COLOURS}),
    "link": ("1", {}),
    "json": ({"a": [1, 2]}, {}),
    "rating": (3, {"max": 5}),
    "place": ({"lat": 1.5, "lng": 2.25}, {}),
    "list": (["a", "b, c"], {}),
    "user": ("1", {}),
    "users": (["1", "2"], {}),
    "file": (FILE, {}),
    "files": ([FILE, {**FILE, "key": "k2", "filename": "b.txt"}], {}),
}


@pytest.mark.parametrize("editor", SAMPLES)
async def test_what_is_untouched_or_given_up_is_never_written(editor):
    """A second look at a value is no edit, NULL does not become empty, and Esc restores."""
    value, options = SAMPLES[editor]
    app = EditorApp(a_field("line"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("escape")
        for stored, pressed in ((value, ["tab"]), (None, ["tab"]), (value, ["1", "down", "escape"])):
            await app.edit_another(a_field(editor, **options), stored)
            await pilot.press(*pressed)
            await app.workers.wait_for_complete()
            await pilot.pause()
            assert app.done is not None, (stored, pressed)
            assert not app.done.changed, (stored, pressed)
            assert app.done.move == ("right" if pressed == ["tab"] else "stay"), (stored, pressed)


async def test_checkbox_turns_at_once():
    """T-079: no box opens; NULL and false become true."""
    for before, after in ((None, True), (False, True), (True, False)):
        app = await typed(a_field("checkbox"), before)
        assert app.done.value is after
        assert app.done.changed


async def test_a_digit_rates_at_once():
    app = await typed(a_field("rating", max=5), None, start="4")
    assert app.done.value == 4


async def test_typing_replaces_the_value():
    app = await typed(a_field("line"), "Ada", "b", "enter", start="a")
    assert app.done.value == "ab"


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        (a_field("line", required=True), "", "Field must have a value"),
        (a_field("line", kind="email"), "nonsense", "not an e-mail address"),
        (a_field("line", pattern="[A-Z]{2}"), "abc", "[A-Z]{2}"),
        (a_field("number", kind="integer", max=10), "11", "10 or less"),
        (a_field("number", kind="integer"), "1.5", "whole number"),
        (a_field("date"), "someday", "not a day"),
        (a_field("time"), "25:00", "not a time"),
    ],
)
async def test_a_refused_value_says_why_and_a_second_enter_keeps_it_marked(field, text, said):
    app = EditorApp(field, "A")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+u", *keys(text), "enter")
        message = app.host.current.query_one(".editor-message")
        assert said in str(message.render())
        assert app.done is None
        await pilot.press("enter")
        await pilot.pause()
    assert app.done.changed
    assert app.done.value == text
    assert said in app.done.problem


@pytest.mark.parametrize("height", [24, 5])
async def test_why_a_value_is_refused_is_seen_whole(height):
    app = EditorApp(a_field("line", kind="email"), "A")
    async with app.run_test(size=(80, height)) as pilot:
        await pilot.press("ctrl+u", *keys("nonsense@nowhere"), "enter")
        await pilot.pause()
        message = app.query_one(".editor-message.shown", Static)
        words = str(message.render()).split()
        shown = "".join(
            "".join(segment.text for segment in strip) for strip in message.render_lines(message.region.reset_offset)
        )
        assert shown.split() == words
        assert app.screen.region.contains_region(message.region)


async def test_an_unknown_choice_is_kept_as_it_was_typed_when_the_editor_is_left():
    app = EditorApp(a_field("choice", options=["Lead", "Won"]), "Lead")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"nonsense")
        told = app.query(".editor-message.shown").only_one(Static)
        assert "nonsense" in str(told.render()), "before it is accepted"
        app.query_one(Button).focus()
        await pilot.pause()
        await pilot.pause()
    assert app.done.value == "nonsense"
    assert "nonsense" in app.done.problem


async def test_text_keeps_enter_and_ctrl_s_takes():
    app = await typed(a_field("text"), "a", "enter", "b", "ctrl+s")
    assert app.done.value == "a\nb"


async def test_json_shows_the_place_of_the_mistake():
    app = EditorApp(a_field("json"), None)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*keys('{"a" 1}'))
        assert "Line 1, column 6" in str(app.host.current.query_one(".editor-message").render())
        await pilot.press("escape")


async def test_required_choice_offers_no_empty_value():
    app = EditorApp(a_field("choice", required=True, options=COLOURS), "Lead")
    async with app.run_test(size=(80, 24)):
        assert len(app.host.current.shown) == 3


async def test_status_offers_only_the_next_values():
    field = a_field("choice", kind="status", options=COLOURS, transitions={"Lead": ["Won"]})
    app = EditorApp(field, "Lead")
    async with app.run_test(size=(80, 24)):
        assert [option.value for option in app.host.current.options] == ["Lead", "Won"]


async def test_click_elsewhere_keeps_what_was_typed():
    app = EditorApp(a_field("line"), "A")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("b")
        await pilot.click("Button")
        await pilot.pause()
    assert app.done.value == "Ab"


async def test_value_menu_can_be_asked_for_while_editing():
    app = await typed(a_field("line"), "A", "b", "ctrl+n")
    assert app.asked
    assert app.done is None


def test_every_kind_has_an_editor():
    """T-146: each editor kind of the field contract."""
    kinds = (
        "line text number date datetime time duration checkbox choice choices link links json rating "
        "file files list place user users"
    ).split()
    assert sorted(EDITORS) == sorted(kinds)
    assert all(kind_of(a_field(kind)) == kind for kind in kinds)
    assert not editable(a_field("none"))


async def test_the_picker_makes_what_is_missing():
    """§5.1: by its key, by a plus before the name, and by the row below the hits."""
    for pressed in (
        [*keys("Tove"), "ctrl+n"],
        [*keys("+Tove"), "enter"],
        [*keys("Tove"), "wait", "down", "enter"],
    ):
        app = await settled(a_field("link"), "1", *pressed)
        assert app.done.value == NewRecord("people", {"field": "Tove"}, "Tove"), pressed


async def test_a_name_that_is_nowhere_is_not_made_by_enter():
    app = await settled(a_field("link"), "1", *keys("Tove"), "wait", "enter")
    assert app.done is None


async def test_from_the_picker_to_the_linked_record():
    """§5.1: the cell stays as it was."""
    for pressed, key in ((["ctrl+j"], "1"), (["wait", "down", "ctrl+enter"], "2")):
        app = await settled(a_field("link"), "1", *pressed)
        assert app.followed == key
        assert not app.done.changed


async def settled(field: Any, value: Any, *pressed: str) -> EditorApp:
    app = EditorApp(field, value)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.workers.wait_for_complete()
        for key in pressed:
            await (app.workers.wait_for_complete() if key == "wait" else pilot.press(key))
            await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
    return app


ITEMS = [
    ({}, ["a"], ["enter", *keys("b, c"), "enter", "enter", *keys("d")], ["a", "b, c", "d"]),
    ({"itemType": "integer"}, [1], ["enter", *keys("22")], [1, 22]),
    ({"itemType": "decimal"}, None, [*keys("1.50")], ["1.5"]),
    ({"itemType": "boolean"}, [True], ["enter", *keys("no")], [True, False]),
    ({"itemType": "date"}, None, [*keys("31.12.2026")], ["2026-12-31"]),
    ({}, ["a"], ["ctrl+u"], None),
]


@pytest.mark.parametrize(("options", "value", "pressed", "expected"), ITEMS)
async def test_an_array_is_edited_one_item_a_line(options, value, pressed, expected):
    """T-096: a comma belongs to the item; blank lines are none."""
    app = await typed(a_field("list", kind="array", **options), value, *pressed, "ctrl+s")
    assert app.done is not None
    assert app.done.changed
    assert app.done.value == expected


async def test_items_that_do_not_fit_are_told():
    """T-096"""
    field = a_field("list", kind="array", itemType="integer", maxItems=2)
    app = EditorApp(field, [1])
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter", "x")
        assert "not a whole number" in told(app)
        await pilot.press("backspace", "2", "enter", "3")
        assert "At most 2" in told(app)


async def test_a_place_out_of_range_is_told():
    """T-097"""
    app = EditorApp(a_field("place", kind="geolocation"), None)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*keys("91, 0"), "enter")
        assert "−90…90" in told(app)
        assert app.done is None


def told(app):
    return str(app.host.current.query_one(".editor-message").render())


async def test_files_are_added_ordered_and_removed(tmp_path):
    """T-093: a path is completed and sent; Delete removes, Alt+arrows move; Enter in the empty line takes the list."""
    (tmp_path / "report.txt").write_text("hello")
    app = EditorApp(a_field("files"), [FILE])
    async with app.run_test(size=(100, 30)) as pilot:
        editor = app.host.current
        editor.input.value = f"{tmp_path}/rep"
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.press("end", "right")
        assert editor.input.value == f"{tmp_path}/report.txt"
        await pilot.press("enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert [each["filename"] for each in editor.files] == ["a.txt", "report.txt"]
        await pilot.press("alt+up")
        assert [each["filename"] for each in editor.files] == ["report.txt", "a.txt"]
        await pilot.press("down", "delete", "enter")
        await pilot.pause()
    assert app.done is not None
    assert [(each["key"], each["size"]) for each in app.done.value] == [("sent-report.txt", 5)]


async def test_a_file_that_is_not_there_is_told_and_nothing_is_lost(tmp_path):
    """T-090"""
    app = EditorApp(a_field("file"), FILE)
    async with app.run_test(size=(100, 30)) as pilot:
        app.host.current.input.value = str(tmp_path / "none.txt")
        await pilot.press("enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "no file" in told(app)
        app.host.current.input.value = str(tmp_path)
        await pilot.press("enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "is a folder" in told(app)
        assert app.host.current.files == [FILE]
        await pilot.press("escape")
        await pilot.pause()
    assert app.done is not None
    assert not app.done.changed


async def test_a_copy_of_a_file_is_saved_and_never_over_another(tmp_path):
    """T-091"""
    app = EditorApp(a_field("file"), {**FILE, "filename": "../../a.txt"})
    async with app.run_test(size=(100, 30)) as pilot:
        for _ in range(2):
            app.host.current.input.value = str(tmp_path)
            await pilot.press("ctrl+o")
            await app.workers.wait_for_complete()
            await pilot.pause()
        assert "there already" in told(app)
    assert (tmp_path / "a.txt").read_text() == "bytes of k1"
