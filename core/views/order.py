"""Three ways to find the row at a position, behind one interface.

`KeyOrder`: live rows in the order of an integer key. Rows are counted per range of keys (21 ms over 10M rows), so that a
position leads to a range; commits change the counts, the order itself never goes stale.
`IndexOrder` (DuckDB): any filter and sort. The keys in their order are kept in memory beside the database; a window reads
256 of them and then those rows. Commits are patched in: what is deleted leaves, what is new is appended, what is edited
stays where it is until the view is opened again.
`OffsetOrder` (PostgreSQL, composite keys): OFFSET, always right, slower far down.
"""

from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Sequence

from sqlalchemy import ColumnElement, Subquery, and_, column, func, literal_column, select, true
from sqlalchemy import table as sql_table
from sqlalchemy.sql import quoted_name

from core.query.scope import Ref
from core.records.key import KeyValue, key_in
from core.storage.database import Reader
from core.storage.journal import CHANGES
from core.storage.scratch import SCRATCH, forget, keep
from core.views.reading import Reading

PATCHES_AT_MOST = 1_000
"""Rows that left or joined since the order was built; more, and it is built anew."""
_BUCKETS = 4_096
_NARROWEST = 1_024


class Order(ABC):
    """The order of one view. `build` runs in a read job; the rest is called when it is ready, on the event loop or in jobs
    that the view runs one at a time."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.sequence = 0
        """Of the last change that the order knows."""

    @abstractmethod
    def build(self, reader: Reader) -> None: ...

    @property
    @abstractmethod
    def count(self) -> int: ...

    @abstractmethod
    def keys(self, reader: Reader, start: int, limit: int) -> list[KeyValue]:
        """Keys of the rows from a position on."""

    @abstractmethod
    def locate(self, reader: Reader, key: KeyValue) -> int | None:
        """The position of a row."""

    @abstractmethod
    def find(self, reader: Reader, text: str, fields: Sequence[Ref], start: int, backward: bool) -> int | None:
        """The nearest position, from `start` on in the direction, whose row shows the text."""

    @abstractmethod
    def patch(self, reader: Reader, joined: Sequence[KeyValue], left: Sequence[KeyValue]) -> bool:
        """Take up rows that may have joined and some that have left. False: build it anew."""

    def release(self, reader: Reader) -> None:  # noqa: B027 - most keep nothing
        """Give back what the order keeps in the database."""

    def _mark(self, reader: Reader) -> None:
        self.sequence = reader.scalar(select(func.max(CHANGES.c.sequence))) or 0


class KeyOrder(Order):
    """`_starts[i]` rows stand before bucket i, which holds the keys `_first + i * width` and up to the next."""

    def build(self, reader: Reader) -> None:
        self._mark(reader)
        (key,) = self.reading.key
        live = self.reading.condition()
        low, high = reader.rows(select(func.min(key), func.max(key)).where(live))[0]
        self._first = low or 0
        spread = (high or 0) - self._first + 1
        self._width = max(_NARROWEST, 1 << (spread // _BUCKETS).bit_length())
        divide = "//" if reader.dialect == "duckdb" else "/"
        # Numbers of our own stand in the text: as parameters they would make two expressions of one.
        first: ColumnElement[int] = literal_column(f"{self._first:d}")
        width: ColumnElement[int] = literal_column(f"{self._width:d}")
        bucket = (key - first).op(divide, precedence=8)(width).label("bucket")
        found = reader.rows(select(bucket, func.count()).where(live).group_by(bucket))
        self._counts = [0] * (spread // self._width + 1)
        for place, count in found:
            self._counts[place] = count
        self._add_up()

    def _add_up(self) -> None:
        total = 0
        self._starts = [0]
        for count in self._counts:
            total += count
            self._starts.append(total)

    @property
    def count(self) -> int:
        return self._starts[-1]

    def keys(self, reader: Reader, start: int, limit: int) -> list[KeyValue]:
        if start >= self.count or limit <= 0:
            return []
        (key,) = self.reading.key
        bucket = bisect_right(self._starts, start) - 1
        last = bisect_left(self._starts, start + limit)
        within = and_(self.reading.condition(), key >= self._key_of(bucket))
        if last < len(self._counts):
            within = and_(within, key < self._key_of(last + 1))
        statement = select(key).where(within).order_by(key).limit(limit).offset(start - self._starts[bucket])
        return [(row[0],) for row in reader.rows(statement)]

    def _key_of(self, bucket: int) -> int:
        return int(self._first + bucket * self._width)

    def locate(self, reader: Reader, key: KeyValue) -> int | None:
        (column_,), (value,) = self.reading.key, key
        bucket = (value - self._first) // self._width
        if not 0 <= bucket < len(self._counts) or not self.reading.members(reader, [key]):
            return None
        before = and_(self.reading.condition(), column_ >= self._key_of(bucket), column_ < value)
        return int(self._starts[bucket] + reader.scalar(select(func.count()).where(before)))

    def find(self, reader: Reader, text: str, fields: Sequence[Ref], start: int, backward: bool) -> int | None:
        (key,) = self.reading.key
        here = self.keys(reader, min(start, self.count - 1), 1)
        if not here or (start >= self.count and not backward):
            return None
        side = key <= here[0][0] if backward else key >= here[0][0]
        condition = and_(self.reading.condition(), side, self.reading.matching(text, fields))
        found = reader.scalar(select(func.max(key) if backward else func.min(key)).where(condition))
        return None if found is None else self.locate(reader, (found,))

    def patch(self, reader: Reader, joined: Sequence[KeyValue], left: Sequence[KeyValue]) -> bool:
        return False

    def shift(self, joined: Sequence[KeyValue], left: Sequence[KeyValue]) -> bool:
        """Count rows in and out, without asking the database. False: a key lies before the first bucket, or far behind."""
        for keys, step in ((joined, 1), (left, -1)):
            for (value,) in keys:
                bucket = (value - self._first) // self._width
                if not 0 <= bucket < len(self._counts) + _BUCKETS:
                    return False
                self._counts += [0] * (bucket + 1 - len(self._counts))
                self._counts[bucket] += step
        self._add_up()
        return True


class IndexOrder(Order):
    """Positions in the kept table are `place`, from 0; `_gone` are places whose rows have left, `_added` keys behind."""

    def __init__(self, reading: Reading, name: str) -> None:
        super().__init__(reading)
        self._name = name
        self._columns = [f"key_{number}" for number in range(len(reading.key))]
        schema = quoted_name(f"{SCRATCH}.main", quote=False)
        self._kept = sql_table(name, column("rowid"), *(column(each) for each in self._columns), schema=schema)
        self._size = 0
        self._gone: list[int] = []
        self._added: list[KeyValue] = []

    def build(self, reader: Reader) -> None:
        self._mark(reader)
        labelled = [key.label(name) for key, name in zip(self.reading.key, self._columns, strict=True)]
        keep(reader, self._name, self.reading.keys().with_only_columns(*labelled))
        self._size = int(reader.scalar(select(func.count()).select_from(self._kept)))
        self._gone, self._added = [], []

    @property
    def count(self) -> int:
        return self._size - len(self._gone) + len(self._added)

    def _place(self, position: int) -> int:
        """The place of a position among those that are left."""
        place = position
        for gone in self._gone:
            if gone > place:
                break
            place += 1
        return place

    def _position(self, place: int) -> int | None:
        index = bisect_left(self._gone, place)
        return None if index < len(self._gone) and self._gone[index] == place else place - index

    def keys(self, reader: Reader, start: int, limit: int) -> list[KeyValue]:
        kept = self._size - len(self._gone)
        found: list[KeyValue] = []
        if start < kept:
            first, end = self._place(start), self._place(min(start + limit, kept) - 1) + 1
            place = self._kept.c.rowid
            columns = [self._kept.c[name] for name in self._columns]
            rows = reader.rows(select(place, *columns).where(place >= first, place < end).order_by(place))
            gone = set(self._gone[bisect_left(self._gone, first) : bisect_right(self._gone, end)])
            found = [tuple(row[1:]) for row in rows if row[0] not in gone]
        rest = limit - len(found)
        behind = max(start - kept, 0)
        return found + self._added[behind : behind + rest] if rest > 0 else found

    def _places(self, reader: Reader, keys: Sequence[KeyValue]) -> list[int]:
        wanted = [self._kept.c[name] for name in self._columns]
        condition = wanted[0].in_([key[0] for key in keys])
        rows = reader.rows(select(self._kept.c.rowid, *wanted).where(condition)) if keys else []
        asked = set(keys)
        return [row[0] for row in rows if tuple(row[1:]) in asked]

    def locate(self, reader: Reader, key: KeyValue) -> int | None:
        if key in self._added:
            return self._size - len(self._gone) + self._added.index(key)
        places = self._places(reader, [key])
        return self._position(places[0]) if places else None

    def find(self, reader: Reader, text: str, fields: Sequence[Ref], start: int, backward: bool) -> int | None:
        kept = self._size - len(self._gone)
        behind = self._find_added(reader, text, fields, start - kept, backward)
        if backward and behind is not None:
            return kept + behind
        if start < kept or backward:
            place, own = self._kept.c.rowid, [self._kept.c[name] for name in self._columns]
            limit = self._place(min(start, kept - 1)) if kept else 0
            source = self.reading.scope.source
            joined = and_(*(mine == theirs for mine, theirs in zip(own, self.reading.key, strict=True)))
            statement = (
                select(func.max(place) if backward else func.min(place))
                .select_from(self._kept.join(source, joined))
                .where(place <= limit if backward else place >= limit, self.reading.matching(text, fields))
            )
            if self._gone:
                statement = statement.where(place.not_in(self._gone))
            found = reader.scalar(statement)
            if found is not None:
                return self._position(found)
        return None if backward or behind is None else kept + behind

    def _find_added(self, reader: Reader, text: str, fields: Sequence[Ref], start: int, backward: bool) -> int | None:
        if not self._added:
            return None
        here = key_in(self.reading.scope.table, self.reading.scope.source, self._added)
        matching = set(reader.rows(select(*self.reading.key).where(here, self.reading.matching(text, fields))))
        places = [
            n for n, key in enumerate(self._added) if key in matching and (n <= start if backward else n >= start)
        ]
        return None if not places else places[-1] if backward else places[0]

    def patch(self, reader: Reader, joined: Sequence[KeyValue], left: Sequence[KeyValue]) -> bool:
        if len(joined) + len(left) + len(self._gone) + len(self._added) > PATCHES_AT_MOST:
            return False
        for key in left:
            if key in self._added:
                self._added.remove(key)
        for place in self._places(reader, left):
            if self._position(place) is not None:
                insort(self._gone, place)
        members = self.reading.members(reader, joined)
        back = {tuple(key) for key in joined if key in members and key not in self._added}
        for place, key in self._known(reader, back):
            back.discard(key)
            if place in self._gone:
                self._gone.remove(place)
        self._added += [key for key in joined if key in back]
        return True

    def _known(self, reader: Reader, keys: set[KeyValue]) -> list[tuple[int, KeyValue]]:
        """Rows that come back have a place already."""
        return [(self._places(reader, [key])[0], key) for key in keys if self._places(reader, [key])]

    def release(self, reader: Reader) -> None:
        forget(reader, self._name)


class OffsetOrder(Order):
    """Asks the database each time; only the count is kept."""

    def build(self, reader: Reader) -> None:
        self._mark(reader)
        self._count = int(reader.scalar(self.reading.count()))

    @property
    def count(self) -> int:
        return self._count

    def keys(self, reader: Reader, start: int, limit: int) -> list[KeyValue]:
        return first_keys(reader, self.reading, start, limit)

    def _numbered(self, holds: Callable[[Reading], ColumnElement[bool]] = lambda reading: true()) -> Subquery:
        every = self.reading.joined()
        place = (func.row_number().over(order_by=every.order()) - 1).label("place")
        rows = select(*every.key, place, holds(every).label("holds")).where(every.condition())
        return rows.select_from(every.scope.rows_source).subquery()

    def locate(self, reader: Reader, key: KeyValue) -> int | None:
        rows = self._numbered()
        names = self.reading.scope.table.key.fields
        same = [rows.c[name] == value for name, value in zip(names, key, strict=True)]
        found = reader.scalar(select(rows.c.place).where(*same))
        return None if found is None else int(found)

    def find(self, reader: Reader, text: str, fields: Sequence[Ref], start: int, backward: bool) -> int | None:
        rows = self._numbered(lambda reading: reading.matching(text, fields))
        side = rows.c.place <= start if backward else rows.c.place >= start
        nearest = func.max(rows.c.place) if backward else func.min(rows.c.place)
        found = reader.scalar(select(nearest).where(side, rows.c.holds))
        return None if found is None else int(found)

    def patch(self, reader: Reader, joined: Sequence[KeyValue], left: Sequence[KeyValue]) -> bool:
        self.build(reader)
        return True


def first_keys(reader: Reader, reading: Reading, start: int, limit: int) -> list[KeyValue]:
    """Keys from a position on, by sorting: what is shown while an order is being built."""
    return [tuple(row) for row in reader.rows(reading.keys().limit(limit).offset(start or None))]


def order_for(reading: Reading, name: str) -> Order:
    """The best way for this reading on its database."""
    table = reading.scope.table
    kinds = [table.column_by_name[key].type.kind for key in table.key.fields]
    if reading.is_natural and kinds in (["integer"], ["bigint"]):
        return KeyOrder(reading)
    return IndexOrder(reading, name) if reading.scope.dialect == "duckdb" else OffsetOrder(reading)
