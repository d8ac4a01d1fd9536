"""What happened to a table since its view was read. Rows keep their places until they are asked for anew."""

from collections.abc import Iterable

from core.contract.console import Event

LEAVE = ("delete", "permanent-delete")


class News:
    """Rows that came and rows that went, by the doing of others; what was saved here is no news."""

    def __init__(self) -> None:
        self.came = self.went = 0
        self._own: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self.came or self.went)

    def own(self, keys: Iterable[str]) -> None:
        """These rows were just saved here: their events are still to come, or came already."""
        self._own = set(keys)

    def is_own(self, event: Event) -> bool:
        """Whether an event tells only what was saved here."""
        ids = {str(identity) for identity in event.get("ids", ())}
        return len(ids) == event.get("count", len(ids)) and ids <= self._own

    def add(self, event: Event, *, trash: bool) -> None:
        """Count an event that is not an update. trash: deleted rows are what is looked at."""
        operation, count = event.get("operation", ""), event.get("count", len(event.get("ids", ())))
        if operation.startswith("comment-"):
            return  # what is said about a row moves none
        if (operation in LEAVE) == trash and operation != "permanent-delete":
            self.came += count
        else:
            self.went += count

    def seen(self) -> None:
        """Everything is shown now."""
        self.came = self.went = 0
