"""Columns of a grid: order, width, freezing, keeping."""

import json

from hypothesis import given
from hypothesis import strategies as st

from screens.presenters.column_layout import ColumnLayout
from tests.support.memory_port import field_info

NAMES = ("name", "city", "stage", "note")


def layout(state: dict[str, object] | None = None) -> ColumnLayout:
    fields = [
        field_info("name"),
        field_info("city"),
        field_info("stage", "single-select", options=["lead"]),
        field_info("note", "long-text"),
        field_info("id", "integer"),
        field_info("updated_at", "date"),
    ]
    return ColumnLayout(fields, "id", state)


def test_the_key_comes_first_and_is_frozen_and_times_of_the_row_are_hidden() -> None:
    columns = layout()
    assert columns.names == ["id", *NAMES]
    assert columns.frozen == 1
    assert columns.columns[-1].name == "updated_at"
    assert columns.columns[-1].hidden


def test_widths_come_from_the_texts_within_the_type_s_limits() -> None:
    columns = layout()
    columns.fit({"name": ["x" * 20], "city": ["Oslo"], "note": ["y" * 500]})
    widths = {column.name: column.width for column in columns.columns}
    assert widths["name"] == 22
    assert widths["city"] == 10
    assert widths["note"] == 46


def test_a_wide_character_counts_two_cells() -> None:
    columns = layout()
    columns.fit({"name": ["東京" * 6]})
    assert columns.shown[1].width == 26


def test_a_chosen_width_is_not_measured_again() -> None:
    columns = layout()
    columns.resize(1, 7)
    columns.fit({"name": ["x" * 20]})
    assert columns.shown[1].width == 7
    columns.resize(1, 1)
    assert columns.shown[1].width == 5
    columns.fit_one(1, ["x" * 60])
    assert columns.shown[1].width == 62


def test_moves_among_the_shown_columns_past_hidden_ones() -> None:
    columns = layout()
    columns.hide("city")
    assert columns.names == ["id", "name", "stage", "note"]
    assert columns.move(1, 1) == 2
    assert columns.names == ["id", "stage", "name", "note"]
    assert columns.move(0, -1) == 0
    assert columns.move(3, 1) == 3
    columns.hide("city", hidden=False)
    assert sorted(columns.names) == sorted(["id", *NAMES])


def test_the_last_column_cannot_be_hidden() -> None:
    columns = layout()
    for name in NAMES:
        assert columns.hide(name)
    assert not columns.hide("id")
    assert not columns.hide("nothing")
    columns.show_all()
    assert len(columns.shown) == 6


def test_frozen_columns_stay_when_the_others_scroll() -> None:
    columns = layout()
    columns.fit({})
    places = [place for place, _, _ in columns.visible(3, 60)]
    assert places == [0, 3, 4]
    columns.freeze(2)
    assert [place for place, _, _ in columns.visible(3, 80)] == [0, 1, 3, 4]
    columns.hide("name")
    assert columns.frozen == 1
    columns.freeze(1)
    assert columns.frozen == 0


def test_too_wide_frozen_columns_are_let_go() -> None:
    columns = layout()
    columns.resize(0, 40)
    assert columns.frozen_width(50) == 0
    assert columns.visible(1, 50)[0][0] == 1


@given(st.integers(0, 4), st.integers(0, 4), st.integers(12, 120))
def test_reveal_shows_the_column(place: int, left: int, available: int) -> None:
    columns = layout()
    revealed = columns.reveal(place, left, available)
    visible = columns.visible(revealed, available)
    assert place in [shown for shown, _, _ in visible]
    assert sum(width for _, _, width in visible) <= available


def test_plain_data_brings_it_back_and_survives_changed_fields() -> None:
    columns = layout()
    columns.move(1, 2)
    columns.hide("city")
    columns.resize(0, 9)
    columns.freeze(2)
    kept = json.loads(json.dumps(columns.to_data()))
    again = layout(kept)
    assert again.names == columns.names
    assert again.frozen == 2
    assert again.shown[0].width == 9
    kept["columns"] = [{"name": "gone", "width": 5, "hidden": False}, {"name": "note"}, "rubbish"]
    mixed = layout(kept)
    assert mixed.names[0] == "note"
    assert "gone" not in mixed.names


def test_every_column_hidden_in_kept_data_still_shows_one() -> None:
    hidden = {"columns": [{"name": n, "hidden": True} for n in ("id", *NAMES, "updated_at")]}
    assert layout(hidden).names == ["id"]
