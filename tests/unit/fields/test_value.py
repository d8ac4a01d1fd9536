"""What each field type takes, keeps, answers and shows: one line a case (spec tables-records §3, §10.12)."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from time import process_time
from typing import Any

import pytest

from core.fields.base import Format, ValueProblem
from tests.support.fields import field_of

SELECT = {"options": ["low", {"value": "mid", "label": "In between"}, "high"]}

NEW_YORK = {"timeZone": "America/New_York"}

NOTE = {"sourceFields": ["note"]}

TAKEN: list[tuple[str, str, dict[str, Any], Any, Any]] = [
    ("T-049", "single-line-text", {}, "  two words ", "two words"),
    ("T-049", "single-line-text", {}, "   ", ""),
    ("T-048", "single-line-text", {}, "x" * 255, "x" * 255),
    ("T-048", "single-line-text", {"maxLength": 300}, "x" * 300, "x" * 300),
    ("T-050", "single-line-text", {"pattern": "[A-Z]+"}, "ABC", "ABC"),
    ("T-054", "long-text", {}, " a\nb\n", " a\nb\n"),
    ("T-055", "rich-text", {}, "<p onclick=x>a</p><script>b</script>", "<p>a</p>"),
    ("T-055", "rich-text", {}, '<a href="javascript:x">a</a>', '<a rel="noopener noreferrer">a</a>'),
    ("T-055", "rich-text", {"format": "markdown"}, "a < b & c\n\n> q <b onclick=x>k</b>", "a < b & c\n\n> q <b>k</b>"),
    ("T-055", "rich-text", {"format": "markdown"}, "<script>x</script>[a](javascript:x)", "x[a](x)"),
    ("T-057", "email", {}, " Ada@Example.ORG ", "ada@example.org"),
    ("T-057", "email", {}, "é@exämple.org", "é@exämple.org"),
    ("T-059", "url", {}, "https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
    ("T-059", "url", {}, "mailto:a@example.org", "mailto:a@example.org"),
    ("T-060", "phone-number", {}, "call 12", "call 12"),
    ("T-060", "phone-number", {"format": "e164"}, "+33 (1) 23-45.67 89", "+33123456789"),
    ("T-062", "code", {"language": "python"}, "\tx = 1\r\n\n", "\tx = 1\r\n\n"),
    ("T-094", "barcode", {"format": "EAN-13"}, "4006381333931", "4006381333931"),
    ("T-094", "barcode", {"format": "upc-a"}, "036000291452", "036000291452"),
    ("T-094", "barcode", {"format": "UPC-E"}, "04252614", "04252614"),
    ("T-094", "barcode", {"format": "UPC-E"}, "01234531", "01234531"),
    ("T-094", "barcode", {"format": "UPC-E"}, "01234565", "01234565"),
    ("T-094", "barcode", {"format": "UPC-E"}, "01234543", "01234543"),
    ("T-094", "barcode", {"format": "UPC-E"}, "425261", "425261"),
    ("T-098", "color", {}, "#2f6fde", "#2F6FDE"),
    ("T-063", "integer", {}, "42", 42),
    ("T-063", "integer", {}, 5.0, 5),
    ("T-063", "integer", {}, -(2**31), -(2**31)),
    ("T-063", "integer", {"max": 2**40}, 2**40, 2**40),
    ("T-063", "integer", {"min": 1, "max": 3}, 3, 3),
    ("T-064", "decimal", {"precision": 2}, "0.125", Decimal("0.12")),
    ("T-064", "decimal", {"precision": 2}, 0.135, Decimal("0.14")),
    ("T-064", "decimal", {}, 0.1, Decimal("0.1")),
    ("T-064", "decimal", {}, "-1e3", Decimal(-1000)),
    ("T-066", "currency", {"currency": "EUR"}, 1234.5, Decimal("1234.50")),
    ("T-067", "percentage", {}, "45%", Decimal(45)),
    ("T-067", "percentage", {}, 145, Decimal(145)),
    ("T-068", "rating", {}, "5", 5),
    ("T-069", "progress", {}, "100 %", 100),
    ("T-070", "date", {}, "2026-02-28", date(2026, 2, 28)),
    ("T-070", "date", {}, "2026-02-28 00:00:00", date(2026, 2, 28)),
    ("T-071", "datetime", {}, "2026-02-01T09:00:00+01:00", datetime(2026, 2, 1, 8, tzinfo=UTC)),
    ("T-071", "datetime", {}, "2026-02-01 09:00", datetime(2026, 2, 1, 9, tzinfo=UTC)),
    ("T-071", "datetime", {"timeZone": "Europe/Paris"}, "2026-02-01 09:00", datetime(2026, 2, 1, 8, tzinfo=UTC)),
    ("T-071", "datetime", {}, "2026-02-01T09:00:00.123456Z", datetime(2026, 2, 1, 9, 0, 0, 123000, tzinfo=UTC)),
    ("T-072 skipped", "datetime", NEW_YORK, "2026-03-08T02:30", datetime(2026, 3, 8, 7, 30, tzinfo=UTC)),
    ("T-072 twice", "datetime", NEW_YORK, "2026-11-01T01:30", datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
    ("date with time", "date", {"includeTime": True}, "2026-02-01T09:30Z", datetime(2026, 2, 1, 9, 30, tzinfo=UTC)),
    ("T-074", "time", {}, "9:5", time(9, 5)),
    ("T-074", "time", {}, "09:05", time(9, 5)),
    ("T-074", "time", {}, "09:05:00", time(9, 5)),
    ("T-074", "time", {}, "12:30 am", time(0, 30)),
    ("T-075", "duration", {}, "2h 30m", 9000),
    ("T-075", "duration", {}, "2:30", 9000),
    ("T-075", "duration", {}, 9000, 9000),
    ("T-075", "duration", {}, "9000", 9000),
    ("T-075", "duration", {}, "PT2H30M", 9000),
    ("T-075", "duration", {}, timedelta(hours=2, minutes=30), 9000),
    ("T-075 unit of text", "duration", {"format": "minutes"}, "150", 9000),
    ("T-075 numbers are seconds", "duration", {"format": "minutes"}, 9000, 9000),
    ("T-075", "duration", {"allowNegative": True}, "-0:30", -1800),
    ("T-079", "checkbox", {}, "true", True),
    ("T-079", "checkbox", {}, 0, False),
    ("T-079", "checkbox", {}, "Yes", True),
    ("T-080", "single-select", SELECT, "mid", "mid"),
    ("T-080 by label", "single-select", SELECT, "In between", "mid"),
    ("T-084", "multi-select", SELECT, ["high", "low", "high"], ["high", "low"]),
    ("T-084", "multi-select", SELECT, [], []),
    ("T-084", "multi-select", SELECT, "high, low", ["high", "low"]),
    ("T-086", "status", SELECT, "low", "low"),
    ("T-104", "relationship", {"relatedTable": "Other"}, "12", 12),
    ("T-104", "relationship", {"relatedTable": "Other"}, [], None),
    ("T-095", "json", {}, '{"a": [1, null]}', {"a": [1, None]}),
    ("T-099", "autonumber", {"prefix": "INV-", "digits": 5}, "INV-00042", 42),
    ("T-102", "ai-categorize", {**NOTE, "categories": ["bug", "wish"]}, "bug", "bug"),
    ("T-102", "ai-tag", {**NOTE, "tags": ["a", "b"]}, "b, a, b", ["b", "a"]),
    ("T-102", "ai-summary", {**NOTE, "maxLength": 5}, "short", "short"),
    ("T-102", "ai-translate", {**NOTE, "targetLanguage": "zh-CN"}, "早上好", "早上好"),
    ("T-102", "ai-sentiment", NOTE, {"label": "neutral"}, {"label": "neutral"}),
]  # fmt: skip


@pytest.mark.parametrize(("point", "kind", "keys", "raw", "value"), TAKEN)
def test_taken(point: str, kind: str, keys: dict[str, Any], raw: Any, value: Any) -> None:
    found = field_of(kind, **keys).accept(raw)
    assert found == value
    assert type(found) is type(value)


REFUSED: list[tuple[str, str, dict[str, Any], Any, str]] = [
    ("T-102", "ai-categorize", {**NOTE, "categories": ["bug", "wish"]}, "praise", "select.unknown-option"),
    ("T-102", "ai-tag", {**NOTE, "tags": ["a", "b", "c"], "maxTags": 1}, ["a", "b"], "select.too-many"),
    ("T-102", "ai-summary", {**NOTE, "maxLength": 5}, "too long", "text.too-long"),
    ("T-102", "ai-extract", {**NOTE, "schema": {"type": "object"}}, [1], "json.schema"),
    ("D-07", "single-line-text", {}, 5, "text.not-text"),
    ("D-07", "long-text", {}, ["a"], "text.not-text"),
    ("one line", "single-line-text", {}, "a\nb", "text.line-break"),
    ("T-048", "single-line-text", {}, "x" * 256, "text.too-long"),
    ("T-050", "single-line-text", {"minLength": 3}, "ab", "text.too-short"),
    ("T-050", "single-line-text", {"pattern": "[A-Z]+"}, "ABc", "text.pattern"),
    ("storage", "code", {"language": "c"}, "a\0b", "text.bad-character"),
    ("storage", "long-text", {}, "\ud800", "text.bad-character"),
    ("T-056", "rich-text", {"maxLength": 3}, "<b>a</b>", "text.too-long"),
    ("T-057", "email", {}, "ada@", "email.malformed"),
    ("T-057", "email", {}, "a b@example.org", "email.malformed"),
    ("T-059", "url", {}, "example.org", "url.malformed"),
    ("T-059", "url", {}, "http://", "url.malformed"),
    ("T-059", "url", {}, "javascript:alert(1)", "url.malformed"),
    ("T-060", "phone-number", {"format": "e164"}, "0123456789", "phone.malformed"),
    ("T-060", "phone-number", {"format": "e164"}, "+123", "phone.malformed"),
    ("T-094", "barcode", {"format": "EAN-13"}, "4006381333932", "barcode.check-digit"),
    ("T-094", "barcode", {"format": "UPC-E"}, "04252615", "barcode.check-digit"),
    ("T-094", "barcode", {"format": "CODE-39"}, "abc", "barcode.malformed"),
    ("T-098", "color", {}, "red", "color.malformed"),
    ("T-063", "integer", {}, 1.5, "number.not-whole"),
    ("T-063", "integer", {}, "abc", "number.not-a-number"),
    ("T-063", "integer", {}, True, "number.not-a-number"),
    ("T-063", "integer", {}, 2**31, "number.out-of-range"),
    ("T-063", "integer", {}, "1e999", "number.out-of-range"),
    ("T-063", "integer", {"min": 1, "max": 3}, 4, "number.out-of-range"),
    ("locale", "decimal", {}, "1,5", "number.not-a-number"),
    ("T-064", "decimal", {"min": 0}, "-0.5", "number.out-of-range"),
    ("T-064", "decimal", {}, 10**18, "number.out-of-range"),
    ("T-064", "decimal", {}, float("nan"), "number.not-a-number"),
    ("T-066", "currency", {"currency": "EUR"}, "€5", "number.not-a-number"),
    ("T-068", "rating", {}, 0, "number.out-of-range"),
    ("T-068", "rating", {"max": 3}, 4, "number.out-of-range"),
    ("T-069", "progress", {}, -1, "number.out-of-range"),
    ("T-069", "progress", {}, 101, "number.out-of-range"),
    ("T-070", "date", {}, "2026-02-30", "date.malformed"),
    ("T-070", "date", {}, "28.02.2026", "date.malformed"),
    ("T-070", "date", {}, "2026-02-28T10:00:00Z", "date.malformed"),
    ("T-070", "date", {}, 20260228, "date.not-text"),
    ("T-071", "datetime", {}, "2026-02-01T25:00:00Z", "date.malformed"),
    ("T-071", "datetime", {}, "0001-01-01T00:00:00+05:00", "date.out-of-range"),
    ("T-074", "time", {}, "24:00", "time.out-of-range"),
    ("T-074", "time", {}, "noon", "time.malformed"),
    ("T-075", "duration", {}, -1, "duration.negative"),
    ("T-075", "duration", {}, "a while", "duration.malformed"),
    ("T-075", "duration", {}, 1.5, "duration.not-whole"),
    ("T-079", "checkbox", {}, "maybe", "checkbox.not-a-boolean"),
    ("T-079", "checkbox", {}, 2, "checkbox.not-a-boolean"),
    ("T-080", "single-select", SELECT, "Mid", "select.unknown-option"),
    ("T-084", "multi-select", {**SELECT, "maxSelections": 1}, ["low", "high"], "select.too-many"),
    ("T-084", "multi-select", SELECT, {"low": 1}, "select.not-a-list"),
    ("T-086", "status", SELECT, "", "select.unknown-option"),
    ("T-104", "relationship", {"relatedTable": "Other"}, [1, 2], "link.one"),
    ("T-104", "relationship", {"relatedTable": "Other"}, "abc", "link.malformed"),
    ("T-095", "json", {}, "{", "json.malformed"),
    ("T-095", "json", {}, '"text"', "json.text"),
    ("T-095", "json", {}, [float("inf")], "json.malformed"),
    ("T-095", "json", {"schema": {"type": "object", "required": ["a"]}}, {}, "json.schema"),
]  # fmt: skip


@pytest.mark.parametrize(("point", "kind", "keys", "raw", "code"), REFUSED)
def test_refused(point: str, kind: str, keys: dict[str, Any], raw: Any, code: str) -> None:
    with pytest.raises(ValueProblem) as problem:
        field_of(kind, **keys).accept(raw)
    assert problem.value.code == code
    formats = ("email", "url", "phone", "barcode", "color")
    assert problem.value.status == (422 if code.split(".")[0] in formats else 400)  # D-08


ANSWERED: list[tuple[str, str, dict[str, Any], Any, Any]] = [
    ("decimal as text", "decimal", {"precision": 2}, "1.5", "1.50"),
    ("decimal as text", "decimal", {}, "1.50", "1.5"),
    ("currency as number", "currency", {"currency": "EUR"}, "1234.5", 1234.5),
    ("beyond a double", "currency", {"currency": "EUR"}, "123456789012345678.91", "123456789012345678.91"),
    ("whole", "percentage", {}, "45", 45),
    ("date", "date", {}, "2026-02-01", "2026-02-01"),
    ("instant", "datetime", {}, "2026-02-01T09:00:00+01:00", "2026-02-01T08:00:00.000Z"),
    ("year 1", "datetime", {}, "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
    ("time", "time", {}, "9:5", "09:05:00"),
    ("seconds", "duration", {}, "2:30", 9000),
]


@pytest.mark.parametrize(("what", "kind", "keys", "raw", "answer"), ANSWERED)
def test_answered(what: str, kind: str, keys: dict[str, Any], raw: Any, answer: Any) -> None:
    field_type = field_of(kind, **keys)
    found = field_type.to_json(field_type.accept(raw))
    assert found == answer
    assert type(found) is type(answer)


EURO = {"currency": "EUR"}
DOLLAR = {"currency": "USD"}
PRESENTED: list[tuple[str, str, dict[str, Any], Any, str]] = [
    ("R-089", "currency", DOLLAR, 1234.5, "$1,234.50"),
    ("R-089", "currency", DOLLAR, -5, "-$5.00"),
    ("R-089", "currency", {**DOLLAR, "negativeFormat": "parentheses"}, -5, "($5.00)"),
    ("R-089", "currency", {**EURO, "symbolPosition": "after", "thousandsSeparator": "period"}, 1234.5, "1.234,50 €"),
    ("R-089", "currency", {**EURO, "thousandsSeparator": "space"}, 1234567, "€1\u00a0234\u00a0567.00"),
    ("R-089", "currency", {"currency": "JPY", "precision": 0}, 1234, "¥1234"),
    ("R-089", "currency", {"currency": "CHF", "thousandsSeparator": "none"}, 1234.5, "CHF 1234.50"),
    ("T-067", "percentage", {}, 45, "45 %"),
    ("T-068", "rating", {}, 3, "★★★☆☆"),
    ("T-069", "progress", {}, 40, "40 %"),
    ("R-090", "date", {}, "2026-02-01", "2/1/2026"),
    ("R-090", "date", {"dateFormat": "European"}, "2026-02-01", "1/2/2026"),
    ("R-090", "date", {"dateFormat": "ISO"}, "2026-02-01", "2026-02-01"),
    ("free pattern", "date", {"format": "DD.MM.YYYY"}, "2026-02-01", "01.02.2026"),
    ("R-090", "time", {}, "09:05", "9:05"),
    ("R-090", "time", {"timeFormat": "12-hour"}, "21:05", "9:05 PM"),
    ("R-090", "datetime", {}, "2026-02-01T09:05:00Z", "2/1/2026 9:05"),
    ("R-091", "datetime", {"timeZone": "Europe/Paris"}, "2026-02-01T09:05:00Z", "2/1/2026 10:05"),
    ("R-092", "duration", {}, 9000, "2:30"),
    ("R-092", "duration", {"displayFormat": "h:mm:ss"}, 9000, "2:30:00"),
    ("R-092", "duration", {"displayFormat": "decimal"}, 9000, "2.5"),
    ("R-092", "duration", {"displayFormat": "human"}, 9000, "2h 30m"),
    ("R-092", "duration", {"displayFormat": "days"}, 93600, "1d 2h"),
    ("label", "single-select", SELECT, "mid", "In between"),
    ("label", "multi-select", SELECT, ["mid", "low"], "In between, low"),
    ("T-099", "autonumber", {"prefix": "INV-", "suffix": "/A", "digits": 5}, 42, "INV-00042/A"),
    ("plain preview", "rich-text", {}, "<p>One &amp; two</p><p>three</p>", "One & two three"),
]


@pytest.mark.parametrize(("point", "kind", "keys", "raw", "text"), PRESENTED)
def test_presented(point: str, kind: str, keys: dict[str, Any], raw: Any, text: str) -> None:
    field_type = field_of(kind, **keys)
    assert field_type.present(field_type.accept(raw), Format()) == text


def test_presented_in_the_zone_asked_for() -> None:
    """R-091"""
    field_type = field_of("datetime", timeZone="Europe/Paris", dateFormat="ISO")
    value = field_type.accept("2026-02-01T23:30:00Z")
    assert field_type.present(value, Format(timezone="Asia/Tokyo")) == "2026-02-02 8:30"
    assert field_type.present(value, Format(timezone="UTC")) == "2026-02-01 23:30"
    assert field_type.present(value, Format()) == "2026-02-02 0:30"


@pytest.mark.parametrize("form", ["html", "markdown"])
@pytest.mark.parametrize("unit", ["<b>", "<<b>script>", "](javascript:", "<p", "&lt;", "<!--", "</p>", "<script>"])
def test_cleaning_takes_time_by_length_only(form: str, unit: str) -> None:
    """T-055: nothing that a client sends may hold a thread."""
    field_type = field_of("rich-text", format=form)
    for text in (unit * 3000, "<" * 3000 + "b>" * 3000):
        started = process_time()
        clean = field_type.accept(text)
        assert process_time() - started < 2
        assert "<script" not in clean
        assert field_type.accept(clean) == clean


def test_iso_form_of_a_duration() -> None:
    field_type = field_of("duration")
    assert [field_type.iso(each) for each in (9000, 0, 59)] == ["PT2H30M", "PT0S", "PT59S"]  # type: ignore[attr-defined]


def test_defaults() -> None:
    """T-073, T-051: a moment is the caller's, everything else comes from the file; required progress begins at 0."""
    now = datetime(2026, 2, 1, 23, 30, tzinfo=UTC)
    today = field_of("date", default="CURRENT_DATE", timeZone="Asia/Tokyo")
    assert today.default_is_now()
    assert today.default() is None
    assert today.value_at(now) == date(2026, 2, 2)
    written = field_of("datetime", default="now()")
    assert written.default_is_now()
    assert written.value_at(now) == now
    assert field_of("datetime", default="2026-02-01").default() == datetime(2026, 2, 1, tzinfo=UTC)
    assert not field_of("datetime", default="2026-02-01").default_is_now()
    assert field_of("currency", currency="EUR", default=5).default() == Decimal("5.00")
    assert field_of("progress", required=True).default() == 0
    assert field_of("progress").default() is None
    assert field_of("checkbox", default=False).default() is False
    assert field_of("json", default={"a": 1}).default() == {"a": 1}


def test_moves_of_a_status() -> None:
    """T-086"""
    status = field_of("status", options=["open", "closed", "done"], transitions={"open": ["closed"], "done": []})
    status.check_change("open", "closed")
    status.check_change("open", "open")
    status.check_change(None, "done")
    status.check_change("closed", "open")
    with pytest.raises(ValueProblem, match="closed can follow"):
        status.check_change("open", "done")
    with pytest.raises(ValueProblem):
        status.check_change("done", "open")


def test_locks_of_a_select() -> None:
    """T-082"""
    field_type = field_of(
        "single-select", options=["draft", "locked"], conditions=[{"when": "locked", "then": {"readOnly": True}}]
    )
    assert field_type.locks_record("locked")
    assert not field_type.locks_record("draft")


def test_order_of_options() -> None:
    """T-081"""
    assert field_of("single-select", **SELECT).sort_order() == ("low", "mid", "high")
    assert field_of("multi-select", **SELECT).sort_order() is None


def test_a_schema_of_a_json_field_fetches_nothing() -> None:
    """A reference to an address is an error of the value, never a request."""
    field_type = field_of("json", schema={"$ref": "https://example.org/schema.json"})
    with pytest.raises(ValueProblem):
        field_type.accept({"a": 1})


def test_lists_as_text_survive_odd_values() -> None:
    field_type = field_of("multi-select", options=["a, b", " x", "[odd]", "plain"])
    for value in (["a, b"], [" x", "plain"], ["[odd]"], []):
        assert field_type.accept(field_type.to_text(value)) == value
    assert field_type.to_text(["plain"]) == "plain"
