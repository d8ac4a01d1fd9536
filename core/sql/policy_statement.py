"""Statements about row policies: `CREATE`, `ALTER` and `DROP POLICY`, `ALTER TABLE … ROW LEVEL SECURITY`. They change the
app file, where policies stand, and not the database.
"""

from collections.abc import Sequence
from typing import Any

from core.errors import BadRequest, Conflict
from core.fields.model import AppModel
from core.schema.edit import Change
from core.schema.model import TableSpec
from core.sentence import say
from core.sql.statement import Statement
from core.sql.token import Token

_ACTIONS = frozenset({"ALL", "SELECT", "INSERT", "UPDATE", "DELETE"})
_SWITCHES = {
    ("ENABLE",): ("enabled", True),
    ("DISABLE",): ("enabled", False),
    ("FORCE",): ("force", True),
    ("NO", "FORCE"): ("force", False),
}


def is_about_policies(statement: Statement) -> bool:
    words = [token.text for token in statement.tokens if token.kind == "word"]
    if words[:1] == ["ALTER"] and words[1:2] == ["TABLE"]:
        return words[-3:] == ["ROW", "LEVEL", "SECURITY"]
    return words[:1] in (["CREATE"], ["ALTER"], ["DROP"]) and words[1:2] == ["POLICY"]


def changes_of(statement: Statement, model: AppModel) -> list[Change]:
    """What the statement changes in the app file. Raises BadRequest, Conflict."""
    return _Reader(statement, model).changes()


class _Reader:
    def __init__(self, statement: Statement, model: AppModel) -> None:
        self._text = statement.text
        self._offset = statement.start
        self._tokens = statement.tokens
        self._at = 0
        self._model = model

    def changes(self) -> list[Change]:
        verb, what = self._next(), self._next()
        if what == "TABLE":
            return self._switch()
        if verb == "DROP":
            return self._drop()
        return self._create() if verb == "CREATE" else self._alter()

    # The statements.

    def _create(self) -> list[Change]:
        name, (place, table) = self._name(), self._on()
        if any(each.name == name for each in (table.rls.policies if table.rls else ())):
            raise Conflict(say("There is a policy named {name} on {table} already", name=name, table=table.sql_name))
        policy: dict[str, Any] = {"name": name, **self._clauses(("AS", "FOR", "TO", "USING", "WITH"))}
        path = ["tables", place, "rls"]
        if table.rls is None:
            # As in PostgreSQL: a policy is in force when row level security is switched on.
            return [{"op": "set", "path": path, "value": {"enabled": False, "policies": [policy]}}]
        if not table.rls.policies:
            return [{"op": "set", "path": [*path, "policies"], "value": [policy]}]
        return [{"op": "insert", "path": [*path, "policies"], "value": policy}]

    def _alter(self) -> list[Change]:
        name, (place, table) = self._name(), self._on()
        path = self._policy(place, table, name)
        if self._peek() == "RENAME":
            self._expect("RENAME", "TO")
            wanted = self._name()
            self._end()
            return [{"op": "set", "path": [*path, "name"], "value": wanted}]
        clauses = self._clauses(("TO", "USING", "WITH"))
        return [{"op": "set", "path": [*path, key], "value": value} for key, value in clauses.items()]

    def _drop(self) -> list[Change]:
        lenient = self._peek() == "IF"
        if lenient:
            self._expect("IF", "EXISTS")
        name, (place, table) = self._name(), self._on()
        self._end()
        policies = table.rls.policies if table.rls else ()
        if lenient and all(each.name != name for each in policies):
            return []
        path = self._policy(place, table, name)
        if len(policies) == 1:
            return [{"op": "set", "path": path[:-1], "value": []}]
        return [{"op": "remove", "path": path}]

    def _switch(self) -> list[Change]:
        if self._peek() == "IF":
            self._expect("IF", "EXISTS")
        if self._peek() == "ONLY":
            self._next()
        place, table = self._table()
        words: list[str] = []
        while self._peek() not in ("ROW", None):
            words.append(self._next())
        self._expect("ROW", "LEVEL", "SECURITY")
        self._end()
        found = _SWITCHES.get(tuple(words))
        if found is None:
            raise self._unread()
        key, value = found
        path: list[Any] = ["tables", place, "rls"]
        if table.rls is None:
            return [{"op": "set", "path": path, "value": {"enabled": False, key: value}}]
        return [{"op": "set", "path": [*path, key], "value": value}]

    # Their parts.

    def _clauses(self, known: Sequence[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while (word := self._peek()) is not None:
            if word not in known:
                raise self._unread()
            self._next()
            match word:
                case "AS":
                    found["as"] = self._one_of(frozenset({"PERMISSIVE", "RESTRICTIVE"})).lower()
                case "FOR":
                    found["for"] = self._one_of(_ACTIONS).lower()
                case "TO":
                    found["to"] = self._roles()
                case "USING":
                    found["using"] = self._expression()
                case _:
                    self._expect("CHECK")
                    found["check"] = self._expression()
        return found

    def _roles(self) -> list[str]:
        roles = [self._name()]
        while self._peek() == ",":
            self._next()
            roles.append(self._name())
        return roles

    def _expression(self) -> str:
        """What stands in brackets, as it is written."""
        if self._peek() != "(":
            raise self._unread()
        begin = self._tokens[self._at]
        depth = 0
        for place in range(self._at, len(self._tokens)):
            token = self._tokens[place]
            if token.kind == "mark":
                depth += {"(": 1, ")": -1}.get(token.text, 0)
            if depth == 0:
                self._at = place + 1
                return self._text[begin.end - self._offset : token.start - self._offset].strip()
        raise self._unread()

    def _policy(self, place: int, table: TableSpec, name: str) -> list[Any]:
        for number, each in enumerate(table.rls.policies if table.rls else ()):
            if each.name == name:
                return ["tables", place, "rls", "policies", number]
        raise BadRequest(say("There is no policy named {name} on {table}", name=name, table=table.sql_name))

    def _on(self) -> tuple[int, TableSpec]:
        self._expect("ON")
        return self._table()

    def _table(self) -> tuple[int, TableSpec]:
        name = self._name()
        if self._peek() == ".":
            self._next()
            name = self._name()
        for place, table in enumerate(self._model.app.tables):
            if name.lower() in (table.sql_name.lower(), table.name.lower()):
                return place, table
        raise BadRequest(say("The app file has no table {name}", name=name))

    def _name(self) -> str:
        if self._at >= len(self._tokens) or not self._tokens[self._at].is_name:
            raise self._unread()
        token: Token = self._tokens[self._at]
        self._at += 1
        return token.text.lower() if token.kind == "word" else token.text

    def _one_of(self, known: frozenset[str]) -> str:
        word = self._next()
        if word not in known:
            raise self._unread()
        return word

    def _expect(self, *words: str) -> None:
        for word in words:
            if self._next() != word:
                raise self._unread()

    def _peek(self) -> str | None:
        return self._tokens[self._at].text if self._at < len(self._tokens) else None

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise self._unread()
        self._at += 1
        return self._tokens[self._at - 1].text

    def _end(self) -> None:
        if self._at < len(self._tokens):
            raise self._unread()

    @staticmethod
    def _unread() -> BadRequest:
        return BadRequest(
            "This statement about policies cannot be read",
            hint="CREATE POLICY name ON table [AS …] [FOR …] [TO …] [USING (…)] [WITH CHECK (…)]",
        )
