"""Keys in, records out: a small YAML file drives the console over a real server, and the database must be as it says.

given: records by table. A value `@table.label` is the id of the record whose first text is that label. keys: names of
keys; `"text: …"` types, `"paste: …"` pastes, `"api: METHOD path json"` is what somebody else does meanwhile, `away` and
`back` cut and mend the connection. expect: all records of a table by id, only the fields that are named; links by label.
staged: what is still pending. shows: texts on the screen at the end.
"""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from textual import events
from textual.pilot import Pilot

from core.client import Client, ServerGone
from screens.services.text import t
from screens.tables import TablesScreen
from screens.widgets.editors.link import LinkEditor
from sovrium_tui.console import ConsoleApp
from tests.support.console import running, screen_text, until
from tests.support.server import RunningServer

STILL = 2
"""Looks in a row that must find nothing on its way."""
NAMES = {" ": "space", "\n": "enter"}


class Counted:
    """A client that knows how many answers it waits for, and that can be cut off."""

    def __init__(self, server: RunningServer) -> None:
        self.client = Client(server.socket)
        self.waiting = 0
        self.cut = False
        self.swallow = False
        """The next commit reaches the server, and its answer is lost."""
        self._lost = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.client, name)
        if name == "events":
            return self._events
        if not asyncio.iscoroutinefunction(method):
            return method

        async def call(*args: Any, **named: Any) -> Any:
            if self.cut:
                raise ServerGone("The server is gone")
            self.waiting += 1
            try:
                answer = await method(*args, **named)
            finally:
                self.waiting -= 1
            if name == "commit" and self.swallow and not args[0].get("dryRun"):
                self.swallow = False
                self.lose()
                raise ServerGone("The answer never came")
            return answer

        return call

    async def _events(self) -> Any:
        stream = self.client.events()
        lost = asyncio.ensure_future(self._lost.wait())
        coming: asyncio.Future[Any] = lost
        try:
            while True:
                coming = asyncio.ensure_future(anext(stream))
                await asyncio.wait({coming, lost}, return_when=asyncio.FIRST_COMPLETED)
                if lost.done():
                    raise ServerGone("The server is gone")
                yield coming.result()
        finally:
            coming.cancel()
            lost.cancel()
            await asyncio.gather(coming, lost, return_exceptions=True)
            await stream.aclose()

    def lose(self) -> None:
        self.cut = True
        self._lost.set()

    def mend(self) -> None:
        self.cut = False
        self._lost = asyncio.Event()


class Replay:
    """One file at work."""

    def __init__(self, script: Path, server: RunningServer, make: Callable[[Any], ConsoleApp]) -> None:
        self.script: dict[str, Any] = yaml.safe_load(script.read_text(encoding="utf-8"))
        self.server = server
        self.make = make
        self.ids: dict[str, str] = {}

    async def run(self) -> None:
        """Prepare, press, compare."""
        self._give()
        self.port = Counted(self.server)
        self.app = self.make(self.port)
        size = tuple(self.script.get("size", (120, 40)))
        async with running(self.app, size) as pilot:
            await self._open(pilot, self.script["table"])
            for key in self.script["keys"]:
                await self._press(pilot, str(key))
                await self.settle(pilot)
            self._compare()

    def _give(self) -> None:
        for table, records in self.script.get("given", {}).items():
            for fields in records:
                filled = {name: self._id(value) for name, value in fields.items()}
                made = self.server.local.post(f"/api/tables/{table}/records", json={"fields": filled})
                assert made.status_code == 201, made.text
                label = next(value for value in fields.values() if isinstance(value, str))
                self.ids[f"@{table}.{label}"] = str(made.json()["id"])

    def _id(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._id(each) for each in value]
        return self.ids.get(value, value) if isinstance(value, str) else value

    async def _open(self, pilot: Pilot[int], table: str) -> None:
        await pilot.press("g", "t")
        await until(pilot, lambda: isinstance(self.app.screen, TablesScreen))
        screen = self.app.screen
        assert isinstance(screen, TablesScreen)
        await until(pilot, lambda: screen.pane.model is not None and screen.pane.model.view is not None)
        info = self.app.context.table(table)
        assert info is not None
        await screen.pane.open_table(info)
        await until(pilot, lambda: screen.pane.model is not None and screen.pane.model.view is not None)
        assert screen.pane.grid is not None
        screen.pane.grid.focus()
        await self.settle(pilot)

    async def _press(self, pilot: Pilot[int], key: str) -> None:
        word, _, rest = key.partition(": ")
        if word == "text":
            await pilot.press(*(NAMES.get(c, c) for c in rest))
        elif word == "paste":
            assert self.app.focused is not None
            self.app.focused.post_message(events.Paste(rest))
        elif word == "api":
            method, path, body = rest.split(" ", 2)
            for label, identity in self.ids.items():
                path = path.replace(label, identity)
            answer = await asyncio.to_thread(self.server.local.request, method, path, json=json.loads(body))
            assert answer.status_code < 300, answer.text
        elif key == "away":
            self.port.lose()
            await until(pilot, lambda: self.app.context.port is None)
        elif key == "back":
            self.port.mend()
            self.app.context.connection.retry()
            await until(pilot, lambda: self.app.context.port is not None)
        elif key == "swallow":
            self.port.swallow = True
        else:
            await pilot.press(key)

    async def settle(self, pilot: Pilot[int]) -> None:
        """Wait until nothing is on its way."""
        still = 0
        for _ in range(500):
            await pilot.pause(0.01)
            model = self.app.screen_stack[0].pane.model if isinstance(self.app.screen_stack[0], TablesScreen) else None
            busy = self.port.waiting or (model is not None and model.loading and not self.port.cut)
            busy = busy or any(editor.searching for editor in self.app.screen.query(LinkEditor))
            still = 0 if busy else still + 1
            if still >= STILL:
                return
        raise AssertionError(f"it never came to rest\n{screen_text(self.app)}")

    def _compare(self) -> None:
        screen = screen_text(self.app)
        defects = [message.text for message in self.app.context.messages.messages if message.title == t("defect.title")]
        assert not defects, screen
        answers = {}
        for table in self.script.get("expect", {}):
            answer = self.server.local.get(f"/api/tables/{table}/records", params={"sort": "id:asc", "limit": 100})
            assert answer.status_code == 200, answer.text
            answers[table] = answer.json()["records"]
        labels = {(table, str(r["id"])): r["fields"].get("name") for table, found in answers.items() for r in found}
        labels |= {(key.split(".")[0][1:], identity): key.split(".", 1)[1] for key, identity in self.ids.items()}

        def labelled(table: str, value: Any) -> Any:
            if isinstance(value, list) and table != "None":
                return [labelled(table, each) for each in value]
            return labels.get((table, str(value)), value)

        for table, wanted in self.script.get("expect", {}).items():
            records = [record["fields"] for record in answers[table]]
            links = {f["name"]: f["options"].get("relatedTable") for f in self.app.context.table(table)["fields"]}  # type: ignore[index]
            found = []
            for number, record in enumerate(records):
                names = wanted[number].keys() if number < len(wanted) else record.keys()
                found.append({n: labelled(str(links.get(n)), record.get(n)) for n in names})
            told = [message.text for message in self.app.context.messages.messages]
            assert found == wanted, (screen, told)
        pending = self.app.context.pending
        assert pending.count() == self.script.get("staged", 0), screen
        for text in self.script.get("shows", ()):
            assert text in screen, screen
