"""One table of the app file: its keys, names and ids checked, its fields read by their types, its indexes named."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from core.schema.comment import comment_rules
from core.schema.foreign_key import read_foreign_keys
from core.schema.form import FIELD_KEYS, FIELD_LATER, TABLE_LATER, FieldForm, PrimaryKeyForm, TableForm
from core.schema.index import table_indexes
from core.schema.model import ConstraintSpec, FieldOptions, FieldSpec, PrimaryKey, TableSpec
from core.schema.name import field_name_problem, nearest, sql_name, table_name_problem
from core.schema.permission_check import permissions_of, rate_limit_of, row_rules_of
from core.schema.policy_read import row_security_of
from core.schema.shape import Findings, show
from core.schema.source import is_broken
from core.schema.tree import Map, Path, Seq, plain
from core.schema.view import ViewSpec
from core.schema.view_check import read_views
from core.schema.vocabulary import FieldVocabulary
from core.schema.webhook import read_webhooks
from core.sentence import say

AUTOMATIC = frozenset({"id", "created_at", "updated_at", "deleted_at"})
"""Columns that every table has without being asked (T-012)."""


def read_table(node: Any, path: Path, findings: Findings, vocabulary: FieldVocabulary, number: str) -> TableSpec | None:
    """The table at a path; None when its keys cannot be read. `number` is its id unless it names one."""
    if not isinstance(node, Map):
        findings.error(
            "schema.wrong-type", say("a table is a map with `name` and `fields`, not {value}", value=show(node)), path
        )
        return None
    entries = node.get("fields")
    # The fields are read one by one, so the form needs to know no more than that there is a list of them.
    listed: dict[str, Any] = {"fields": []} if isinstance(entries, Seq) or is_broken(entries) else {}
    shape = findings.read_known(TableForm, {**node, **listed}, path)
    names = declared_names(entries)
    fields = _read_fields(entries, (*path, "fields"), findings, vocabulary)
    if shape is None:
        return None
    problem = table_name_problem(shape.name)
    if problem:
        findings.error("schema.table-name", problem, (*path, "name"))
    name = sql_name(shape.name)
    key = _read_key(shape.primary_key, path, findings, names)
    key = _fit_key(key, shape.primary_key, fields, path, findings)
    fields = _with_key_required(fields, key)
    _check_stand_ins(fields, entries, path, findings)
    _check_indexes(shape, path, findings, names | AUTOMATIC)
    views = _read_views(node.get("views"), (*path, "views"), findings)
    for each in TABLE_LATER:
        if each in node:
            findings.note("schema.later", say("`{name}` is accepted, not run yet", name=each), (*path, each))
    return TableSpec(
        id=str(shape.id) if shape.id is not None else number,
        name=shape.name.strip(),
        sql_name=name,
        fields=fields,
        primary_key=key,
        foreign_keys=read_foreign_keys(shape.foreign_keys),
        indexes=table_indexes(
            name, fields, key.fields, shape.indexes, shape.unique, ignores_deleted=shape.unique_ignores_deleted
        ),
        constraints=tuple(ConstraintSpec(name=each.name, check=each.check) for each in shape.constraints),
        allow_destructive=shape.allow_destructive,
        allow_force_delete=shape.allow_force_delete,
        physical_checks=shape.physical_checks,
        disabled=shape.disabled,
        has_id=shape.id is not None,
        permissions=permissions_of(shape.permissions, (*path, "permissions")),
        row_rules=row_rules_of(shape.row_level_permissions, (*path, "rowLevelPermissions")),
        rls=row_security_of(shape.rls, (*path, "rls"), findings),
        rate_limit=rate_limit_of(shape.rate_limit),
        comments=comment_rules(shape.comments),
        webhooks=read_webhooks(shape.webhooks, path, findings, names),
        views=views,
        later={each: plain(node[each]) for each in TABLE_LATER if each in node},
    )


def next_ids(nodes: Any, path: Path, findings: Findings, what: str) -> list[str]:
    """The ids of tables or fields in their order: given ones, else the highest number so far plus one (T-009)."""
    entries = [node if isinstance(node, Map) else {} for node in nodes] if isinstance(nodes, Seq) else []
    given = [entry.get("id") for entry in entries]
    numbers = [int(each) for each in given if isinstance(each, int | str) and str(each).isdecimal()]
    following = max(numbers, default=0) + 1
    ids: list[str] = []
    for index, each in enumerate(given):
        if each is None or isinstance(each, bool) or not isinstance(each, int | str):
            ids.append(str(following))
            following += 1
            continue
        if str(each) in ids:
            findings.error(
                "schema.duplicate-id",
                say("another {what} has the id {name}", what=say(what), name=each),
                (*path, index, "id"),
            )
        ids.append(str(each))
    return ids


def _read_views(nodes: Any, path: Path, findings: Findings) -> tuple[ViewSpec, ...]:
    return read_views(nodes, path, findings, next_ids(nodes, path, findings, "view of this table"))


def declared_names(entries: Any) -> frozenset[str]:
    """Names of all tables or fields of a list, the faulty ones included, so that one mistake is reported once."""
    items = entries if isinstance(entries, Seq) else []
    names = (item.get("name") for item in items if isinstance(item, Map))
    return frozenset(name for name in names if isinstance(name, str))


def _read_fields(entries: Any, path: Path, findings: Findings, vocabulary: FieldVocabulary) -> tuple[FieldSpec, ...]:
    if not isinstance(entries, Seq):
        return ()
    ids = next_ids(entries, path, findings, "field of this table")
    seen: dict[str, int] = {}
    fields: list[FieldSpec] = []
    for index, node in enumerate(entries):
        here = (*path, index)
        if is_broken(node):
            continue
        if not isinstance(node, Map):
            findings.error(
                "schema.wrong-type", say("a field is a map with `name` and `type`, not {value}", value=show(node)), here
            )
            continue
        field = read_field(node, here, findings, vocabulary, ids[index])
        name = node.get("name")
        if isinstance(name, str):
            if name in seen:
                findings.error(
                    "schema.duplicate-name", say("the field `{name}` is given twice", name=name), (*here, "name")
                )
                continue
            seen[name] = index
        if field:
            fields.append(field)
    return tuple(fields)


def read_field(node: Map, path: Path, findings: Findings, vocabulary: FieldVocabulary, number: str) -> FieldSpec | None:
    """The field at a path; None when something of it is wrong."""
    before = len(findings.problems)
    type_name = _known_type(node, path, findings, vocabulary)
    own = {key: value for key, value in node.items() if key not in FIELD_KEYS}
    shape = findings.read(FieldForm, {key: value for key, value in node.items() if key in FIELD_KEYS}, path)
    options: FieldOptions | None = None
    if type_name:
        options = findings.read(vocabulary.options(type_name), own, path, FIELD_KEYS)
    if shape:
        problem = field_name_problem(shape.name)
        if problem:
            findings.error("schema.field-name", problem, (*path, "name"))
        if shape.search_weight and not shape.indexed:
            findings.error("schema.search-weight", "`searchWeight` needs `indexed: true`", (*path, "searchWeight"))
    for key in FIELD_LATER:
        if key in node:
            findings.note("schema.later", say("`{key}` is accepted, not run yet", key=key), (*path, key))
    if shape is None or options is None or len(findings.problems) > before or type_name is None:
        return None
    return FieldSpec(
        id=str(shape.id) if shape.id is not None else number,
        name=shape.name,
        type=type_name,
        required=shape.required,
        unique=shape.unique,
        indexed=shape.indexed,
        default=plain(node.get("default")),
        label=shape.label,
        description=shape.description,
        options=options,
        has_id=shape.id is not None,
    )


def _known_type(node: Map, path: Path, findings: Findings, vocabulary: FieldVocabulary) -> str | None:
    """The field's type when it can be used (T-046, D-36); a missing one is reported with the other keys."""
    name = node.get("type")
    if not isinstance(name, str):
        return None
    if name in vocabulary.built():
        return name
    known = {*vocabulary.built(), *vocabulary.aliases()}
    meant = vocabulary.meant(name)
    hint = say("did you mean `{meant}`?", meant=meant) if meant else nearest(name, known)
    findings.error("schema.field-type", say("`{name}` is not a field type", name=name), (*path, "type"), hint=hint)
    return None


def _read_key(shape: PrimaryKeyForm | None, path: Path, findings: Findings, names: Collection[str]) -> PrimaryKey:
    if shape is None:
        return PrimaryKey()
    here = (*path, "primaryKey")
    if shape.type != "composite":
        if shape.fields and (shape.field or len(shape.fields) > 1):
            findings.error(
                "schema.primary-key",
                say("a key of type {type} has one `field`", type=shape.type),
                (*here, "fields"),
                key=True,
            )
        return PrimaryKey(type=shape.type, fields=(shape.field or (shape.fields or ["id"])[0],))
    if shape.field:
        findings.error("schema.primary-key", "a composite key lists `fields`", (*here, "field"), key=True)
    if not shape.fields:
        findings.error("schema.primary-key", "a composite key needs `fields`", here)
        return PrimaryKey()
    for index, name in enumerate(shape.fields):
        where = (*here, "fields", index)
        if name in shape.fields[:index]:
            findings.error("schema.primary-key", say("`{name}` is listed twice in the key", name=name), where)
        elif name not in names and name != "id":
            findings.error("schema.unknown-field", _no_field(name), where, hint=nearest(name, names))
    return PrimaryKey(type="composite", fields=tuple(shape.fields))


_COUNTED = ("auto-increment", "bigserial")
_COUNTING_TYPES = ("integer", "autonumber")
_TEXT_TYPES = ("single-line-text", "email", "url", "phone-number", "code", "single-select", "status")


def _fit_key(
    key: PrimaryKey, shape: PrimaryKeyForm | None, fields: Sequence[FieldSpec], path: Path, findings: Findings
) -> PrimaryKey:
    """The key in accord with the declared field that stands for it (T-010): a text field makes a text key."""
    field = next((each for each in fields if (each.name,) == key.fields), None)
    if field is None or key.type == "composite":
        return key
    fitting = _COUNTING_TYPES if key.type in _COUNTED else _TEXT_TYPES
    if field.type in fitting:
        return key
    if shape is None and field.type in _TEXT_TYPES:
        return PrimaryKey(type="text", fields=key.fields)
    index = next(number for number, each in enumerate(fields) if each is field)
    where: Path = (*path, "primaryKey") if shape else (*path, "fields", index, "type")
    findings.error(
        "schema.primary-key",
        say("a field of type {type} cannot be a key of type {other}", type=field.type, other=key.type),
        where,
    )
    return key


def _with_key_required(fields: Sequence[FieldSpec], key: PrimaryKey) -> tuple[FieldSpec, ...]:
    """A declared key field must be given a value, unless it counts up by itself (T-019)."""

    def counts_up(field: FieldSpec) -> bool:
        return field.type in _COUNTING_TYPES and (key.type in _COUNTED or field.name == "id")

    return tuple(
        replace(field, required=True) if field.name in key.fields and not counts_up(field) else field
        for field in fields
    )


_STAND_INS = {"created_at": "created-at", "updated_at": "updated-at", "deleted_at": "deleted-at"}


def _check_stand_ins(fields: Sequence[FieldSpec], entries: Any, path: Path, findings: Findings) -> None:
    """A field named like an automatic time replaces it, so it must be able to do its work (T-010)."""
    kinds = {field.name: field.type for field in fields}
    for index, node in enumerate(entries if isinstance(entries, Seq) else ()):
        name = node.get("name") if isinstance(node, Map) else None
        if (
            isinstance(name, str)
            and name in _STAND_INS
            and kinds.get(name, "datetime") not in (_STAND_INS[name], "datetime")
        ):
            text = say(
                "`{name}` replaces the automatic column, so it is of type {type} or datetime",
                name=name,
                type=_STAND_INS[name],
            )
            findings.error("schema.stand-in", text, (*path, "fields", index, "type"))


def _check_indexes(shape: TableForm, path: Path, findings: Findings, names: Collection[str]) -> None:
    """T-135: names once, fields known and once."""
    listed: list[tuple[Path, str | None, list[str]]] = [
        *(((*path, "indexes", number), each.name, each.fields) for number, each in enumerate(shape.indexes)),
        *(((*path, "unique", number), each.name, each.fields) for number, each in enumerate(shape.unique)),
        *(((*path, "constraints", number), each.name, []) for number, each in enumerate(shape.constraints)),
        *(((*path, "foreignKeys", number), each.name, each.fields) for number, each in enumerate(shape.foreign_keys)),
    ]
    seen: set[str] = set()
    for here, label, fields in listed:
        if label in seen:
            findings.error(
                "schema.duplicate-name",
                say("the name `{name}` is used twice in this table", name=label),
                (*here, "name"),
            )
        if label is not None:
            seen.add(label)
        for index, name in enumerate(fields):
            where = (*here, "fields", index)
            if name not in names:
                findings.error("schema.unknown-field", _no_field(name), where, hint=nearest(name, names))
            elif name in fields[:index]:
                findings.error("schema.duplicate-name", say("`{name}` is listed twice", name=name), where)


def _no_field(name: str) -> str:
    return say("this table has no field `{name}`", name=name)
