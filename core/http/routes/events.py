"""`/api/console/events`: what happens on the server, as server-sent events. An open stream is a console's lease."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import ExitStack
from functools import partial
from time import monotonic

import orjson

from core.bus import IDS_KEPT, Bus, Fallen, Listener, Told
from core.contract.console import Event
from core.http.answer import Answer, Stream
from core.http.call import Call
from core.http.limit import caller_of
from core.http.route import RouteFamily
from core.http.session import renewed
from core.principal import Principal
from core.records.service import Records

PING_SECONDS = 10.0
GOING = ("delete", "permanent-delete")
LOOK_SECONDS = 1.0
"""How soon a stream notices that the session behind it may have ended: most accounts change while nothing else happens."""

routes = RouteFamily("console")


Heard = Callable[[Told], Awaitable[Sequence[Event]]]
"""What of an event its listener may hear."""


@routes.add(
    "GET",
    "/api/console/events",
    answers={200: Event},
    answer_kinds=("text/event-stream",),
    errors=(429,),
    counter=None,
)
async def events(call: Call) -> Answer:
    """Events as they happen, with a ping every ten seconds."""
    return open_stream(call, None if call.principal.is_unrestricted else partial(heard, call))


def open_stream(call: Call, hear: Heard | None) -> Stream:
    """What `hear` leaves of all events (None: everything), for as long as the caller may listen. Raises TooManyStreams."""
    kind = [(b"content-type", b"text/event-stream")]
    if call.principal.is_unrestricted:
        return Stream(stream(call.engine.bus, hear), kind)
    opened = ExitStack()
    if call.app.limiter is not None:
        opened.enter_context(call.app.limiter.stream(caller_of(call.principal, lambda: call.app.address(call.scope))))
    return Stream(stream(call.engine.bus, hear, opened, partial(look, call), partial(changes_of, call)), kind)


async def stream(
    bus: Bus,
    hear: Heard | None = None,
    opened: ExitStack | None = None,
    look: Callable[[], Awaitable[Sequence[Event] | None]] | None = None,
    changes: Callable[[], int] | None = None,
) -> AsyncGenerator[bytes]:
    """`opened` is closed with the stream, which ends once `look` says None of the listener (A-070): that is asked with every
    event, and when `changes`, a count of those of accounts, has gone on."""
    with opened or ExitStack():
        listener = bus.listen()
        try:
            seen = changes() if changes is not None else 0
            yield as_event({"kind": "ping"})
            while True:
                try:
                    told = await (listener.next(PING_SECONDS) if changes is None else next_of(listener, changes, seen))
                except Fallen:
                    return
                seen = changes() if changes is not None else 0
                if look is not None:
                    if (news := await look()) is None:
                        return
                    for event in news:
                        yield as_event(event)
                if told is None:
                    yield as_event({"kind": "ping"})
                    continue
                for event in (told.event,) if hear is None else await hear(told):
                    yield as_event(event)
        finally:
            listener.close()


async def next_of(listener: Listener, changes: Callable[[], int], seen: int) -> Told | None:
    """The next event; None when it is time for a ping, or when there are more changes than were seen. Raises Fallen."""
    end = monotonic() + PING_SECONDS
    while (left := end - monotonic()) > 0 and changes() == seen:
        if (told := await listener.next(min(left, LOOK_SECONDS))) is not None:
            return told
    return None


async def look(call: Call) -> Sequence[Event] | None:
    """None once the session or key that opened the stream has ended. Where the caller may by now do other things than before
    (A-034), that what it sees is to be read anew."""
    before, now = call.principal, await renewed(call)
    if now is None:
        return None
    call.principal = now
    if now.has_rights_of(before):
        return ()
    return ({"kind": "schema", "version": (call.app.engine or call.engine).schema_version, "state": "rights"},)


def changes_of(call: Call) -> int:
    """How often accounts have changed."""
    auth = (call.app.engine or call.engine).auth
    return 0 if auth is None else auth.sessions.generation


async def heard(call: Call, told: Told) -> Sequence[Event]:
    """Changes of rows that the caller may see, its own views and jobs, and what concerns everybody (P-025)."""
    engine, event = call.app.engine or call.engine, told.event
    if event["kind"] == "change":
        own = await heard_change(engine.records, call.principal, told)
        return [*own, *heard_elsewhere(engine.records, call.principal, told, seen=bool(own))]
    if event.get("state") == "refused" and not engine.records.access.sees_all(call.principal):
        return ()  # what is wrong with the app file tells what it holds, and where it lies
    if "view" in event:
        return (event,) if engine.views.is_of(event["view"]["id"], call.principal) else ()
    if "job" in event:
        return (event,) if engine.jobs.is_of(event["job"]["id"], call.principal) else ()
    return (event,)


async def heard_of(call: Call, table: str, told: Told) -> Sequence[Event]:
    """Changes of one table's rows, by its SQL name."""
    if told.event["kind"] != "change":
        return ()
    return [each for each in await heard(call, told) if each.get("table") == table]


async def heard_change(records: Records, principal: Principal, told: Told) -> Sequence[Event]:
    """Rows that the caller saw and sees are told as they were changed, rows that it sees from now on as new ones, and of
    rows that it does not see any more nothing but that they are gone (A-202)."""
    event = told.event
    table = records.model.enabled.get(event.get("table", ""))
    if table is None or not records.access.table(principal, table).may("read"):
        return ()
    if not records.access.table(principal, table).has_rows("read"):
        return (event,)
    operation = event["operation"]
    found = await records.crossing(principal, table, operation, told.commits)
    if found is None:
        return (read_again(event),)
    if operation in GOING:
        return parts_of(event, (operation, [*found.came, *found.stayed, *found.left]))
    arrival = "create" if operation in ("update", "sql") else operation
    here = parts_of(event, (arrival, found.came), (operation, found.stayed))
    return [*here, *parts_of({**event, "actor": None}, ("delete", found.left))]


def heard_elsewhere(records: Records, principal: Principal, told: Told, *, seen: bool) -> Sequence[Event]:
    """Where what the caller sees of other tables hangs on what has changed: that there may be other rows (A-202)."""
    event = told.event
    names = records.elsewhere(principal, event.get("table", ""), event.get("operation", ""), told.commits, seen=seen)
    return [read_again({**event, "table": name, "operation": "update"}) for name in names]


def read_again(event: Event) -> Event:
    """An event that names neither rows nor who changed them: its listener reads again what it sees."""
    return {**event, "actor": None, "ids": [], "count": 0}


def parts_of(event: Event, *parts: tuple[str, Sequence[str]]) -> list[Event]:
    """The event of each operation with its records, where it has any."""
    return [
        {**event, "operation": operation, "ids": list(ids[:IDS_KEPT]), "count": len(ids)}
        for operation, ids in parts
        if ids
    ]


def as_event(event: Event) -> bytes:
    return b"data: " + orjson.dumps(event) + b"\n\n"
