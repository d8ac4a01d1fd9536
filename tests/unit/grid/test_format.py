"""The console's text of a value is the API's `format=display` (R-089 to R-092, R-096)."""

from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from core.fields.base import Format
from core.http.table_shape import field_info
from screens.presenters.format import formatter, measured_text
from screens.presenters.moment import parse_duration
from screens.presenters.value import editable, show, why_read_only
from screens.services.text import set_language
from tests.support.apps import app_model
from tests.support.fields import field_of
from tests.support.memory_port import field_info as plain_field

SAME: list[tuple[str, dict[str, Any]]] = [
    ("currency", {"currency": "EUR"}),
    ("currency", {"currency": "JPY", "precision": 0}),
    ("currency", {"currency": "NOK", "symbolPosition": "after", "thousandsSeparator": "period"}),
    ("currency", {"currency": "USD", "negativeFormat": "parentheses", "thousandsSeparator": "space"}),
    ("percentage", {"precision": 1}),
    ("rating", {"max": 10}),
    ("progress", {}),
    ("autonumber", {"prefix": "INV-", "suffix": "/x", "digits": 5}),
    ("date", {"dateFormat": "US"}),
    ("date", {"dateFormat": "European"}),
    ("date", {"dateFormat": "ISO"}),
    ("date", {"format": "DD.MM.YYYY"}),
    ("date", {"includeTime": True, "timeZone": "Europe/Paris", "dateFormat": "US", "timeFormat": "24-hour"}),
    ("datetime", {"timeZone": "America/New_York", "dateFormat": "US", "timeFormat": "12-hour"}),
    ("datetime", {"timeZone": "Asia/Kolkata", "dateFormat": "ISO", "format": "YYYY-MM-DD HH:mm:ss"}),
    ("time", {"timeFormat": "24-hour"}),
    ("time", {"timeFormat": "12-hour"}),
    *(("duration", {"displayFormat": form}) for form in ("h:mm", "h:mm:ss", "decimal", "human", "days", "compact")),
    ("single-select", {"options": ["red", {"value": "blue", "label": "Sky blue"}]}),
    ("multi-select", {"options": ["red", {"value": "blue", "label": "Sky blue"}]}),
    ("status", {"options": ["open", "closed"]}),
    ("single-line-text", {}),
    ("rich-text", {}),
    ("rich-text", {"format": "markdown"}),
]


@pytest.mark.parametrize(("kind", "keys"), SAME, ids=[f"{kind}-{keys}" for kind, keys in SAME])
def test_reads_as_the_server_would_show_it(kind: str, keys: dict[str, Any]) -> None:
    """R-096"""
    field = field_of(kind, **keys)
    read = formatter(field_info(field, system=False))
    rng = Random(7)
    for _ in range(40):
        value = field.example(rng)
        assert read(field.to_json(value)) == field.present(value, Format())
    assert read(None) == field.present(None, Format()) == ""


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("date", "2026-02-01", "2026-02-01"),
        ("datetime", "2026-02-01T08:05:00.000Z", "2026-02-01 08:05"),
        ("created-at", "2026-02-01T08:05:00.000Z", "2026-02-01 08:05"),
        ("time", "08:05:00", "08:05"),
    ],
)
def test_moments_without_a_form_of_their_own_are_iso_everywhere(kind: str, value: str, shown: str) -> None:
    """In the grid as in the record panel, the change panel and the status line."""
    keys = {"timeZone": "UTC"} if kind == "datetime" else {}
    info = field_info(field_of(kind, **keys), system=False)
    info["options"]["timeZone"] = "UTC"
    assert formatter(info)(value) == shown
    assert show(info, value) == shown


@pytest.mark.parametrize(
    ("kind", "value", "english", "french"),
    [
        ("integer", 1998, "1998", "1998"),
        ("integer", 1234567, "1,234,567", "1\u00a0234\u00a0567"),
        ("integer", -10000, "-10,000", "-10\u00a0000"),
        ("decimal", "1234.50", "1,234.50", "1\u00a0234,50"),
        ("decimal", "-0.5", "-0.5", "-0,5"),
        ("decimal", 0.25, "0.25", "0,25"),
        ("decimal", True, "true", "true"),
        ("checkbox", True, "✓", "✓"),
        ("checkbox", False, "·", "·"),
        ("json", {"a": [1, None]}, '{"a":[1,null]}', '{"a":[1,null]}'),
        ("long-text", {"cut": "Once", "length": 900}, "Once…", "Once…"),
    ],
)
def test_numbers_are_grouped_as_the_language_does(kind: str, value: Any, english: str, french: str) -> None:
    try:
        for language, text in (("en", english), ("fr", french)):
            set_language(language)
            assert formatter(plain_field("x", kind))(value) == text
    finally:
        set_language("en")


def test_shares_have_the_point_of_the_language() -> None:
    field = field_info(field_of("percentage", precision=1), system=False)
    try:
        set_language("fr")
        assert formatter(field)(Decimal("12.5")) == "12,5 %"
    finally:
        set_language("en")


def test_formatted_text_is_shown_without_its_marks() -> None:
    """R-096"""
    field = field_of("rich-text")
    value = field.accept("<h2>Title</h2><p>One <b>bold</b> &amp; two<br>lines</p><ul><li>a</li><li>b</li></ul>")
    shown = formatter(field_info(field, system=False))(value)
    assert shown == field.present(value, Format()) == "Title One bold & two lines a b"


def test_ids_are_not_grouped() -> None:
    assert formatter(plain_field("id", "integer"))(1234567) == "1234567"


@pytest.mark.parametrize(
    "kind", ["currency", "percentage", "rating", "date", "datetime", "time", "duration", "autonumber"]
)
@pytest.mark.parametrize("value", ["abc", "", [], {"a": 1}, -(10**18), "1e999999999", float("inf"), True])
def test_what_is_not_the_type_s_is_shown_as_it_is(kind: str, value: Any) -> None:
    """A staged value may be anything until it is corrected."""
    keys = {"currency": "EUR"} if kind == "currency" else {}
    text = formatter(field_info(field_of(kind, **keys), system=False))(value)
    assert len(text) < 100


def test_a_long_text_is_not_looked_through_for_one_line() -> None:
    assert len(formatter(plain_field("x", "long-text"))("é" * 5_000_000)) <= 1000


def test_columns_are_measured_with_what_a_cell_adds() -> None:
    link = plain_field("company", "relationship", relatedTable="companies")
    assert measured_text(link, "7", {"7": "Acme"}) == "Acme →"
    assert measured_text(link, None, {}) == ""
    choice = plain_field("stage", "single-select", options=["lead"])
    assert measured_text(choice, "lead", {}) == " lead "


def test_code_that_is_only_read_is_not_edited_in_the_grid() -> None:
    """T-062: with `readOnly` the console opens no editor and says why; the API goes on to write it."""
    field = field_info(field_of("code", language="sql", readOnly=True), system=False)
    assert not editable(field)
    assert "read" in why_read_only(field)
    assert not field["readOnly"], "the server takes it"
    assert editable(field_info(field_of("code", language="sql"), system=False))


@pytest.mark.parametrize(
    ("language", "days", "compact"),
    [
        ("en", "1d 2h 3m 4s", "26h3m4s"),
        ("fr-CA", "1j 2h 3min 4s", "26h3min4s"),
        ("de", "1T 2Std 3Min 4Sek", "26Std3Min4Sek"),
    ],
)
def test_units_have_the_letters_of_the_app_s_language(language: str, days: str, compact: str) -> None:
    """R-092, T-075: in the API and the console, and what is shown can be typed."""
    model = app_model(f"""
    languages: {{default: {language}, supported: [{{code: {language}, label: x}}]}}
    tables:
      - name: T
        fields:
          - {{name: a, type: duration, displayFormat: days}}
          - {{name: b, type: duration, displayFormat: compact}}
    """)
    value = 26 * 3600 + 3 * 60 + 4
    for name, shown in (("a", days), ("b", compact)):
        field = model.tables[0].fields[name]
        assert field.present(value, Format()) == shown == formatter(field_info(field, system=False))(value)
        assert field.accept(shown) == parse_duration(shown) == value


@pytest.mark.parametrize(
    ("formula", "result", "form", "value", "shown"),
    [
        ("n * 2", "decimal", "currency:EUR", Decimal("-1234.5"), "-€1,234.50"),
        ("n * 2", "integer", "currency", Decimal(7), "$7.00"),
        ("n / 3", "decimal", "percentage", Decimal("33.3"), "33.3 %"),
        ("n * 2", "decimal", "percentage", Decimal(40), "40 %"),
        ("day", "date", "DD.MM.YYYY", date(2026, 1, 2), "02.01.2026"),
    ],
)
def test_the_format_of_a_computed_field_is_seen_in_the_console_too(
    formula: str, result: str, form: str, value: Any, shown: str
) -> None:
    """T-129, F-016"""
    model = app_model(f"""
    tables:
      - name: T
        fields:
          - {{name: n, type: integer}}
          - {{name: day, type: date}}
          - {{name: made, type: formula, formula: {formula}, resultType: {result}, format: "{form}"}}
    """)
    field = model.tables[0].fields["made"]
    assert field.present(value, Format()) == shown
    assert formatter(field_info(field, system=False))(field.to_json(value)) == shown
