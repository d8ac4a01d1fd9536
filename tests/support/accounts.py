"""People of an app with accounts: each has a client of their own, so cookies do not mix."""

from typing import Any

import httpx

from core.audit.log import AUDIT
from core.auth.store import ACCOUNTS, TABLES
from core.storage.database import Call
from tests.support.server import RunningServer

PASSWORD = "a quiet harbour at dawn"
DESK = """
name: desk
auth:
  strategies: [{type: emailAndPassword}]
  roles:
    - {name: editor, description: Writes, level: 30}
    - {name: moderator, level: 20}
  groups: [{name: finance, maxMembers: 1}]
tables:
  - name: notes
    fields:
      - {name: text, type: single-line-text}
      - {name: owner, type: single-line-text}
    permissions: {read: authenticated, create: authenticated, update: [editor], delete: [admin]}
"""


class Desk:
    """A running server with accounts. `guest` has no session."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self._clients: list[httpx.Client] = []
        self.guest = self.client()

    def client(self, **headers: str) -> httpx.Client:
        """Another browser, on a page of the server's own."""
        client = httpx.Client(
            base_url=self.server.url, timeout=30, verify=False, headers={"origin": self.server.url, **headers}
        )
        self._clients.append(client)
        return client

    def clear(self) -> None:
        """Nobody is there, nothing has happened."""

        def work(tx: Any) -> None:
            for table in (*TABLES, AUDIT):
                tx.execute(table.delete())

        self.server.empty()
        self.write(work)

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def sign_up(self, name: str = "ana", *, roles: tuple[str, ...] = (), password: str = PASSWORD) -> "Visitor":
        """An account `name@example.org` with a session; `roles` are given to it behind the doors."""
        client = self.client()
        body = {"name": name.title(), "email": f"{name}@example.org", "password": password}
        answer = client.post("/api/auth/sign-up/email", json=body)
        assert answer.status_code == 200, answer.text
        visitor = Visitor(client, answer.json())
        if roles:
            self.give(visitor.id, *roles)
        return visitor

    def sign_in(self, name: str = "ana", *, password: str = PASSWORD) -> "Visitor":
        client = self.client()
        answer = client.post("/api/auth/sign-in/email", json={"email": f"{name}@example.org", "password": password})
        assert answer.status_code == 200, answer.text
        return Visitor(client, answer.json())

    def give(self, user: str, *roles: str) -> None:
        """Set the roles of an account, as an admin would."""
        statement = ACCOUNTS.update().where(ACCOUNTS.c.id == user).values(roles=list(roles))
        self.write(lambda tx: tx.execute(statement))

    def write(self, work: Any) -> Any:
        """Do something behind the doors."""
        engine = self.server.engine
        result = engine.database.submit_write(Call(work)).result()
        assert engine.auth is not None
        engine.auth.sessions.forget()
        return result

    def read(self, work: Any) -> Any:
        return self.server.engine.database.submit_read(Call(work)).result()

    def audited(self) -> list[str]:
        """The actions in the audit log, in order."""
        return [
            row[0]
            for row in self.read(lambda reader: reader.rows("SELECT action FROM auth_audit_log ORDER BY sequence"))
        ]


class Visitor:
    """Somebody with a session: `client` carries its cookie, `token` is its secret."""

    def __init__(self, client: httpx.Client, answer: dict[str, Any]) -> None:
        self.client = client
        self.token: str = answer["token"]
        self.user: dict[str, Any] = answer["user"]
        self.id: str = self.user["id"]

    def get(self, path: str, **how: Any) -> httpx.Response:
        return self.client.get(path, **how)

    def post(self, path: str, body: Any = None, **how: Any) -> httpx.Response:
        return self.client.post(path, json={} if body is None else body, **how)
