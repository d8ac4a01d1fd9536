"""What every screen is given: the way to the engine and the services of the console. Made once by the app."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from core.client import Port
from core.contract.console import Event, Schema
from core.contract.server import Hello
from core.contract.tables import FieldInfo, TableInfo
from screens.presenters.acting import Acting
from screens.presenters.connection import Connection, Keeper, NoKeeper
from screens.presenters.message_log import MessageLog
from screens.presenters.place import Place
from screens.presenters.signal import Signal
from screens.presenters.waiting import Waiting
from screens.services.keymap import Keymap

if TYPE_CHECKING:
    from screens.presenters.job_center import JobCenter
    from screens.presenters.pending import PendingChanges
    from screens.presenters.place import PlaceHistory
    from screens.services.clipboard import Clipboard
    from screens.services.session import SessionStore


@dataclass
class Context:
    """`port`, `hello`, `schema` are None until the server answers; `connected` tells when, and after each reconnection."""

    pending: PendingChanges
    places: PlaceHistory
    jobs: JobCenter
    clipboard: Clipboard
    session: SessionStore
    port: Port | None = None
    hello: Hello | None = None
    schema: Schema | None = None
    connected: Signal[bool] = field(default_factory=Signal)
    """True: `port` and `schema` are ready to use. False: the server is gone; stale data stays on screen."""
    schema_changed: Signal[Schema] = field(default_factory=Signal)
    events: Signal[Event] = field(default_factory=Signal)
    navigate: Signal[Place] = field(default_factory=Signal)
    """Heard by the app: show a place. Say `go`, which remembers it too."""
    connection: Connection = field(default_factory=Connection)
    keeper: Keeper = field(default_factory=NoKeeper)
    """Remembers the session at the server."""
    messages: MessageLog = field(default_factory=MessageLog)
    waiting: Waiting = field(default_factory=Waiting)
    keymap: Keymap = field(default_factory=Keymap)
    read_only: bool = False
    """The console was opened to look: the port refuses what would write, keys that would say so."""

    switched: Signal[None] = field(default_factory=Signal)
    """The caller is somebody else from now on: what was read before is not for them (A-271)."""
    _leaving: asyncio.Future[None] | None = None

    def act_as(self, name: str, token: str, until: str) -> None:
        """Ask everything as somebody else, until then or until `be_oneself`."""
        self._switch(Acting(name, token, datetime.fromisoformat(until)))

    def be_oneself(self) -> None:
        self._switch(None)

    def _switch(self, acting: Acting | None) -> None:
        """Leave the connection; the next one is asked as the other."""
        port, self.port, self.schema = self.port, None, None
        self.connection.acting = acting
        self.switched.publish(None)
        if port is not None:
            self._leaving = asyncio.ensure_future(port.close())

    def go(self, place: Place) -> None:
        """Go to a place and remember it for the way back. `state` of a place in `tables`: `table` (SQL name), `key`."""
        self.places.visit(place)
        self.navigate.publish(place)

    hold_keys: Callable[..., AbstractAsyncContextManager[None]] = nullcontext
    """While this is open, keys wait: `async with context.hold_keys(): …` around what they are meant for (an editor that
    is about to open). `hold_keys(give_up)`: Esc does not wait, but calls that. Set by the app."""

    bring_back_until: float = 0.0
    """Until when (monotonic seconds) undo brings back what was deleted, without staging."""

    def table(self, name: str) -> TableInfo | None:
        """A table of the schema by its SQL name or id."""
        if self.schema is None:
            return None
        return next((t for t in self.schema["tables"] if name in (t["sqlName"], t["id"])), None)

    def related(self, field: FieldInfo) -> TableInfo | None:
        """The table that a link field points into."""
        wanted, schema = str(field["options"].get("relatedTable", "")), self.schema
        tables = schema["tables"] if schema is not None and wanted else []
        return next((t for t in tables if wanted in (t["name"], t["sqlName"], t["id"])), None)
