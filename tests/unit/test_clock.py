"""Instants in the API's form."""

from datetime import UTC, datetime, timedelta, timezone

from core.clock import to_iso


def test_an_instant_has_one_form() -> None:
    """In UTC, with four digits for any year, milliseconds cut off."""
    assert to_iso(datetime(2026, 2, 1, 8, tzinfo=timezone(timedelta(hours=2)))) == "2026-02-01T06:00:00.000Z"
    assert to_iso(datetime(790, 2, 25, 1, 2, 3, 999_999, tzinfo=UTC)) == "0790-02-25T01:02:03.999Z"
