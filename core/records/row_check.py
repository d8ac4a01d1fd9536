"""Rows as they would be stored, held against what is stored: links, people, files and unique keys (T-142)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, select, tuple_

from core.auth.store import known
from core.errors import Conflict, FieldError, SovriumError
from core.fields.base import ValueProblem
from core.fields.link import LinksField
from core.files.ledger import known_files, settle
from core.query.computed import link_key
from core.query.scope import linked_table
from core.query.view_limit import view_limit
from core.records.key import KeyValue
from core.records.links import ancestors
from core.records.sameness import comparable, is_one_of
from core.records.validate import invalid
from core.sentence import say
from core.storage.database import Reader, Transaction

if TYPE_CHECKING:
    from core.records.writing import Stored, WritableTable


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row as it would be stored, and which of its columns are new. `key` is None for a record to be created."""

    values: Mapping[str, Any]
    changed: Collection[str]
    key: KeyValue | None = None


def check_rows(
    writable: "WritableTable", reader: Transaction, candidates: Sequence[Candidate], free: Sequence[str] = ()
) -> dict[int, SovriumError]:
    """Constraints of the table, then links, then unique keys (T-142): what is wrong, by position in `candidates`. `free` is
    a unique key that need not be looked at."""
    found: dict[int, SovriumError] = {}
    if writable.constraints:
        scope = writable.scope(reader, reader.time)
        for place, names in writable.constraints.broken(reader, scope, candidates).items():
            found[place] = refused(names)
    broken: dict[int, list[FieldError]] = {}
    for look in (_broken_links, _broken_sets, _strangers, _unfit_files, _broken_keys):
        for place, errors in look(writable, reader, candidates).items():
            broken.setdefault(place, []).extend(errors)
    for place, errors in broken.items():
        found.setdefault(place, invalid(errors))
    # A row that is out already holds no key.
    places = [place for place in range(len(candidates)) if place not in found]
    standing = [candidates[place] for place in places]
    for at, conflict in _duplicates(writable, reader, standing, free).items():
        found[places[at]] = conflict
    if writable.constraints:
        for at, fields in writable.constraints.duplicates(reader, scope, standing, writable.key).items():
            found.setdefault(places[at], duplicate(fields))
    return found


def check_trash(writable: "WritableTable", reader: Transaction, rows: "Sequence[Stored]") -> None:
    """Raises what keeps rows, as they will be, from going to the trash or coming back: unique keys and constraints that
    look at it (T-140)."""
    if writable.constraints.know_trash:
        _judge(writable, reader, rows, (*writable.deleted, *writable.updated))


def check_followers(
    writable: "WritableTable", reader: Transaction, rows: "Sequence[Stored]", values: Mapping[str, Any]
) -> None:
    """Raises what keeps rows from the values that they get because of a record that they link to: constraints (T-141), and
    unique keys that the engine keeps."""
    if rows and writable.constraints:
        _judge(writable, reader, [{**row, **values} for row in rows], values)


def _judge(writable: "WritableTable", reader: Transaction, rows: "Sequence[Stored]", changed: Collection[str]) -> None:
    candidates = [Candidate(row, changed, writable.key_of(row)) for row in rows]
    scope = writable.scope(reader, reader.time)
    for names in writable.constraints.broken(reader, scope, candidates).values():
        raise refused(names)
    for fields in writable.constraints.duplicates(reader, scope, candidates, writable.key).values():
        raise duplicate(fields)


def _broken_links(
    writable: "WritableTable", reader: Transaction, candidates: Sequence[Candidate]
) -> dict[int, list[FieldError]]:
    found: dict[int, list[FieldError]] = {}
    for name, target, column in writable.links:
        wanted = {
            place: candidate.values[name]
            for place, candidate in enumerate(candidates)
            if name in candidate.changed and candidate.values.get(name) is not None
        }
        if not wanted:
            continue
        statement = select(target.c[column]).where(
            target.c[column].in_(list(set(wanted.values()))), target.c.deleted_at.is_(None)
        )
        if (seen := writable.linkable(writable.linked[name], target)) is not None:
            statement = statement.where(seen)
        known = _known(writable, reader, name, statement)
        for place, value in wanted.items():
            if not known.get(value):
                found.setdefault(place, []).append(not_linkable(name, [value], value in known))
    for name in writable.acyclic:
        for place, error in _circles(writable, reader, name, candidates).items():
            found.setdefault(place, []).append(error)
    return found


def _known(writable: "WritableTable", reader: Transaction, name: str, statement: Select[Any]) -> dict[Any, bool]:
    """The records of a statement, and whether the link may lead to them (T-118)."""
    link = writable.table.fields[name]
    if link.options.limit_to_view is None:
        return dict.fromkeys((row[0] for row in reader.rows(statement)), True)
    scope = writable.scope(reader, reader.time)
    limit = view_limit(link, replace(scope, table=linked_table(writable.model, link)))
    if limit is None:
        return dict.fromkeys((row[0] for row in reader.rows(statement)), True)
    return dict(reader.rows(statement.add_columns(limit)))


def _circles(
    writable: "WritableTable", reader: Reader, name: str, candidates: Sequence[Candidate]
) -> dict[int, FieldError]:
    """Records that would come to stand above themselves (T-108). New ones cannot: nothing leads to them yet."""
    own, next_of = _steps(writable, name)
    starts = {
        place: (candidate.values[own], candidate.values[name])
        for place, candidate in enumerate(candidates)
        if candidate.key is not None and name in candidate.changed and candidate.values.get(name)
    }
    if not starts:
        return {}
    begin = {key: value if isinstance(value, list) else [value] for key, value in starts.values()}
    reached = ancestors(reader, begin, next_of)
    message = say("{name}: the record would come to stand above itself", name=name)
    return {place: FieldError(name, "link.cycle", message) for place, (key, _) in starts.items() if key in reached[key]}


def _steps(writable: "WritableTable", name: str) -> tuple[str, Callable[[Reader, list[Any]], dict[Any, list[Any]]]]:
    """What a link of the table to itself holds of a record, and how records lead on."""
    field = writable.table.fields[name]
    if isinstance(field, LinksField):
        relation = field.relation
        assert relation.junction is not None
        pairs = writable.junction(relation.junction.name)
        here, there, own = pairs.c[relation.near], pairs.c[relation.beyond], relation.own
    else:
        own = next(column for link, _, column in writable.links if link == name)
        here, there = writable.source.c[own], writable.source.c[name]

    def next_of(reader: Reader, keys: list[Any]) -> dict[Any, list[Any]]:
        found: dict[Any, list[Any]] = {}
        for key, following in reader.rows(select(here, there).where(here.in_(keys), there.is_not(None))):
            found.setdefault(key, []).append(following)
        return found

    return own, next_of


def _broken_sets(
    writable: "WritableTable", reader: Transaction, candidates: Sequence[Candidate]
) -> dict[int, list[FieldError]]:
    """Links to several records: those that are not there."""
    found: dict[int, list[FieldError]] = {}
    for name, links in writable.many.items():
        wanted = {place: c.values[name] for place, c in enumerate(candidates) if name in c.changed and c.values[name]}
        keys = list({key for value in wanted.values() for key in value})
        if not keys:
            continue
        source = writable.table_of(links.far)
        column = link_key(source, links.field)
        statement = select(column).where(column.in_(keys), source.c.deleted_at.is_(None))
        if (seen := writable.linkable(links.far, source)) is not None:
            statement = statement.where(seen)
        known = _known(writable, reader, name, statement)
        for place, value in wanted.items():
            missing = [key for key in value if key not in known]
            beyond = [key for key in value if key in known and not known[key]]
            if missing or beyond:
                found.setdefault(place, []).append(not_linkable(name, missing or beyond, not missing))
    return found


def _broken_keys(
    writable: "WritableTable", reader: Reader, candidates: Sequence[Candidate]
) -> dict[int, list[FieldError]]:
    """References over several fields (T-117); one with a NULL in it is not checked."""
    found: dict[int, list[FieldError]] = {}
    for key in writable.table.spec.foreign_keys:
        wanted = {
            place: values
            for place, candidate in enumerate(candidates)
            if not set(key.fields).isdisjoint(candidate.changed)
            and None not in (values := tuple(candidate.values.get(name) for name in key.fields))
        }
        if not wanted:
            continue
        target = writable.model.by_sql_name[key.table]
        source = writable.table_of(target)
        columns = [source.c[name] for name in key.columns]
        statement = select(*columns).where(
            source.c.deleted_at.is_(None), tuple_(*columns).in_(list(set(wanted.values())))
        )
        if (seen := writable.linkable(target, source)) is not None:
            statement = statement.where(seen)
        known = {tuple(row) for row in reader.rows(statement)}
        for place, values in wanted.items():
            if values not in known:
                message = say(
                    "{names}: there is no such record of {table}", names=", ".join(key.fields), table=target.name
                )
                found.setdefault(place, []).append(FieldError(key.fields[0], "link.missing", message))
    return found


def _strangers(
    writable: "WritableTable", reader: Reader, candidates: Sequence[Candidate]
) -> dict[int, list[FieldError]]:
    """Ids that are no accounts (T-088)."""
    found: dict[int, list[FieldError]] = {}
    for name in writable.people:
        wanted: dict[int, list[str]] = {}
        for place, candidate in enumerate(candidates):
            value = candidate.values.get(name) if name in candidate.changed else None
            if value:
                wanted[place] = value if isinstance(value, list) else [value]
        accounts = known(reader, {each for ids in wanted.values() for each in ids})
        for place, ids in wanted.items():
            missing = [each for each in ids if each not in accounts]
            if missing:
                error = FieldError(
                    name,
                    "user.unknown",
                    say("{name}: there is no account {users}", name=name, users=", ".join(missing[:10])),
                )
                found.setdefault(place, []).append(error)
    return found


def _unfit_files(
    writable: "WritableTable", reader: Reader, candidates: Sequence[Candidate]
) -> dict[int, list[FieldError]]:
    """Files that are not there or do not fit; what is known of the others is put into the values."""
    found: dict[int, list[FieldError]] = {}
    for name, field in writable.files.items():
        held = {
            place: field.held(candidate.values.get(name))
            for place, candidate in enumerate(candidates)
            if name in candidate.changed
        }
        facts = known_files(reader, {each["key"] for files in held.values() for each in files})
        for place, files in held.items():
            for each in files:
                file = facts.get(each["key"])
                is_open = file is not None and writable.may_refer(reader, file)
                try:
                    settle(each, field, facts if is_open else {})
                except ValueProblem as problem:
                    error = FieldError(
                        name, problem.code, say("{name}: {problem}", name=name, problem=say(problem.message))
                    )
                    found.setdefault(place, []).append(error)
    return found


def _duplicates(
    writable: "WritableTable", reader: Reader, candidates: Sequence[Candidate], free: Sequence[str]
) -> dict[int, Conflict]:
    found: dict[int, Conflict] = {}
    for names in writable.unique:
        if names == free:
            continue
        wanted: dict[tuple[Any, ...], list[int]] = {}
        for place, candidate in enumerate(candidates):
            values = tuple(comparable(candidate.values.get(name)) for name in names)
            if None not in values and any(name in candidate.changed for name in names):
                wanted.setdefault(values, []).append(place)
        if not wanted:
            continue
        moving = {c.key for c in candidates if c.key is not None and any(name in c.changed for name in names)}
        taken = _holders(writable, reader, names, list(wanted), moving)
        for values, places in wanted.items():
            for place in places if values in taken else places[1:]:
                found.setdefault(place, duplicate(names))
    return found


def _holders(
    writable: "WritableTable",
    reader: Reader,
    names: tuple[str, ...],
    values: list[tuple[Any, ...]],
    moving: Collection[KeyValue | None],
) -> set[tuple[Any, ...]]:
    columns = [writable.source.c[name] for name in names]
    rows = reader.rows(
        select(*columns, *(writable.source.c[name] for name in writable.key)).where(is_one_of(columns, values))
    )
    width = len(names)
    return {tuple(map(comparable, row[:width])) for row in rows if row[width:] not in moving}


def not_linkable(name: str, keys: Sequence[Any], exists: bool) -> FieldError:
    """Records that a link may not lead to; `exists`: only because of `limitToView`."""
    shown = ", ".join(map(str, keys[:10]))
    if exists:
        return FieldError(
            name,
            "link.not-in-view",
            say("{name}: {keys} is not among the records that may be linked", name=name, keys=shown),
        )
    return FieldError(name, "link.missing", say("{name}: there is no record {keys}", name=name, keys=shown))


def refused(constraints: Sequence[str]) -> SovriumError:
    """Constraints that the record does not meet (T-141)."""
    errors = [
        FieldError(name, "constraint", say("The record does not meet the constraint {name}", name=name))
        for name in constraints
    ]
    refusal = invalid(errors)
    refusal.extra["constraint"] = constraints[0]
    refusal.extra.pop("field", None)
    return refusal


def duplicate(names: tuple[str, ...]) -> Conflict:
    """Another record has the values of a unique key."""
    if len(names) == 1:
        return Conflict(say("Another record has this {name}", name=names[0]), field=names[0], fields=list(names))
    return Conflict(say("Another record has the same {names}", names=", ".join(names)), fields=list(names))
