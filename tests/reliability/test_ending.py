"""A server that is told to end does so, whatever its database does."""

import asyncio
import logging
from threading import Event

import pytest

from core.errors import StorageError
from sovrium_tui.process.ending import close_or_leave


async def test_a_database_that_does_not_close_keeps_no_process(caplog: pytest.LogCaptureFixture) -> None:
    let_go, left = Event(), []
    with caplog.at_level(logging.ERROR):
        await close_or_leave(let_go.wait, seconds=0.01, leave=left.append)
    let_go.set()
    await asyncio.sleep(0)
    assert left == [1]
    assert "did not close within" in caplog.text


async def test_one_that_closes_is_waited_for() -> None:
    left: list[int] = []
    closed = Event()
    await close_or_leave(closed.set, leave=left.append)
    assert (closed.is_set(), left) == (True, [])

    def fails() -> None:
        raise StorageError("The disk is gone")

    with pytest.raises(StorageError, match="disk"):
        await close_or_leave(fails, leave=left.append)
