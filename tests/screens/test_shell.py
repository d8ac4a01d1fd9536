"""The console's shell: finding, going, keys, languages, connection, care for the terminal's size."""

import re
from importlib import import_module
from pkgutil import walk_packages

import pytest
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.widgets import Button, Input, OptionList

import screens
import sovrium_tui.console
from core.client import Port, SovriumError
from screens.actions.registry import ACTIONS
from screens.presenters.place import Place
from screens.registry import PLACES
from screens.services.keymap import Keymap
from screens.services.session import SessionStore
from screens.services.text import LOCALES, catalogue, has, languages
from screens.services.theme import theme_names
from screens.trouble import TroubleScreen
from screens.widgets.confirm import Confirm
from screens.widgets.finder import Finder
from screens.widgets.footer import KeyFooter
from screens.widgets.menu import Menu
from screens.widgets.status_line import StatusLine
from screens.widgets.which_key import WhichKey
from sovrium_tui.console import ConsoleApp
from tests.support.console import console, new_context, opener_of, running, screen_text, until
from tests.support.memory_port import MemoryPort


async def test_palette_runs_an_action_found_by_letters() -> None:
    app = console()
    async with running(app) as pilot:
        await pilot.press("ctrl+p", *"jobs")
        assert isinstance(app.screen, Finder)
        await pilot.press("enter")
        await until(pilot, lambda: app.current_mode == "jobs")


async def test_a_click_beside_the_palette_closes_it() -> None:
    app = console()
    async with running(app) as pilot:
        await pilot.press("ctrl+p")
        assert isinstance(app.screen, Finder)
        await pilot.click("#finder-note")
        assert isinstance(app.screen, Finder)
        await pilot.click(offset=(1, 1))
        assert not isinstance(app.screen, Finder)


async def test_palette_lists_every_live_action_with_its_key() -> None:
    app = console()
    async with running(app) as pilot:
        await pilot.press("ctrl+p")
        hits = {hit.label: hit.key for hit in app.screen.query_one(Menu).hits}
        assert hits["Help"] == "?"
        assert hits["Jobs"] == "g j"
        assert hits["Open"] == "Enter"
        assert "companies" in hits


async def test_a_theme_is_chosen_in_the_palette_and_kept() -> None:
    session = SessionStore(None)
    app = console(session=session)
    async with running(app) as pilot:
        await pilot.press("ctrl+p", *"nord", "enter")
        await until(pilot, lambda: app.theme == "nord")
    assert session.get("theme") == "nord"
    assert console(session=session).theme == "nord"


async def test_a_theme_is_shown_while_moving_over_it_and_taken_back_on_escape() -> None:
    app = console()
    async with running(app) as pilot:
        before = app.theme
        app.action_app_theme()
        await pilot.pause()
        await pilot.press("down", "down")
        await until(pilot, lambda: app.theme == theme_names()[2])
        await pilot.press("escape")
        await until(pilot, lambda: app.theme == before)


def test_there_are_themes_enough_and_all_of_them_work() -> None:
    app = console()
    assert len(theme_names()) >= 6
    for name in theme_names():
        app.theme = name


async def test_goto_finds_a_record_by_its_label_on_the_server() -> None:
    app = console()
    went: list[Place] = []
    async with running(app) as pilot:
        app.context.navigate.listen(went.append)
        await pilot.press("colon", *"04242")
        await until(pilot, lambda: [h.label for h in app.screen.query_one(Menu).hits] == ["Company 04242"])
        await pilot.press("enter")
        await until(pilot, lambda: went)
    assert went[0].state == {"table": "companies", "key": "4242"}


async def test_goto_asks_the_server_once_for_fast_typing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("screens.widgets.finder.DEBOUNCE", 0.7)
    port = MemoryPort()
    app = console(port)
    async with running(app) as pilot:
        await pilot.press("colon")
        port.calls.clear()
        await pilot.press(*"company 00001")
        await until(pilot, lambda: "open_view" in port.calls)
        assert port.calls.count("open_view") == len(port.tables)
        assert port.calls.count("close_view") == len(port.tables)


async def test_leader_typed_fast_goes_and_never_shows_the_sheet() -> None:
    app = console()
    async with running(app) as pilot:
        await pilot.press("g", "j")
        await until(pilot, lambda: app.current_mode == "jobs")
        assert not app.query(WhichKey)
        assert not app.leader.waiting


async def test_leader_shows_what_may_follow_to_who_hesitates() -> None:
    app = console()
    app.leader.delay = 0.01
    async with running(app) as pilot:
        await pilot.press("g")
        await until(pilot, lambda: app.screen.query(WhichKey))
        assert "Jobs" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: not app.screen.query(WhichKey))
        assert app.current_mode == "home"


async def test_letters_go_into_inputs_not_into_actions() -> None:
    app = console()
    async with running(app) as pilot:
        await pilot.press("question_mark", *"gq?")
        assert app.screen.query_one(Input).value == "gq?"


async def test_history_goes_back_and_forward() -> None:
    app = console()
    async with running(app) as pilot:
        app.context.go(Place("home", "", "Home"))
        await pilot.press("g", "j")
        await until(pilot, lambda: app.current_mode == "jobs")
        await pilot.press("ctrl+o")
        await until(pilot, lambda: app.current_mode == "home")
        await pilot.press("alt+right")
        await until(pilot, lambda: app.current_mode == "jobs")


async def test_footer_shows_eight_keys_at_most_then_more() -> None:
    app = console()
    async with running(app) as pilot:
        footer = app.screen.query_one(KeyFooter)
        assert len(footer.shown()) <= 8
        line = footer.plain
        assert line.startswith("Enter Open")
        assert line.rstrip().endswith("? more")
        await pilot.press("g", "j")
        await until(pilot, lambda: app.current_mode == "jobs")


async def test_a_click_in_the_top_bar_goes_there() -> None:
    app = console()
    async with running(app) as pilot:
        line = screen_text(app).splitlines()[0]
        await pilot.click(offset=(line.index("Jobs") + 1, 0))
        await until(pilot, lambda: app.current_mode == "jobs")


async def test_status_line_makes_room_by_weight() -> None:
    app = console()
    async with running(app, (80, 24)):
        status = app.screen.query_one(StatusLine)
        status.show("table", "companies")
        status.show("rows", "Row 1 of 5,000")
        status.show("note", "x" * 60)
        text = status.plain
        assert "Row 1 of 5,000" in text
        assert "ready" in text
        assert "xxx… " in text
        assert "x" * 60 not in text
        status.show("filter", "stage is Won and amount > 1000")
        assert "xxx" not in status.plain


# ── Keys ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_file_rebinds_and_reports_what_is_wrong(tmp_path) -> None:
    (tmp_path / "keys.yaml").write_text(
        "overlay: vim\nkeys:\n  app.help: [F3, '^E']\n  app.hlep: x\n  app.palette: ^I\n  app.goto: Hyperdrive\n"
        "  app.close: none\n  pane.zoom: b\n  jobs.clear: ':'\nspeed: 9\n"
    )
    keymap = Keymap.load(tmp_path)
    assert keymap.overlay == "vim"
    assert keymap.textual()["app.help"] == "f3,ctrl+e"
    assert keymap.textual()["app.close"] == "unbound"
    report = "\n".join(keymap.problems)
    assert "app.hlep (did you mean app.help?)" in report
    assert "many terminals send ^I as Tab" in report
    assert "there is no key Hyperdrive" in report
    assert "b is used twice: pane.sidebar and pane.zoom" in report
    assert ": for jobs.clear hides app.goto" in report
    assert "unknown entry speed" in report


@pytest.mark.parametrize("text", ["keys: [", "[]", "keys: 3", '{"keys": {}}'])
def test_no_key_file_stops_the_console(tmp_path, text: str) -> None:
    (tmp_path / "keys.yaml").write_text(text)
    keymap = Keymap.load(tmp_path)
    assert keymap.own == {}
    assert bool(keymap.problems) == (text[0] != "{")
    assert text != "keys: [" or "keys.yaml, line 1, column 8" in keymap.problems[0]


def test_the_default_keys_do_not_clash() -> None:
    assert Keymap().clashes() == []
    assert Keymap(overlay="vim").clashes() == []


def test_every_action_is_done_by_something() -> None:
    modules = [import_module(each.name) for each in walk_packages(screens.__path__, "screens.")]
    classes = [each for module in (*modules, sovrium_tui.console) for each in vars(module).values()]
    methods = {name for each in classes if isinstance(each, type) for name in dir(each)}
    assert [a.id for a in ACTIONS if f"action_{a.id.replace('.', '_')}" not in methods] == []


def test_no_action_rests_on_a_key_that_terminals_confuse() -> None:
    confused = {"ctrl+i", "ctrl+m", "ctrl+h", "ctrl+left_square_bracket", "ctrl+b", "ctrl+enter", "f10", "f11"}
    alone = [a.id for a in ACTIONS if a.keys and set(Keymap().keys_of(a)) <= confused]
    assert alone == []
    # Alt and a letter come as Esc and the letter; some of these pairs are read as another key.
    with_alt = [
        (key.removeprefix("alt+"), a.id) for a in ACTIONS for key in Keymap().keys_of(a) if key.startswith("alt+")
    ]
    taken = [name for key, name in with_alt if f"\x1b{key}" in ANSI_SEQUENCES_KEYS]
    assert taken == []


async def test_own_keys_work_and_show(tmp_path) -> None:
    (tmp_path / "keys.json").write_text('{"keys": {"app.goto": "F3"}}')
    app = console(keymap=Keymap.load(tmp_path))
    async with running(app) as pilot:
        assert "F3 Go to" in app.screen.query_one(KeyFooter).plain
        await pilot.press("colon")
        assert not isinstance(app.screen, Finder)
        await pilot.press("f3")
        assert isinstance(app.screen, Finder)


# ── Languages ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_languages_say_the_same() -> None:
    english = catalogue("en")
    for language in languages():
        other = catalogue(language)
        assert set(other) == set(english), language
        for key, text in english.items():
            assert sorted(re.findall(r"\{\w+", text)) == sorted(re.findall(r"\{\w+", other[key])), key
    files = {language: sorted(p.name for p in (LOCALES / language).glob("*.json")) for language in languages()}
    assert len({tuple(names) for names in files.values()}) == 1


def test_every_action_context_and_place_has_its_texts() -> None:
    keys = [key for action in ACTIONS for key in (f"actions.{action.id}", f"actions.{action.id}.help")]
    keys += [f"context.{action.context}" for action in ACTIONS]
    assert [action.id for action in ACTIONS if not action.textual.isidentifier()] == [], "no method has that name"
    keys += [f"place.{place.mode}" for place in PLACES] + [f"help.{place.mode}" for place in PLACES]
    assert [key for key in keys if not has(key)] == []


def test_every_place_has_an_action_that_leads_there() -> None:
    ways = {action.id for action in ACTIONS if hasattr(ConsoleApp, f"action_{action.textual}")}
    assert [place.mode for place in PLACES if f"go.{place.mode}" not in ways] == []


async def test_the_language_changes_at_once_and_is_kept() -> None:
    session = SessionStore(None)
    app = console(session=session)
    async with running(app) as pilot:
        await pilot.press("ctrl+p", *"français", "enter")
        await until(pilot, lambda: "Accueil" in screen_text(app))
        assert "Reprendre" in screen_text(app)
        assert "● prêt" in screen_text(app)
    assert session.get("language") == "fr"


# ── Connection ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_lost_server_is_shown_and_found_again() -> None:
    first, second = MemoryPort(), MemoryPort()
    app = console()
    ports = [first, second]

    async def opener() -> Port:
        return ports.pop(0)

    app.opener = opener
    app.context.connection.pauses = (0.05,)
    told: list[bool] = []
    app.context.connected.listen(told.append)
    states: list[str] = []
    app.context.connection.changed.listen(states.append)
    async with running(app) as pilot:
        first.break_off()
        await until(pilot, lambda: app.context.port is second)
        assert told == [True, False, True]
        assert states == ["online", "lost", "online"]
        assert "companies" in screen_text(app)


async def test_a_bad_app_file_is_shown_with_its_places_and_r_tries_again() -> None:
    answers: list[Port | SovriumError] = [MemoryPort()]
    error = SovriumError("The app file has 1 problem", hint="see docs")
    error.extra = {"problems": [{"file": "app.yaml", "line": 7, "column": 3, "message": "unknown key `tabels`"}]}
    answers.insert(0, error)

    async def opener() -> Port:
        answer = answers.pop(0)
        if isinstance(answer, SovriumError):
            raise answer
        return answer

    app = console()
    app.opener = opener
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, TroubleScreen))
        text = screen_text(app)
        assert "The app file has 1 problem" in text
        assert "app.yaml:7:3: unknown key" in text
        assert "r Try again" in text
        await pilot.press("r")
        await until(pilot, lambda: app.context.connection.state == "online")
        assert not isinstance(app.screen, TroubleScreen)


async def test_a_server_of_another_version_is_refused_with_the_way_out() -> None:
    app = console(MemoryPort(version="9.9.9"))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, TroubleScreen))
        text = screen_text(app)
        assert "9.9.9" in text
        assert "4242" in text
        assert "sovrium-tui stop" in text


async def test_nobody_answers_and_the_console_keeps_trying() -> None:
    app = console()
    app.opener = opener_of(None)
    app.context.connection.pauses = (0.01,)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.context.connection.attempt >= 2)
        assert app.context.connection.state == "lost"
        assert "reconnecting" in screen_text(app)


async def test_events_reach_listeners_and_a_new_schema_is_read() -> None:
    port = MemoryPort()
    app = console(port)
    heard: list[str] = []
    app.context.events.listen(lambda event: heard.append(event["kind"]))
    async with running(app) as pilot:
        port.tell({"kind": "change", "table": "companies", "ids": ["1"], "count": 1})
        port.tell({"kind": "schema", "version": 2})
        await until(pilot, lambda: heard == ["change", "schema"])
        assert port.calls.count("schema") == 2


# ── Care ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_terminal_too_small_says_so() -> None:
    app = console()
    async with running(app, (50, 12)) as pilot:
        assert "50 × 12" in screen_text(app)
        assert "^Q leaves" in screen_text(app)
        await pilot.press("g", "j")
        await pilot.resize_terminal(80, 24)
        assert app.current_mode == "home", "nothing is done unseen"
        await until(pilot, lambda: "companies" in screen_text(app))


async def test_leaving_with_staged_edits_asks_and_the_safe_answer_is_ready() -> None:
    app = console()
    async with running(app) as pilot:
        app.context.pending.insert("companies", [{"name": "New"}])
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        assert "1 change is staged" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, Confirm))
        assert app.is_running


async def test_leaving_without_edits_asks_nothing() -> None:
    app = console()
    async with running(app) as pilot:
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running or app.return_code == 0)


async def test_a_heavy_question_wants_the_name() -> None:
    app = console()
    answers: list[bool | None] = []
    async with running(app) as pilot:
        app.push_screen(Confirm("Drop companies?", typed="companies"), answers.append)
        await pilot.pause()
        assert app.screen.query_one("#yes", Button).disabled
        await pilot.press(*"compan", "enter")
        assert answers == []
        await pilot.press(*"ies", "enter")
        await until(pilot, lambda: answers == [True])


async def test_messages_are_kept_for_who_missed_the_toast() -> None:
    app = console()
    async with running(app) as pilot:
        app.notify("Copied [12] cells", severity="warning")
        app.action_app_messages()
        await pilot.pause()
        assert "! Copied [12] cells" in screen_text(app)


async def test_without_colour_every_state_has_a_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = console()
    async with running(app):
        assert app.theme == "ansi-dark"
        app.context.pending.insert("companies", [{"name": "New"}])
        text = app.screen.query_one(StatusLine)
        assert "* 1 change" in text.plain
        assert "● ready" in text.plain
        assert "▌Home" in screen_text(app)


def test_the_list_of_a_menu_is_made_of_hits() -> None:
    assert issubclass(Menu, OptionList)
    assert new_context().table("companies") is None


async def test_footer_shows_no_letters_where_they_are_typed() -> None:
    app = console()
    async with running(app) as pilot:
        await pilot.press("g", "s")
        await until(pilot, lambda: app.current_mode == "sql" and app.focused is not None)
        line = app.screen.query_one(KeyFooter).plain
        assert "F5 Run" in line
        assert ": Go to" not in line
        assert "^P Search" in line


async def test_footer_offers_saving_only_when_something_is_staged() -> None:
    app = console()
    async with running(app) as pilot:
        footer = app.screen.query_one(KeyFooter)
        assert "^S" not in footer.plain
        app.context.pending.insert("companies", [{"name": "Nordlicht"}])
        await pilot.pause()
        assert "^S Save" in footer.plain


async def test_a_step_that_fails_behind_any_place_is_told() -> None:
    async def broken() -> None:
        raise KeyError("what")

    app = console()
    async with running(app) as pilot:
        for told, mode in enumerate(("home", "sql", "jobs", "tables"), start=1):
            await app.run_action(f"go_{mode}")
            await until(pilot, lambda mode=mode: app.current_mode == mode)
            app.screen.run_worker(broken(), exit_on_error=False)
            await until(pilot, lambda told=told: len(app.context.messages.messages) == told)
        assert all("KeyError" in each.text for each in app.context.messages.messages)
