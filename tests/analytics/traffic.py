"""Visitors of an app's pages, and what is told of them."""

from datetime import timedelta
from typing import Any

import httpx

from core.analytics.store import VISITS
from core.storage.database import Call
from tests.support.clock import MovingClock
from tests.support.server import RunningServer

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)
TOLD = "/api/analytics"


class Counted:
    """A running server that counts visits, and the clock that it goes by."""

    def __init__(self, server: RunningServer, clock: MovingClock) -> None:
        self.server = server
        self.clock = clock

    def clear(self) -> None:
        """Nobody has visited; it is another day."""
        analytics = self.server.engine.analytics
        assert analytics is not None
        analytics.collector.flush()
        self.server.engine.database.submit_write(Call(lambda tx: tx.execute(VISITS.delete()))).result()
        self.clock.now = self.clock.now.replace(hour=9, minute=0, second=0)
        self.clock.forward(days=1)

    def visit(
        self, path: str = "/", *, who: str = "203.0.113.1", agent: str = CHROME, status: int = 204, **how: Any
    ) -> httpx.Response:
        """A visit from an address. `headers` are added, everything else goes into the body."""
        headers = {"user-agent": agent, "x-forwarded-for": who, **how.pop("headers", {})}
        answer = self.server.http.post(f"{TOLD}/collect", json={"p": path, **how}, headers=headers)
        assert answer.status_code == status, answer.text
        return answer

    def ask(self, what: str, *, days: int = 0, **query: Any) -> Any:
        """What is told of today and the `days` before."""
        today = self.clock.now.date()
        time = {"from": (today - timedelta(days=days)).isoformat(), "to": today.isoformat()}
        answer = self.server.local.get(f"{TOLD}/{what}", params=time | query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def stored(self) -> list[tuple[Any, ...]]:
        """All rows, with everything that is kept of a visit."""
        self.ask("events")  # what waits is written first
        rows = self.server.engine.database.submit_read(Call(lambda reader: reader.rows(VISITS.select()))).result()
        return list(rows)
