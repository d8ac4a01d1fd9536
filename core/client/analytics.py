"""What the visits of the app's pages add up to. Times are days of UTC, or instants; both ends of days are included."""

from typing import Any, Protocol, cast

from core.client.administration import Asker, asked
from core.contract.analytics import (
    Campaigns,
    Devices,
    Granularity,
    Referrers,
    TrafficOverview,
    VisitedPages,
    VisitEvents,
)

PATH = "/api/analytics"


class AnalyticsPort(Protocol):
    """What administrators may ask; to others all of it is unknown (NotFound)."""

    async def overview(self, since: str, until: str, granularity: Granularity) -> TrafficOverview: ...
    async def pages(self, since: str, until: str) -> VisitedPages: ...
    async def referrers(self, since: str, until: str) -> Referrers: ...
    async def devices(self, since: str, until: str) -> Devices: ...
    async def campaigns(self, since: str, until: str) -> Campaigns: ...
    async def events(self, since: str, until: str) -> VisitEvents: ...


class Analytics:
    """`AnalyticsPort` over a client."""

    def __init__(self, client: Asker) -> None:
        self._client = client

    async def overview(self, since: str, until: str, granularity: Granularity) -> TrafficOverview:
        return cast(TrafficOverview, await self._ask("overview", since, until, granularity=granularity))

    async def pages(self, since: str, until: str) -> VisitedPages:
        return cast(VisitedPages, await self._ask("pages", since, until))

    async def referrers(self, since: str, until: str) -> Referrers:
        return cast(Referrers, await self._ask("referrers", since, until))

    async def devices(self, since: str, until: str) -> Devices:
        return cast(Devices, await self._ask("devices", since, until))

    async def campaigns(self, since: str, until: str) -> Campaigns:
        return cast(Campaigns, await self._ask("campaigns", since, until))

    async def events(self, since: str, until: str) -> VisitEvents:
        return cast(VisitEvents, await self._ask("events", since, until))

    async def _ask(self, what: str, since: str, until: str, **query: str) -> Any:
        return await self._client.request("GET", asked(f"{PATH}/{what}", {"from": since, "to": until, **query}))
