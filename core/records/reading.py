"""Reading records: single ones by key, coalesced; lists with totals, aggregates, groups and cursors."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from core.contract.records import Group, Pagination, RecordList
from core.errors import NotFound
from core.fields.model import TableModel
from core.query.aggregate import group_name, group_statement, group_value
from core.query.filter import is_never
from core.query.list_query import ListQuery
from core.query.page import after, write_cursor
from core.query.scope import Scope
from core.query.view import group_order
from core.records.computed import with_computed
from core.records.key import KeyValue, key_among, key_parameter
from core.records.shape import Shape, display
from core.storage.database import Reader, Row
from core.storage.ddl import is_one_of, quote, quote_list

NO_PAGE: Pagination = {
    "page": 1,
    "limit": 0,
    "offset": 0,
    "total": 0,
    "totalPages": 0,
    "hasNextPage": False,
    "hasPreviousPage": False,
    "nextCursor": None,
}
"""P-030: of a caller whose row rule no row can meet, whatever page is asked for."""

_LATER = timedelta(days=401, hours=7, minutes=11, seconds=13)
"""Another year, month, day and hour: whatever depends on the moment has another value then."""


class GetRow:
    """A job that reads one row by its key; those that wait together become one statement. Raises NotFound."""

    __slots__ = ("group", "key", "reading")

    def __init__(self, reading: "PointReading | SeenReading", key: KeyValue) -> None:
        self.reading = reading
        self.key = key
        self.group: Hashable | None = reading

    def run(self, reader: Reader) -> Row:
        result = self.run_group(reader, [self])[0]
        if isinstance(result, Exception):
            raise result
        return result  # type: ignore[no-any-return]

    def run_group(self, reader: Reader, jobs: Sequence["GetRow"]) -> list[Any]:
        rows = self.reading.rows(reader, list({job.key for job in jobs}))
        return [rows.get(job.key) or NotFound() for job in jobs]


class PointReading:
    """Rows of a table by key, in the columns of `shape`. The SQL is put together here: building and compiling a statement
    would cost as much as finding the rows."""

    def __init__(self, table: TableModel, shape: Shape) -> None:
        self.table = table
        self.shape = shape
        self._select = f"SELECT {quote_list(shape.columns)} FROM {quote(table.sql_name)} WHERE "

    def rows(self, reader: Reader, keys: Sequence[KeyValue]) -> dict[KeyValue, Row]:
        sql = f"{self._select}{is_one_of(self.table.key.fields, len(keys))}"
        found = reader.rows(sql, [value for key in keys for value in key])
        return {self.shape.key(row): row for row in found}


class SeenReading:
    """Rows of a table by key, of those that one caller sees, with their computed values. What is not there is asked for like
    what is hidden: both take as long (P-037). `scope` gives the caller's of the moment."""

    def __init__(self, shape: Shape, scope: Callable[[], Scope]) -> None:
        self.shape = shape
        self._scope = scope
        self._kept: Select[Any] | None = None
        self._asks_time = False

    def rows(self, reader: Reader, keys: Sequence[KeyValue]) -> dict[KeyValue, Row]:
        scope, shape = self._scope(), self.shape
        statement = self._statement(scope) if self._kept is None else self._kept
        found = reader.rows(statement, {"keys": key_parameter(keys)})
        return {shape.key(row): row for row in with_computed(reader, scope, shape, found)}

    def _statement(self, scope: Scope) -> Select[Any]:
        """Kept, as building it takes as long as the reading, unless it asks what time it is: then it differs later on."""
        statement = self._of(scope)
        if not self._asks_time:
            self._asks_time = not statement.compare(self._of(replace(scope, now=scope.now + _LATER)))
            self._kept = None if self._asks_time else statement
        return statement

    def _of(self, scope: Scope) -> Select[Any]:
        here, visible = key_among(scope.table, scope.source, "keys"), scope.visible()
        statement = select(*(scope.source.c[name] for name in self.shape.columns)).where(here)
        return statement if visible is None else statement.where(visible)


@dataclass(frozen=True, slots=True)
class ListRows:
    """A job that answers a list request, all its parts from one snapshot."""

    query: ListQuery
    group: Hashable | None = None

    def run(self, reader: Reader) -> tuple[RecordList, list[Row]]:
        return replace(self, query=replace(self.query, scope=self.query.scope.joined()))._run(reader)

    def _run(self, reader: Reader) -> tuple[RecordList, list[Row]]:
        query = self.query
        shape = list_shape(query)
        # Once: SQLAlchemy takes longer to build it than the database to judge a row by it.
        condition = query.condition()
        rows: list[Row] = []
        answer: RecordList = {"records": [], "pagination": NO_PAGE}
        if not is_never(query.scope.sight.rows):
            rows, ranks = self._page(reader, shape, condition)
            rows = with_computed(reader, replace(query.scope, joins=None), shape, rows)
            answer["records"] = [shape.record(row) for row in rows]
            answer["pagination"] = self._pagination(reader, ranks, condition)
        if query.display:
            for record, row in zip(answer["records"], rows, strict=True):
                display(record, row, shape, query.display, wrapped=True)
        if query.aggregates:
            statement = select(*query.aggregates.columns(query.scope)).select_from(query.scope.rows_source)
            answer["aggregations"] = query.aggregates.shape(reader.rows(statement.where(condition))[0])
        if query.grouping:
            answer["groups"] = self._groups(reader, condition)
        return answer, rows

    def run_group(self, reader: Reader, jobs: Sequence["ListRows"]) -> list[Any]:
        return [job.run(reader) for job in jobs]

    def _page(self, reader: Reader, shape: Shape, condition: ColumnElement[bool]) -> tuple[list[Row], list[Row]]:
        """The page's rows in the columns of the shape, and their places in the order (one row more: is there a next?)."""
        query, source = self.query, self.query.scope.source
        ranks = query.ranks()
        columns = [source.c[name] for name in shape.columns]
        statement = select(*columns, *(rank.value.label(f"rank_{n}") for n, rank in enumerate(ranks)))
        statement = statement.select_from(query.scope.rows_source).where(condition)
        statement = statement.order_by(*(rank.order() for rank in ranks))
        if query.page.after is not None:
            statement = statement.where(after(ranks, query.page.after))
        found = reader.rows(statement.limit(query.page.limit + 1).offset(query.page.offset or None))
        width = len(columns)
        return [row[:width] for row in found[: query.page.limit]], [row[width:] for row in found]

    def _pagination(self, reader: Reader, ranks: list[Row], condition: ColumnElement[bool]) -> Pagination:
        query, page = self.query, self.query.page
        more = len(ranks) > page.limit
        if page.after is None and not more and (ranks or not page.offset):
            total = page.offset + len(ranks)  # this is the end of the list
        else:
            total = int(reader.scalar(select(func.count()).select_from(query.scope.rows_source).where(condition)))
        answer: Pagination = {
            "page": page.offset // page.limit + 1,
            "limit": page.limit,
            "offset": page.offset,
            "total": total,
            "totalPages": -(-total // page.limit),
            "hasNextPage": more,
            "hasPreviousPage": page.offset > 0 or page.after is not None,
            "nextCursor": write_cursor(ranks[page.limit - 1], query.order) if more else None,
        }
        return answer

    def _groups(self, reader: Reader, condition: ColumnElement[bool]) -> list[Group]:
        query, grouping = self.query, self.query.grouping
        assert grouping is not None
        group_value(grouping.ref, query.scope)  # it may be joined
        rows = select(query.scope.source).select_from(query.scope.rows_source).where(condition)
        order = [rank.order() for rank in query.ranks()] if query.sort else []
        statement = group_statement(grouping, query.aggregates, rows, order, query.scope)
        groups: list[Group] = []
        for value, count, *values in reader.rows(statement):
            name = group_name(grouping.ref, value)
            if grouping.hide_empty and not name:
                continue
            group: Group = {"name": name, "count": count}
            if query.aggregates:
                group["aggregations"] = query.aggregates.shape(values)
            groups.append(group)
        return _filled(groups, query) if grouping.filled else groups


def _filled(groups: list[Group], query: ListQuery) -> list[Group]:
    """Options without rows take their places among the groups (V-005)."""
    grouping = query.grouping
    assert grouping is not None
    if not grouping.ref.type.sort_order():
        return groups
    found = {group["name"]: group for group in groups}
    order = group_order(grouping, [group["name"] for group in groups])
    return [found.get(name) or {"name": name, "count": 0} for name in order]


def list_shape(query: ListQuery) -> Shape:
    """The asked fields, or all that the caller may read."""
    hidden, fields = query.scope.hidden, query.fields
    if fields is None and hidden:
        fields = tuple(name for name in query.scope.table.fields if name not in hidden)
    deleted = query.deleted != "without" and query.fields is None
    return Shape(query.scope.table, fields, deleted=deleted, arrays=query.arrays)
