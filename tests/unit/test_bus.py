"""The way of events to the consoles."""

import asyncio
from threading import Thread

import pytest

from core.bus import IDS_KEPT, QUEUE_LIMIT, Bus, Fallen, Told, merged
from core.contract.console import Event


def change(record: str, *, table: str = "contacts", operation: str = "create", sequence: int = 1) -> Event:
    return {
        "kind": "change",
        "table": table,
        "operation": operation,
        "ids": [record],
        "count": 1,
        "sequence": sequence,
        "actor": None,
    }


def test_changes_of_one_table_and_operation_become_one_event() -> None:
    events = [change(str(n), sequence=n) for n in range(150)]
    told = [Told(event) for event in (*events, change("x", table="deals"), change("y", operation="delete"))]
    found = [each.event for each in merged(told)]
    assert [event.get("count") for event in found] == [150, 1, 1]
    assert len(found[0]["ids"]) == IDS_KEPT
    assert found[0]["sequence"] == 149
    assert events[0]["count"] == 1, "what was published is not changed"


def test_only_the_last_state_of_a_job_is_sent() -> None:
    running: Event = {"kind": "job", "job": {"id": "job_1", "state": "running"}}  # type: ignore[typeddict-item]
    done: Event = {"kind": "job", "job": {"id": "job_1", "state": "done"}}  # type: ignore[typeddict-item]
    news: Event = {"kind": "schema", "version": 2}
    assert [each.event for each in merged(map(Told, (running, news, done)))] == [done, news]


async def test_events_of_other_threads_reach_every_listener() -> None:
    bus = Bus()
    first, second = bus.listen(), bus.listen()
    thread = Thread(target=lambda: [bus.publish(change(str(n))) for n in range(10)])
    thread.start()
    thread.join()
    for listener in (first, second):
        told = await listener.next(5)
        assert told is not None
        assert told.event["count"] == 10


async def test_a_listener_that_falls_behind_is_dropped_and_others_are_not() -> None:
    bus = Bus()
    slow = bus.listen()
    for number in range(QUEUE_LIMIT + 5):
        slow.put(Told({"kind": "schema", "version": number}))
    for _ in range(QUEUE_LIMIT):
        assert await slow.next(1) is not None
    with pytest.raises(Fallen):
        await slow.next(1)


async def test_what_waits_for_a_listener_that_takes_its_time_comes_together() -> None:
    """A-202: who sees some rows only takes a look at the database for each event."""
    listener = Bus().listen()
    for number in range(QUEUE_LIMIT):
        listener.put(Told(change(str(number))))
    told = await listener.next(1)
    assert told is not None
    assert told.event["count"] == QUEUE_LIMIT
    assert await listener.next(0.01) is None


async def test_the_number_of_listeners_is_told() -> None:
    bus, counts = Bus(), []
    bus.on_count = counts.append
    first, second = bus.listen(), bus.listen()
    first.close()
    first.close()
    second.close()
    assert counts == [1, 2, 1, 0]


async def test_closing_ends_every_stream_after_a_farewell() -> None:
    bus = Bus()
    listener = bus.listen()
    bus.publish(change("1"))
    bus.close()
    for kind in ("change", "server"):
        told = await listener.next(1)
        assert told is not None
        assert told.event["kind"] == kind
    with pytest.raises(Fallen):
        await listener.next(1)


async def test_silence_is_told_apart_from_the_end() -> None:
    listener = Bus().listen()
    assert await listener.next(0.01) is None


async def test_publishing_without_listeners_keeps_nothing() -> None:
    bus = Bus()
    bus.publish(change("1"))
    listener = bus.listen()
    await asyncio.sleep(0)
    assert await listener.next(0.05) is None
