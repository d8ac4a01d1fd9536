"""Answers whose time tells nothing (auth §17.3, T3): what is done for an account, and what for none, takes equally long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

LEAST_SECONDS = 0.1
"""Well above what the work takes, so that its small differences are within it."""


@asynccontextmanager
async def neutrally(*, wanted: bool = True) -> AsyncIterator[None]:
    """What is within ends after `LEAST_SECONDS` at the earliest, however it ends. Other requests are answered meanwhile."""
    begun = asyncio.get_running_loop().time()
    try:
        yield
    finally:
        if wanted:
            await asyncio.sleep(begun + LEAST_SECONDS - asyncio.get_running_loop().time())
