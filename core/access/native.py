"""The rules of an app as PostgreSQL's own (P-035): roles, grants by column and policies, for those who connect past the
server. They are made from the same conditions that the server asks with.

Each role gets what it alone gives: what lets rows through as a permissive policy, what holds them back as a restrictive one,
so that PostgreSQL joins the roles of one login as the server does. What cannot be said is closed, and told.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Literal

from core.access.connected import Connected, Unsayable
from core.access.decision import Caller
from core.access.native_condition import Conditions
from core.access.native_function import create_roles, forget, functions, policy_name
from core.access.policy import Sides
from core.access.table import Access, RowOperation, TableAccess
from core.fields.model import AppModel, TableModel
from core.schema.name import fitted, sql_name
from core.schema.permission import Operation
from core.schema.policy import ANON
from core.schema.role import GROUP
from core.storage.ddl import Ddl, quote, quote_list

Action = Literal["SELECT", "INSERT", "UPDATE", "DELETE"]
_OPERATIONS: dict[Action, tuple[Operation, RowOperation]] = {
    "SELECT": ("read", "read"),
    "INSERT": ("create", "create"),
    "UPDATE": ("update", "write"),
    "DELETE": ("permanentDelete", "delete"),  # here nothing is moved to the trash
}


class NativeRules:
    """The export of one app. `tables` is the schema of its tables, `roles` those to export (None: all), `writes`: with
    grants to INSERT, UPDATE and DELETE. `unsaid` tells what is left out, once `script` is through."""

    def __init__(
        self, model: AppModel, tables: str = "public", roles: Collection[str] | None = None, *, writes: bool = False
    ) -> None:
        self._model = model
        self._is_whole = roles is None
        self._writes = writes
        self._path = tables
        app = sql_name(model.app.name)
        self._known = _role_names(app, (*model.app.roles.names(), ANON))
        """All roles, groups and `anon`, with the names that they have in PostgreSQL."""
        self._wanted = {name: role for name, role in self._known.items() if roles is None or name in roles}
        self._schema = fitted(f"{app}_rls")
        self._tables = [table for table in model if not table.spec.disabled]
        self._conditions = Conditions(model, self._schema, tables)
        self._connected = Connected(self._schema)
        self.unsaid: list[str] = []

    @property
    def known(self) -> Collection[str]:
        """All that `roles` may name."""
        return self._known

    def script(self) -> Iterator[str]:
        """The statements. Run by the owner of the tables, and again after every change of the app file."""
        roles = self._model.app.roles
        yield from self._words()
        yield from self._begin()
        if self._is_whole:
            yield f"DROP SCHEMA IF EXISTS {quote(self._schema)} CASCADE;"
        yield functions(
            self._schema,
            self._path,
            {each.name: self._known[each.name] for each in roles.ordered},
            {each.name: self._known[GROUP + each.name] for each in roles.groups},
            sorted(roles.unrestricted),
        )
        yield from create_roles(self._wanted.values())
        yield f"GRANT USAGE ON SCHEMA {quote_list((self._path, self._schema))} TO {self._everybody};"
        access = Access(self._model)
        for table in self._tables:
            yield f"\n-- {table.name}\nALTER TABLE {quote(table.sql_name)} ENABLE ROW LEVEL SECURITY;"
            yield from self._revoke(table)
            yield from self._without_columns(table)
            for name in self._wanted:
                caller = Caller(False, name != ANON, frozenset() if name == ANON else frozenset({name}), frozenset())
                yield from self._of_role(name, access.of_caller(caller)[table.sql_name])
        if roles.scope_tables:
            yield self._left_out("roles that are granted with records count where the login is a member of them")
        yield "\nCOMMIT;"

    def undo(self) -> Iterator[str]:
        """Takes all of it away but the roles, which may have members."""
        yield from self._begin()
        for table in self._tables:
            if self._is_whole:
                yield f"ALTER TABLE {quote(table.sql_name)} DISABLE ROW LEVEL SECURITY;"
            yield from self._revoke(table)
        yield f"REVOKE ALL ON SCHEMA {quote(self._path)} FROM {self._everybody};"
        if self._is_whole:
            yield f"DROP SCHEMA IF EXISTS {quote(self._schema)} CASCADE;"
        yield "COMMIT;"

    def _words(self) -> Iterator[str]:
        """What a reader of the script is told first."""
        member = quote(self._known[self._model.app.roles.default])
        yield f"-- The rules of {self._model.app.name}, for those who connect to PostgreSQL themselves."
        yield f'-- A login is named like the account: CREATE ROLE "ada@example.org" LOGIN IN ROLE {member};'
        yield "-- Before a migration changes a column that a policy asks of, take the policies away (--undo)."
        if self._writes:
            yield "-- What is written here passes no check of the server, and stands in no history."

    @property
    def _everybody(self) -> str:
        return quote_list(self._wanted.values())

    def _begin(self) -> Iterator[str]:
        yield "BEGIN;"
        yield f"SET LOCAL search_path = {quote(self._path)};\nSET LOCAL standard_conforming_strings = on;"
        yield forget(self._path, self._wanted)

    def _revoke(self, table: TableModel) -> Iterator[str]:
        yield f"REVOKE ALL ON {quote(table.sql_name)} FROM {self._everybody};"
        for sequence in _sequences(table):
            yield f"REVOKE ALL ON SEQUENCE {quote(sequence)} FROM {self._everybody};"

    def _left_out(self, what: str) -> str:
        what = " ".join(what.split())  # a second line would be a statement
        self.unsaid.append(what)
        return f"-- Left out: {what}"

    def _without_columns(self, table: TableModel) -> Iterator[str]:
        names = [
            name
            for name, field in table.fields.items()
            if name not in table.column_by_name and field.result() is not None
        ]
        if names:
            yield self._left_out(f"{table.name}: {', '.join(names)}: computed or kept elsewhere, there is no column")

    def _of_role(self, name: str, access: TableAccess) -> Iterator[str]:
        """Grants and policies of one role on one table."""
        readable = [each.name for each in access.table.columns if each.name not in access.hidden]
        if not access.may("read") or not readable:
            return
        yield self._grant(name, access.table, "SELECT", readable)
        yield from self._policies(name, access, "SELECT")
        writable = _writable(access)
        for action in ("INSERT", "UPDATE", "DELETE") if self._writes else ():
            if not access.may(_OPERATIONS[action][0]) or (action != "DELETE" and not writable):
                continue
            if action == "INSERT":
                if empty := _empty(access.table, writable):
                    yield self._left_out(f"{access.table.name}: INSERT by {name}: nothing fills {', '.join(empty)}")
                    continue
                for sequence in _sequences(access.table):
                    yield f"GRANT USAGE ON SEQUENCE {quote(sequence)} TO {quote(self._known[name])};"
            yield self._grant(name, access.table, action, None if action == "DELETE" else writable)
            yield from self._policies(name, access, action)

    def _grant(self, name: str, table: TableModel, action: Action, columns: list[str] | None) -> str:
        """`columns` None: the action is of whole rows."""
        which = "" if columns is None else f" ({quote_list(columns)})"
        return f"GRANT {action}{which} ON {quote(table.sql_name)} TO {quote(self._known[name])};"

    def _policies(self, name: str, access: TableAccess, action: Action) -> Iterator[str]:
        """One policy for what lets through and, where there is such, one for what holds back."""
        permit: dict[str, str] = {}
        restrict: dict[str, str] = {}
        for word in ("USING", "WITH CHECK"):
            try:
                sides = self._sides(access, action, word)
                if sides is None:
                    continue
                said = []
                for side, node in zip(("permit", "restrict"), sides, strict=True):
                    of = f"{name} {access.table.sql_name} {action} {word} {side}".lower()
                    text, before = self._conditions.say(node, access.table, self._known[name], of)
                    said.append(text)
                    yield from before
            except Unsayable as error:
                yield self._left_out(f"{access.table.name}: {action} by {name}, which is closed: {error}")
                said = [None, "false"]
            permit[word] = said[0] or "true"
            if said[1] is not None:
                restrict[word] = self._unless_above(access, said[1])
        yield self._policy(name, access.table, action, "PERMISSIVE", permit)
        if restrict:
            if action == "UPDATE":
                restrict.setdefault("WITH CHECK", "true")  # else it would be what USING says
            yield self._policy(name, access.table, action, "RESTRICTIVE", restrict)

    def _sides(self, access: TableAccess, action: Action, word: str) -> Sides | None:
        """Of rows as they are, or as they become; None: nothing is asked there."""
        scope = self._conditions.scope(access.table)
        if action == "UPDATE" and word == "WITH CHECK":
            return access.result_sides(self._connected, scope)
        if (word == "WITH CHECK") != (action == "INSERT"):
            return None
        return access.sides(_OPERATIONS[action][1], self._connected, scope)

    def _unless_above(self, access: TableAccess, said: str) -> str:
        """A login that is an admin as well is above what holds other roles back."""
        security = access.table.spec.rls
        if security is not None and security.enabled and security.force:
            return said
        return f"(SELECT {quote(self._schema)}.is_above()) OR ({said})"

    def _policy(self, name: str, table: TableModel, action: Action, kind: str, clauses: Mapping[str, str]) -> str:
        what = policy_name(name, action.lower() + (" only" if kind == "RESTRICTIVE" else ""))
        said = "".join(f"\n  {word} ({text})" for word, text in clauses.items())
        head = f"CREATE POLICY {quote(what)} ON {quote(table.sql_name)} AS {kind} FOR {action}"
        return f"{head} TO {quote(self._known[name])}{said};"


def _role_names(app: str, names: Iterable[str]) -> dict[str, str]:
    """What each is called in PostgreSQL; as it is written where two would be one, such as `group-x` and `group:x`."""
    found: dict[str, str] = {}
    for name in names:
        plain = fitted(f"{app}_{sql_name(name)}")
        found[name] = plain if plain not in found.values() else fitted(f"{app}_{name}")
    return found


def _sequences(table: TableModel) -> list[str]:
    return [each.sequence for each in table.columns if each.sequence]


def _writable(access: TableAccess) -> list[str]:
    """The columns that a client may fill."""
    closed = access.locked | access.ignored
    fields = access.table.fields
    return [
        each.name
        for each in access.table.columns
        if each.name in fields and each.name not in closed and not fields[each.name].read_only
    ]


def _empty(table: TableModel, writable: list[str]) -> list[str]:
    """The columns that need a value, and that neither the client nor the database gives one."""
    ddl = Ddl("postgresql")
    return [
        each.name for each in table.columns if not each.nullable and each.name not in writable and not ddl.default(each)
    ]
