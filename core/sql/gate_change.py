"""INSERT, UPDATE and DELETE of those who are not above the rules. The statement says which records and what becomes of
them, as a query that goes through the gate; the change itself is made by `core.records`, with every rule that holds there:
permissions of the operation, of fields and rows, types, required fields, constraints, links, unique keys, the trash, the
change log.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

import orjson
from sqlglot import exp

from core.contract.console import SqlColumn
from core.errors import NotFound, SovriumError
from core.fields.attachment import AttachmentField
from core.fields.base import FieldType
from core.fields.model import TableModel
from core.records.create import CreateMany
from core.records.key import KeyValue, key_in
from core.records.remove import Delete
from core.records.request import accept
from core.records.update import Edit, UpdateMany
from core.records.validate import accept_changes, accept_new
from core.records.writing import WritableTable
from core.schema.permission import Operation
from core.sentence import say
from core.sql.cell import family_of, to_cell
from core.sql.gate import Gate, admit, not_here
from core.sql.gate_rewrite import place_of, refused
from core.sql.gate_text import Refused, Typed
from core.sql.spool import Spool
from core.sql.write import Done
from core.storage.database import Transaction
from core.storage.typed import query

ROWS_MOST = 10_000
"""Records that one statement may change."""
_PARTS = {
    "Insert": {"this", "expression", "returning", "with_", "by_name"},
    "Update": {"this", "expressions", "from_", "where", "returning", "with_"},
    "Delete": {"this", "using", "where", "returning", "with_"},
}
_OPERATIONS: dict[str, Operation] = {"Insert": "create", "Update": "update", "Delete": "delete"}


@dataclass
class Change:
    """One statement, taken apart. `fields` are those that it sets; `source` is a query of the key (not for INSERT) and of
    their new values, for each record."""

    gate: Gate
    verb: str
    table: TableModel
    fields: tuple[str, ...]
    source: Typed
    limit: int
    returning: tuple[exp.Expression, ...] = ()
    alias: exp.Expression | None = None
    target: WritableTable = field(init=False)

    def __post_init__(self) -> None:
        self.target = self.gate.records.target(self.gate.principal, self.table, _OPERATIONS[self.verb])  # type: ignore[arg-type]

    def run(self, tx: Transaction) -> Done:
        """In the writer; it may run twice. Raises Refused, and what records refuse."""
        tx.log(())  # a failure must undo it, whatever else shares the transaction
        rendered = admit(tx, self.source)
        _, blocks = query(tx, rendered.sql, rendered.values, by_cursor=False)
        rows = [row for block in blocks for row in block]
        if len(rows) > ROWS_MOST:
            raise Refused("54000", say("A statement changes at most {most:,} records", most=ROWS_MOST))
        try:
            keys = self._write(tx, rows)
        except NotFound:
            raise Refused(
                "42501", say("A row of {table} would be beyond what you may write", table=self.table.sql_name)
            ) from None
        except SovriumError as error:
            told = self.target.refusal(error)
            if told is error:
                raise  # with its cause: words of the database are told to nobody
            raise told from None
        return self._returned(tx, keys)

    def _write(self, tx: Transaction, rows: Sequence[tuple[Any, ...]]) -> list[KeyValue]:
        principal, target = self.gate.principal, self.target
        if self.verb == "Insert":
            read = partial(accept_new, self.table, now=tx.time)
            made = [target.signed(accept(target, self._given(row), read), principal.id) for row in rows]
            stored = CreateMany(target, made).run(tx) if made else []
            return [target.key_of(row) for row in stored if isinstance(row, dict)]
        width = len(target.key)
        keys = [tuple(row[:width]) for row in rows]
        if len(set(keys)) < len(keys):
            raise Refused("21000", "A record is met by several rows of the statement")
        if self.verb == "Delete":
            if keys:
                Delete(self.gate.records.removal, target, keys, batch=True).run(tx)
            return keys
        change = partial(accept_changes, self.table)
        edits = [
            Edit(key, accept(target, self._given(row[width:]), change), None, principal.id)
            for key, row in zip(keys, rows, strict=True)
        ]
        for result in UpdateMany(target, edits).run(tx) if edits else ():
            if isinstance(result, SovriumError):
                raise result
        return keys

    def _given(self, row: Sequence[Any]) -> Mapping[str, Any]:
        return {name: _raw(value, self.table.fields.get(name)) for name, value in zip(self.fields, row, strict=True)}

    def _returned(self, tx: Transaction, keys: Sequence[KeyValue]) -> Done:
        if not self.returning:
            return Done(len(keys))
        here = key_in(self.table, self.gate.scope(self.table).source, keys)
        rewriting = self.gate.rewriting()
        alias = None if self.alias is None else self.alias.copy()
        source = exp.Table(this=exp.Identifier(this=self.table.sql_name, quoted=True), alias=alias)
        select = exp.Select(expressions=[each.copy() for each in self.returning], from_=exp.From(this=source))
        rewriting.stands_for(source, self.gate.rows(self.table, "read", here))
        rendered = admit(tx, rewriting.typed(select))
        columns, blocks = query(tx, rendered.sql, rendered.values, by_cursor=False)
        spool = Spool(self.limit)
        spool.fill([tuple(map(to_cell, row)) for row in block] for block in blocks)
        told = [SqlColumn(name=name, type=type_, family=family_of(type_)) for name, type_ in columns]
        return Done(len(keys), told, spool)


def _raw(value: Any, field_type: FieldType[Any] | None) -> Any:
    """A value of the database as a client would send it."""
    if isinstance(value, list | tuple):
        return [_raw(each, None) for each in value]
    if isinstance(value, dict):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, str) and field_type is not None and field_type.family in ("json", "multi-select"):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value if value is None or isinstance(value, bool | int | float | str) else to_cell(value)


def taken_apart(gate: Gate, text: str, limit: int) -> Change:
    """Raises Refused."""
    tree = gate.parse(text)
    name = type(tree).__name__
    if name not in _PARTS:
        raise not_here(tree)
    if any(value and key not in _PARTS[name] for key, value in tree.args.items()):
        raise Refused("42501", say("This form of {verb} is not run here", verb=name.upper()), place=place_of(tree))
    table, node = _table(gate, tree)
    if not gate.records.access.table(gate.principal, table).may(_OPERATIONS[name]):
        raise Refused("42501", say("{verb} is not allowed on {table}", verb=name.upper(), table=table.sql_name))
    returning = tree.args.get("returning")
    fields = _fields(gate, tree, table)
    rewriting = gate.rewriting()
    if isinstance(tree, exp.Insert):
        query_: exp.Expression = tree.expression
        if not isinstance(query_, exp.Query | exp.Values):
            raise Refused("42601", "INSERT needs VALUES or a query")
        source = _limited(query_, len(fields))
    else:
        using = tree.args.get("using") or []
        others = [*(using if isinstance(using, list) else [using])]
        if tree.args.get("from_") is not None:
            others.append(tree.args["from_"].this)
        source = exp.Select(
            expressions=[*_key(table, node), *(each.expression for each in tree.expressions)],
            from_=exp.From(this=node),
            joins=[exp.Join(this=each, kind="CROSS") for each in others],
            where=tree.args.get("where"),
            limit=exp.Limit(expression=exp.Literal.number(ROWS_MOST + 1)),
        )
        operation: Any = "write" if isinstance(tree, exp.Update) else "delete"
        scope = gate.scope(table)
        live = scope.source.c.deleted_at.is_(None)  # what is in the trash is neither changed nor deleted again
        rewriting.stands_for(node, gate.rows(table, operation, live))
    if tree.args.get("with_") is not None:
        if source.args.get("with_") is not None:
            raise Refused("42601", "Write WITH once, before the statement")
        source.set("with_", tree.args["with_"])
    return Change(
        gate=gate,
        verb=name,
        table=table,
        fields=fields,
        source=rewriting.typed(source),
        limit=limit,
        returning=tuple(returning.expressions) if returning is not None else (),
        alias=node.args.get("alias"),
    )


def _table(gate: Gate, tree: exp.Expression) -> tuple[TableModel, exp.Table]:
    node = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
        raise refused(tree)
    if any(value and key not in ("this", "db", "alias") for key, value in node.args.items()):
        raise refused(node)
    name = node.name if node.this.args.get("quoted") and gate.folds else node.name.lower()
    table = gate.readable(name) if node.db.lower() in ("", "main", "public") else None
    if table is None:
        raise Refused("42P01", say("There is no table {name}", name=node.name), place=place_of(node))
    return table, node


def _fields(gate: Gate, tree: exp.Expression, table: TableModel) -> tuple[str, ...]:
    """The fields that it sets, in their order."""
    fields: list[str] = []
    for node in _named(tree):
        name = _writable(gate, table, node)
        if name in fields:
            raise Refused("42701", say("The column {name} is set twice", name=name), place=place_of(node))
        fields.append(name)
    return tuple(fields)


def _named(tree: exp.Expression) -> list[exp.Expression]:
    """The columns that it sets, as they are written."""
    if isinstance(tree, exp.Insert):
        named = list(tree.this.expressions) if isinstance(tree.this, exp.Schema) else []
        if tree.args.get("by_name") and isinstance(tree.expression, exp.Select):
            named = [each.args.get("alias") or each.this for each in tree.expression.expressions]
        if not named:
            raise Refused("42601", "Name the columns that are to be filled: INSERT INTO t (a, b) …")
        return named
    if isinstance(tree, exp.Update) and not tree.expressions:
        raise Refused("42601", "UPDATE needs SET column = value")
    for each in tree.expressions:
        if not isinstance(each, exp.EQ) or not isinstance(each.this, exp.Column) or each.this.args.get("db"):
            raise refused(each)
    return [each.this.this for each in tree.expressions]


def _writable(gate: Gate, table: TableModel, node: exp.Expression) -> str:
    """The field of that name. Raises Refused where the caller may not write it."""
    access = gate.records.access.table(gate.principal, table)
    known = {*gate.columns(table), *(name for name in table.fields if name not in access.hidden)}
    name = node.name if node.name in known else node.name.lower()
    if name not in known:
        raise Refused("42703", say("There is no column {name}", name=node.name), place=place_of(node))
    if name in access.locked or name in access.ignored:
        raise Refused("42501", say("The column {name} is not yours to write", name=name), place=place_of(node))
    if isinstance(table.fields.get(name), AttachmentField):
        raise Refused("42501", "Files are not written by SQL", place=place_of(node))
    return name


def _key(table: TableModel, node: exp.Table) -> list[exp.Expression]:
    name = node.args["alias"].this if node.args.get("alias") is not None else node.this
    return [exp.Column(this=exp.Identifier(this=each, quoted=True), table=name.copy()) for each in table.key.fields]


def _limited(source: exp.Expression, width: int) -> exp.Expression:
    """The rows of an INSERT, one more than there may be."""
    listed = source.expressions if isinstance(source, exp.Values) else []
    if any(len(row.expressions) != width for row in listed if isinstance(row, exp.Tuple)):
        raise Refused("42601", "There are not as many values as columns")
    if isinstance(source, exp.Select) and not source.is_star and len(source.expressions) != width:
        raise Refused("42601", "There are not as many values as columns")
    if isinstance(source, exp.Values):
        if len(listed) > ROWS_MOST:
            raise Refused("54000", say("A statement changes at most {most:,} records", most=ROWS_MOST))
        return source
    if source.args.get("limit") is None and isinstance(source, exp.Query):
        return source.limit(ROWS_MOST + 1, copy=False)
    return source
