"""`/api/console/events`: what happens on the server, as server-sent events. An open stream is a console's lease."""

from collections.abc import AsyncGenerator

import orjson

from core.bus import Bus, Fallen
from core.contract.console import Event
from core.http.answer import Answer, Stream
from core.http.call import Call
from core.http.route import RouteFamily

PING_SECONDS = 10.0

routes = RouteFamily("console")


@routes.add("GET", "/api/console/events", answers={200: Event}, answer_kinds=("text/event-stream",))
async def events(call: Call) -> Answer:
    """Events as they happen, with a ping every ten seconds."""
    return Stream(stream(call.engine.bus), [(b"content-type", b"text/event-stream")])


async def stream(bus: Bus) -> AsyncGenerator[bytes]:
    listener = bus.listen()
    try:
        yield as_event({"kind": "ping"})
        while True:
            try:
                event = await listener.next(PING_SECONDS)
            except Fallen:
                return
            yield as_event(event or {"kind": "ping"})
    finally:
        listener.close()


def as_event(event: Event) -> bytes:
    return b"data: " + orjson.dumps(event) + b"\n\n"
