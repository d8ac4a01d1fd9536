"""The mails of an app with accounts, as those who get them see them."""

import re

from core.messaging.queue import OUTBOX, Entry
from core.storage.catalog import table_names
from tests.support.accounts import Desk


class Mailbox:
    """What has been sent since it was made, of everybody."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.clear()

    def clear(self) -> None:
        self._desk.write(lambda tx: tx.execute(OUTBOX.delete()) if OUTBOX.name in table_names(tx) else None)

    def all(self) -> list[Entry]:
        """The oldest first."""
        server = self._desk.server
        assert server.engine.auth is not None
        return list(reversed(server.call_in_loop(server.engine.auth.context.post.outbox(limit=200))))

    def told(self) -> list[tuple[str, str]]:
        """Templates and recipients, without `@example.org`."""
        return [(each.template, each.to.removesuffix("@example.org")) for each in self.all()]

    def link(self, template: str, to: str) -> str:
        """The address, from the path on, that the newest mail of a template to somebody holds."""
        mail = [each for each in self.all() if each.template == template and each.to == f"{to}@example.org"][-1]
        assert mail.content is not None
        found = re.search(r"https?://[^/\s]+(/\S*)", mail.content.text)
        assert found is not None, mail.content.text
        return found[1]
