"""Style sheets are parsed once for each theme."""

import pytest
from textual.css import stylesheet
from textual.css.stylesheet import StylesheetParseError

from screens.services.style import KeptStylesheet
from tests.support.console import console, running, until


def test_a_sheet_is_parsed_once_for_each_theme(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    parse = stylesheet.parse
    monkeypatch.setattr(
        stylesheet, "parse", lambda scope, css, *rest, **more: parsed.append(css) or parse(scope, css, *rest, **more)
    )
    night, day = {"ink": "#101112"}, {"ink": "#f0f1f2"}
    sheet = KeptStylesheet(variables=night)
    sheet.add_source("Label { color: $ink; }")
    sheet.reparse()
    dark = sheet.css
    sheet.add_source("Button { color: $ink; }")
    sheet.reparse()
    assert parsed == ["Label { color: $ink; }", "Button { color: $ink; }"]

    sheet.set_variables(day)
    sheet.reparse()
    assert len(parsed) == 4
    assert dark not in sheet.css
    sheet.set_variables(dict(night))
    sheet.reparse()
    KeptStylesheet(variables=night)
    assert len(parsed) == 4
    assert sheet.css.startswith(dark)

    rules = sheet.rules
    sheet.add_source("Label { color: nothing-known; }")
    with pytest.raises(StylesheetParseError):
        sheet.reparse()
    assert sheet._rules == rules


async def test_a_theme_that_does_not_exist_is_told_with_those_that_do() -> None:
    app = console(theme="sovrium-papre")
    async with running(app) as pilot:
        await until(pilot, lambda: any("no theme sovrium-papre" in each.text for each in app.context.messages.messages))
        assert "sovrium-paper" in app.context.messages.messages[0].text
