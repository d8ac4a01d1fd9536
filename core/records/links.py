"""Writing links that are kept elsewhere than in their record: pairs in a junction, or a column of the linked records."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, tuple_

from core.errors import FieldError, NotFound
from core.fields.address import key_text
from core.fields.link import LinkEdit, LinksField
from core.fields.model import AppModel, TableModel
from core.query.scope import Scope
from core.records.key import KeyValue, key_in, parse_key
from core.records.validate import check_changes, invalid
from core.sentence import say
from core.storage.database import ChangeRow, Reader, Transaction

if TYPE_CHECKING:
    from core.records.writing import Stored, WritableTable

Move = tuple[KeyValue, list[Any], list[Any]]
"""A record, what it was linked to, what it will be."""


@dataclass(frozen=True)
class Links:
    """One field of a table that links several records."""

    name: str
    field: LinksField
    far: TableModel

    def settled(self, value: Any, current: Sequence[Any]) -> list[Any]:
        """The whole set that a written value means."""
        if not isinstance(value, LinkEdit):
            return list(value or ())
        return sorted((set(current) | set(value.add)) - set(value.remove))


def links_of(table: TableModel, model: Mapping[str, TableModel]) -> tuple[Links, ...]:
    return tuple(
        Links(name, field, model[field.relation.target.sql_name])
        for name, field in table.fields.items()
        if isinstance(field, LinksField)
    )


def fields_of_pairs(model: AppModel, junction: str) -> Iterator[tuple[TableModel, str, LinksField]]:
    """The fields, each with its table, whose links are the pairs of a junction: one on either side, or on one alone."""
    for table in model:
        for name, field in table.fields.items():
            pairs = field.relation.junction if isinstance(field, LinksField) else None
            if isinstance(field, LinksField) and pairs is not None and pairs.name == junction:
                yield table, name, field


def load_links(reader: Reader, scope: Scope, rows: Mapping[KeyValue, "Stored"], links: Iterable[Links]) -> None:
    """Put into each row what it is linked to now, as far as the caller sees it."""
    names = [each.name for each in links]
    if not rows or not names:
        return
    source, key = scope.source, scope.table.key.fields
    values = [scope.computed(scope.table.fields[name], source) for name in names]
    statement = select(*(source.c[name] for name in key), *values).where(key_in(scope.table, source, rows.keys()))
    for row in reader.rows(statement):
        rows[row[: len(key)]].update(zip(names, row[len(key) :], strict=True))


def write_links(tx: Transaction, target: "WritableTable", links: Links, moves: Sequence[Move]) -> None:
    """Bring the links of records from one set to another. Raises Invalid where a linked record does not let go."""
    if links.field.relation.junction is None:
        _move_children(tx, target, links, moves)
    else:
        _move_pairs(tx, target, links, moves)


def _move_pairs(tx: Transaction, target: "WritableTable", links: Links, moves: Sequence[Move]) -> None:
    relation = links.field.relation
    assert relation.junction is not None
    pairs = target.junction(relation.junction.name)
    near, far = relation.near, relation.beyond
    gone = [(key[0], each) for key, before, after in moves for each in before if each not in after]
    come = [{near: key[0], far: each} for key, before, after in moves for each in after if each not in before]
    if gone:
        tx.execute(delete(pairs).where(tuple_(pairs.c[near], pairs.c[far]).in_(gone)))
    if come:
        tx.insert(pairs, come)
    _log_far_side(tx, target, links, gone, [(each[near], each[far]) for each in come])


def _log_far_side(
    tx: Transaction,
    target: "WritableTable",
    links: Links,
    gone: Sequence[tuple[Any, Any]],
    come: Sequence[tuple[Any, Any]],
) -> None:
    """The linked records have changed, too, where a field of theirs shows the same pairs."""
    relation = links.field.relation
    assert relation.junction is not None
    name = _shown_by(links)
    moved = {there for _, there in (*gone, *come)}
    if name is None or not moved:
        return
    far, pairs = target.neighbour(links.far), target.junction(relation.junction.name)
    held: dict[Any, set[Any]] = {there: set() for there in moved}
    near, beyond = pairs.c[relation.near], pairs.c[relation.beyond]
    for here, there in tx.rows(select(near, beyond).where(beyond.in_(list(moved)))):
        held[there].add(here)
    before = {there: set(now) for there, now in held.items()}
    for here, there in come:
        before[there].discard(here)
    for here, there in gone:
        before[there].add(here)
    column = far.source.c[relation.far]
    keys = select(column, *(far.source.c[each] for each in far.key)).where(column.in_(list(moved)))
    tx.log(
        [
            ChangeRow(
                table=far.log_name,
                record=key_text(key),
                operation="update",
                before={name: sorted(before[there])},
                after={name: sorted(held[there])},
            )
            for there, *key in tx.rows(keys)
            if before[there] != held[there]
        ]
    )


def _shown_by(links: Links) -> str | None:
    """The field of the linked table that shows the same pairs from their other side."""
    relation = links.field.relation
    for name, field in links.far.fields.items():
        other = field.relation if isinstance(field, LinksField) else None
        if other is None or other.junction is None or relation.junction is None:
            continue
        if other.junction.name == relation.junction.name and other.near == relation.beyond:
            return name
    return None


def _move_children(tx: Transaction, target: "WritableTable", links: Links, moves: Sequence[Move]) -> None:
    """The linked records hold the link: theirs are the rows that change, those let go first."""
    from core.records.row_check import Candidate, check_rows
    from core.records.update import write_changes

    column = links.field.relation.far
    child = target.holder(links.far, column)
    own = links.field.relation.own
    holders = target.load(tx, [key for key, _, _ in moves]) if own not in target.key else {}
    let_go: dict[KeyValue, Any] = {}
    taken: dict[KeyValue, Any] = {}
    for key, before, after in moves:
        value = holders[key][own] if holders else key[target.key.index(own)]
        let_go |= {parse_key(links.far, each): None for each in before if each not in after}
        taken |= {parse_key(links.far, each): value for each in after if each not in before}
    let_go = {key: value for key, value in let_go.items() if key not in taken}
    if let_go and links.far.type_of(column).spec.required:
        error = FieldError(
            links.name,
            "link.required",
            say("{name}: {column} of {table} is required", name=links.name, column=column, table=links.far.name),
        )
        raise invalid([error])
    for wanted in (let_go, taken):
        rows = child.load(tx, wanted.keys(), lock=True)
        if child.hides_rows and len(rows) < len(wanted):
            raise NotFound()
        pairs = [(row, {column: wanted[key]}) for key, row in rows.items() if row[column] != wanted[key]]
        for row, changes in pairs:
            check_changes(links.far, row, changes, tx.time)
        candidates = [Candidate({**row, **changes}, changes.keys(), child.key_of(row)) for row, changes in pairs]
        for refusal in check_rows(child, tx, candidates).values():
            raise refusal
        write_changes(tx, child, pairs)


def ancestors(
    reader: Reader, start: Mapping[Any, Iterable[Any]], next_of: Callable[[Reader, list[Any]], dict[Any, list[Any]]]
) -> dict[Any, set[Any]]:
    """For each record all that it leads to, beginning with what `start` says instead of what is stored."""
    known: dict[Any, list[Any]] = {key: list(value) for key, value in start.items()}
    todo = {each for value in known.values() for each in value} - known.keys()
    while todo:
        found = next_of(reader, list(todo))
        known |= {key: found.get(key, []) for key in todo}
        todo = {each for key in found for each in found[key]} - known.keys()
    reached: dict[Any, set[Any]] = {}
    for key in start:
        seen: set[Any] = set()
        queue = list(known[key])
        while queue:
            here = queue.pop()
            if here not in seen:
                seen.add(here)
                queue += known.get(here, ())
        reached[key] = seen
    return reached
