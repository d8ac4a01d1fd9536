"""What was read a moment ago."""

import asyncio

import pytest

from core.remembered import Remembered


class Source:
    """Answers with how often it was asked, when it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.gate = asyncio.Event()
        self.error: Exception | None = None

    async def read(self) -> int | None:
        self.asked += 1
        answer = self.asked
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return answer


async def test_who_asks_at_the_same_time_waits_for_one_reading() -> None:
    source, remembered = Source(), Remembered[str, int](1.0, 10)
    asking = [asyncio.create_task(remembered.get("a", source.read)) for _ in range(5)]
    await asyncio.sleep(0)
    asking[0].cancel()
    source.gate.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert found[1:] == [1] * 4, "the first has gone away, and what it had begun goes on"
    assert await remembered.get("a", source.read) == 1
    assert await remembered.get("b", source.read) == 2


async def test_it_holds_for_its_time_from_before_the_reading() -> None:
    now, source = [0.0], Source()
    remembered = Remembered[str, int](1.0, 10, lambda: now[0])
    source.gate.set()

    async def slow() -> int | None:
        now[0] += 0.5
        return await source.read()

    assert await remembered.get("a", slow) == 1
    now[0] += 0.4
    assert await remembered.get("a", slow) == 1
    now[0] += 0.1
    assert await remembered.get("a", slow) == 2


async def test_what_is_forgotten_while_it_is_read_is_of_before() -> None:
    source, remembered = Source(), Remembered[str, int](1.0, 10)
    before = asyncio.create_task(remembered.get("a", source.read))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    remembered.forget()
    after = asyncio.create_task(remembered.get("a", source.read))
    await asyncio.sleep(0)
    source.gate.set()
    assert (await before, await after) == (1, 2)
    assert await remembered.get("a", source.read) == 2


async def test_neither_nothing_nor_an_error_is_remembered() -> None:
    source, remembered = Source(), Remembered[str, int](1.0, 10)
    source.gate.set()
    source.error = ValueError("not there")
    with pytest.raises(ValueError, match="not there"):
        await remembered.get("a", source.read)
    source.error = None

    async def nothing() -> int | None:
        return None

    assert await remembered.get("a", nothing) is None
    assert await remembered.get("a", source.read) == 2


async def test_no_more_than_so_many_are_kept() -> None:
    source, remembered = Source(), Remembered[str, int](1.0, 2)
    source.gate.set()
    for key in ("a", "b", "c"):
        await remembered.get(key, source.read)
    assert source.asked == 3
    await remembered.get("a", source.read)
    assert source.asked == 4
