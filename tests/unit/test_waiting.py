"""What the console waits for is told after a moment, and taken away when it has come."""

import asyncio

import pytest

from screens.presenters import waiting
from screens.presenters.waiting import Waiting


async def test_only_what_takes_longer_than_a_moment_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    something, wait = asyncio.Event(), Waiting()

    def hear(text: str) -> None:
        told.append(text)
        something.set()

    wait.changed.listen(hear)
    with wait.tell("short"):
        pass
    monkeypatch.setattr(waiting, "MOMENT", 0)
    with wait.tell("saving"), wait.tell("one moment"):
        await something.wait()
        assert told == ["saving"]
    assert told == ["saving", ""]
