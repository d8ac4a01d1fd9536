"""One statement of the gate on its way from the parser's tree to what is sent."""

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select
from sqlglot import exp, parse
from sqlglot.errors import ErrorLevel, SqlglotError

from core.fields.model import TableModel
from core.schema.policy_text import ASKED
from core.sentence import say
from core.sql.gate_text import Place, Put, Refused, Typed
from core.sql.grammar import ANYWHERE, COMMON_NAMES, JOINS, METHODS, PARTS, ROWS_FUNCTIONS, SIDES, TYPES

NODES_MOST = 5_000
DEPTH_MOST = 150
SCHEMAS = ("", "main", "public")
Readable = Callable[[str], TableModel | None]
Rows = Callable[[TableModel], Select[Any]]
AskedOf = Callable[[str, str], ColumnElement[Any]]
_WORDS = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?: [A-Za-z_]+)*")
_NUMBER = re.compile(r"[0-9]*\.?[0-9]*(?:[eE][+-]?[0-9]+)?")
_MARK = re.compile(r"gate_[0-9a-f]{32}_?\w*")
Common = Mapping[str, str]
"""Common tables in sight: what the statement calls them, and what they are called instead."""


class Rewriting:
    """Walks a tree once: refuses what is on no list, and puts marks in the place of tables."""

    def __init__(self, dialect: str, readable: Readable, rows: Rows, asked: AskedOf) -> None:
        self._dialect = dialect
        self._readable = readable
        self._rows = rows
        self._asked = asked
        self._nonce = f"gate_{secrets.token_hex(16)}"
        self._parts: list[tuple[str, Put]] = []
        self._names: set[str] = set()
        self._columns: list[tuple[str, Place | None]] = []
        self._count = 0
        self._set: list[tuple[exp.Table, Select[Any]]] = []
        self._is_again = False

    def typed(self, tree: exp.Expression) -> Typed:
        """The statement as it is sent. Changes the tree. Raises Refused."""
        try:
            self._walk(tree, {}, 0)
            text = tree.sql(dialect=self._dialect, identify=True, normalize_functions=False, comments=False)
            self._read_again(text)
        except RecursionError:
            raise Refused("54001", "The statement is nested too deeply") from None
        bindable = tree.find(exp.Unnest) is None
        return Typed(text, tuple(self._parts), frozenset(self._names), tuple(self._columns), bindable)

    def _read_again(self, text: str) -> None:
        """What was written is judged like what was typed: should something come out of the tree otherwise than it went in,
        it is not let through."""
        try:
            found = parse(text, read=self._dialect, error_level=ErrorLevel.IMMEDIATE)
        except SqlglotError:
            found = []
        if len(found) != 1 or found[0] is None:
            raise Refused("42501", "The statement cannot be written anew")
        self._count, self._is_again = 0, True
        self._walk(found[0], {}, 0)  # type: ignore[arg-type]

    def put(self, what: Put) -> exp.Identifier:
        """A name that stands for something until the database is at hand."""
        mark = f"{self._nonce}_{len(self._parts)}"
        self._parts.append((mark, what))
        return exp.Identifier(this=mark, quoted=True)

    def stands_for(self, node: exp.Table, rows: Select[Any]) -> None:
        """Let other rows stand in the place of one table than those that the caller may read."""
        self._set.append((node, rows))

    def _put_rows(self, node: exp.Table, what: Select[Any], table: TableModel) -> None:
        """Rows in the place of a table, under the name that it has in the statement."""
        name = node.this
        node.set("db", None)
        node.set("this", self.put(what))
        if node.args.get("alias") is None:
            node.set("alias", exp.TableAlias(this=exp.Identifier(this=name.name, quoted=name.args.get("quoted"))))
        self._names |= {column.name.lower() for column in what.selected_columns}
        self._names.add(table.sql_name)

    # The walk.

    def _walk(self, node: exp.Expression, common: Common, depth: int) -> None:
        self._count += 1
        if self._count > NODES_MOST or depth > DEPTH_MOST:
            raise Refused("54001", "The statement is too long, or nested too deeply")
        name = type(node).__name__
        if name not in ANYWHERE:
            raise refused(node)
        known = PARTS.get(name)
        if known is not None and any(value and key not in known for key, value in node.args.items()):
            raise refused(node)
        if node.args.get("with_") is not None:
            common = self._with(node.args["with_"], common, depth)
        check = getattr(self, f"_on_{name.lower()}", None)
        if check is not None and check(node, common):
            return
        for key, value in list(node.args.items()):
            if key == "with_":
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, exp.Expression):
                    self._walk(child, common, depth + 1)

    def _with(self, node: exp.Expression, common: Common, depth: int) -> Common:
        """Common tables are called otherwise from here on, so that no name of theirs can be taken for a table's, nor a
        table's for theirs, wherever they are in sight."""
        if any(value and key not in PARTS["With"] for key, value in node.args.items()):
            raise refused(node)
        known = dict(common)
        for each in node.expressions:
            if not isinstance(each, exp.CTE) or any(v and k not in PARTS["CTE"] for k, v in each.args.items()):
                raise refused(each)
            if not isinstance(each.this, exp.Query | exp.Values):
                raise refused(each)
            alias = each.args["alias"]
            called = self._alias_name(alias.this)
            self._check_name(called, each)
            renamed = f"{self._nonce}c{len(known)}_{self._count}"
            inside = {**known, called: renamed} if node.args.get("recursive") else known
            for column in alias.columns:
                self._walk(column, common, depth + 1)
                self._names.add(column.name.lower())
            body: exp.Expression = each.this  # type: ignore[assignment]
            self._walk(body, inside, depth + 1)
            alias.set("this", exp.Identifier(this=renamed, quoted=True))
            known[called] = renamed
        return known

    def _alias_name(self, name: exp.Expression) -> str:
        self._fold(name)
        return name.name if self._dialect == "postgres" else name.name.lower()

    def _check_name(self, name: str, node: exp.Expression) -> None:
        """A common table or an alias called like a table would be read as that table by some and not by others."""
        if not self._is_again and self._readable(name.lower()) is not None:
            raise Refused("42501", say("{name} is a table; call it otherwise here", name=name), place=place_of(node))

    def _fold(self, name: exp.Expression) -> None:
        """PostgreSQL reads names without quotes in small letters; all of ours have quotes."""
        if self._dialect == "postgres" and isinstance(name, exp.Identifier) and not name.args.get("quoted"):
            name.set("this", name.name.lower())

    # What is asked of some nodes; true: there is nothing further to walk.

    def _on_identifier(self, node: exp.Expression, common: Common) -> bool:
        self._fold(node)
        return True

    def _on_alias(self, node: exp.Expression, common: Common) -> bool:
        self._names.add(node.alias.lower())
        return False

    def _on_tablealias(self, node: exp.Expression, common: Common) -> bool:
        self._names |= {column.name.lower() for column in node.args.get("columns") or ()}
        if node.this is not None:
            self._names.add(node.this.name.lower())
            self._check_name(node.this.name, node.this)
        return False

    def _on_table(self, node: exp.Expression, common: Common) -> bool:
        assert isinstance(node, exp.Table)
        if isinstance(node.this, exp.Identifier):
            walked = self._named(node, common)
        else:
            called = node.this.name.lower() if isinstance(node.this, exp.Anonymous) else ""
            series = isinstance(node.this, exp.GenerateSeries | exp.ExplodingGenerateSeries | exp.Unnest)
            if not series and called not in ROWS_FUNCTIONS:
                raise refused(node)
            self._walk(node.this, common, 0)
            walked = False
        for each in ([] if walked else [node.args.get("alias")]) + list(node.args.get("joins") or ()):
            if each is not None:
                self._walk(each, common, 0)
        return True

    def _named(self, node: exp.Table, common: Common) -> bool:
        """A common table under its new name, or rows of a table; true: the name that it goes by is its own."""
        self._fold(node.this)
        name, schema, alias = node.name, node.db.lower(), node.args.get("alias")
        if self._is_again:
            if schema or not name.startswith(self._nonce):
                raise Refused("42501", "The statement cannot be written anew")
            return False
        key = name if self._dialect == "postgres" else name.lower()
        if schema == "" and key in common:
            node.set("this", exp.Identifier(this=common[key], quoted=True))
            if alias is None:
                node.set("alias", exp.TableAlias(this=exp.Identifier(this=name, quoted=True)))
                self._names.add(name.lower())
            return alias is None
        found = self._readable(key) if schema in SCHEMAS else None
        if found is None:
            raise Refused("42P01", say("There is no table {name}", name=name), place=place_of(node.this))
        is_own = alias is None or (
            alias.this is not None and not alias.columns and self._alias_name(alias.this).lower() == name.lower()
        )
        given = [rows for each, rows in self._set if each is node]
        self._put_rows(node, given[0] if given else self._rows(found), found)
        return is_own

    def _on_column(self, node: exp.Expression, common: Common) -> bool:
        assert isinstance(node, exp.Column)
        if node.args.get("db") is not None:
            if node.args["db"].name.lower() not in SCHEMAS:
                raise refused(node)
            node.set("db", None)
        if isinstance(node.this, exp.Identifier):
            self._fold(node.this)
            self._columns.append((node.name, place_of(node.this)))
            return node.args.get("table") is None
        if not isinstance(node.this, exp.Star):
            raise refused(node)
        return False

    def _on_var(self, node: exp.Expression, common: Common) -> bool:
        if not isinstance(node.this, str) or not _WORDS.fullmatch(node.this):
            raise refused(node)
        return True

    def _on_literal(self, node: exp.Expression, common: Common) -> bool:
        if not node.is_string and not _NUMBER.fullmatch(str(node.this)):
            raise refused(node)
        return True

    def _on_anonymous(self, node: exp.Expression, common: Common) -> bool:
        if not isinstance(node.this, str) or node.this.lower() not in COMMON_NAMES:
            raise refused(node)
        return False

    def _on_datatype(self, node: exp.Expression, common: Common) -> bool:
        kind = node.this
        if getattr(kind, "name", str(kind)) not in TYPES:
            raise refused(node)
        return False

    def _on_join(self, node: exp.Expression, common: Common) -> bool:
        said = {key: str(node.args.get(key) or "").upper() for key in ("kind", "side", "method")}
        if said["kind"] not in JOINS or said["side"] not in SIDES or said["method"] not in METHODS:
            raise refused(node)
        return False

    def _on_lateral(self, node: exp.Expression, common: Common) -> bool:
        if not isinstance(node.this, exp.Subquery | exp.Unnest):
            raise refused(node)
        return False

    def _on_dot(self, node: exp.Expression, common: Common) -> bool:
        """`auth.uid()` becomes a value."""
        call = node.expression
        if not isinstance(node.this, exp.Identifier) or node.this.name.lower() != "auth":
            raise refused(node)
        name = str(call.this).lower() if isinstance(call, exp.Anonymous) else ""
        given = call.expressions if name else []
        if name not in ASKED or len(given) != ASKED[name] or not all(each.is_string for each in given):
            raise refused(node)
        value: exp.Expression = exp.Column(this=self.put(self._asked(name, given[0].this if given else "")))
        if isinstance(node.parent, exp.Select) and node.arg_key == "expressions":
            value = exp.Alias(this=value, alias=exp.Identifier(this=name, quoted=True))
        node.replace(value)
        return True


def refused(node: exp.Expression) -> Refused:
    """What the statement says there is not for this caller."""
    shown = _MARK.sub("…", " ".join(node.sql(comments=False).split()))
    shown = shown if len(shown) <= 60 else shown[:59] + "…"
    return Refused("42501", say("This cannot be used here: {shown}", shown=shown), place=place_of(node))


def place_of(node: exp.Expression) -> Place | None:
    """Line and column, from 1, of a node or the first part of it that has a place."""
    for each in node.walk():
        if each.meta.get("line") is not None:
            line, column = int(each.meta["line"]), int(each.meta["col"])
            return line, max(column - (int(each.meta["end"]) - int(each.meta["start"])), 1)
    return None
