"""From an app file to an `App`, or to everything that is wrong with it."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from core.errors import SchemaError
from core.schema.alias import rewrite
from core.schema.analytics import read_analytics
from core.schema.auth_check import read_auth
from core.schema.environment import environment
from core.schema.foreign_key import check_foreign_keys
from core.schema.form import ROOT_RUN, AppForm, EnvForm
from core.schema.model import App, PrimaryKey, TableSpec
from core.schema.name import slug, sql_name
from core.schema.pattern import NPM_NAME, WORDS
from core.schema.permission_check import TableNames, check_permissions, rate_limit_of
from core.schema.policy_read import check_policy_roles
from core.schema.problem import Position, Problem
from core.schema.role_check import is_signed_in_to, read_roles
from core.schema.shape import Findings, References, show
from core.schema.snapshot import table_data
from core.schema.source import Source, display_name, is_broken, read_source, read_text
from core.schema.table import declared_names, next_ids, read_table
from core.schema.tree import Map, Seq, from_plain, plain
from core.schema.view_check import check_view_roles
from core.schema.vocabulary import FieldVocabulary
from core.sentence import say


def load_app(source: Path, vocabulary: FieldVocabulary, *, environ: Mapping[str, str] = os.environ) -> App:
    """The app of a file. Raises SchemaError with all problems when there is an error, or when a declared environment
    variable has no value (neither in `environ` nor in the `.env` beside the file) and no default (CL-007)."""
    app, problems = check_app(source, vocabulary)
    if app is None:
        raise failure(problems)
    missing = _missing_variables(app, environment(source.absolute(), environ))
    if missing:
        raise SchemaError(
            say("Environment variables are missing: {names}", names=", ".join(missing)),
            hint="set them, put them into .env, or give defaults",
        )
    return app


def check_app(
    source: Path, vocabulary: FieldVocabulary, texts: Mapping[Path, str] = MappingProxyType({})
) -> tuple[App | None, list[Problem]]:
    """All problems of an app file, sorted by position; the app as well when none of them is an error. `texts` stand in
    for files that have not been written yet."""
    return _check(read_source(source, texts), source.absolute(), vocabulary)


def understood(source: Path, vocabulary: FieldVocabulary) -> tuple[dict[str, Any] | None, list[Problem]]:
    """An app file as it is understood, and its problems: includes in place, older names rewritten, ids filled in (CL-010).
    None when there is an error."""
    found = read_source(source)
    app, problems = _check(found, source.absolute(), vocabulary)
    if app is None:
        return None, problems
    data = {key: plain(value) for key, value in found.tree.items()}
    return data | ({"tables": [dict(table) for table in app.tables_data]} if "tables" in data else {}), problems


def check_text(text: str, vocabulary: FieldVocabulary, name: str = "app.yaml") -> tuple[App | None, list[Problem]]:
    """As `check_app`, for text (the `APP_SCHEMA` variable, an editor's buffer). `name` decides on YAML or JSON."""
    return _check(read_text(text, name), None, vocabulary)


def load_text(text: str, vocabulary: FieldVocabulary, name: str = "app.yaml") -> App:
    """As `load_app`, for text."""
    app, problems = check_text(text, vocabulary, name)
    if app is None:
        raise failure(problems)
    return app


def load_data(data: Mapping[str, Any], vocabulary: FieldVocabulary, name: str = "data") -> App:
    """The app of plain data: a stored snapshot (`{"name": …, "tables": app.tables_data}`), an inferred app."""
    source = Source(tree=from_plain(data, Position(name, 1, 1)))
    app, problems = _check(source, None, vocabulary)
    if app is None:
        raise failure(problems)
    return app


def failure(problems: list[Problem]) -> SchemaError:
    """The exception for a list of problems."""
    errors = [problem for problem in problems if problem.severity == "error"]
    message = first = say(str(errors[0]))
    if len(errors) > 1:
        message = say("The app file has {count} errors; the first: {first}", count=len(errors), first=first)
    return SchemaError(message, problems)


def _check(source: Source, path: Path | None, vocabulary: FieldVocabulary) -> tuple[App | None, list[Problem]]:
    tree = source.tree
    findings = Findings(tree, source.problems)
    app = None
    start = getattr(tree, "position", Position(display_name(path) if path else "app.yaml", 1, 1))
    if isinstance(tree, Map) and not is_broken(tree):
        app = _read_app(tree, findings, vocabulary, source, path)
    elif tree is not None:
        text = say("an app file is a map with a `name`, not {value}", value=show(tree))
        findings.problems.append(Problem("schema.wrong-type", text, position=start))
    elif not findings.problems:
        findings.problems.append(Problem("file.empty", say("{file} holds no app", file=start.file), position=start))
    problems = _sorted(findings.problems, source)
    failed = any(problem.severity == "error" for problem in problems)
    return (None if failed else app), problems


def _read_app(
    tree: Map, findings: Findings, vocabulary: FieldVocabulary, source: Source, path: Path | None
) -> App | None:
    rewrite(tree, findings, vocabulary.aliases())
    # A root that does not fit has been told, and hides nothing of what the tables say of each other.
    shape = findings.read(AppForm, _with_usable_name(tree, findings), ()) or AppForm(name="app")
    tables = _read_tables(tree.get("tables"), _scopes(tree.get("auth")), findings, vocabulary)
    variables = _read_env(tree.get("env"), findings)
    signed_in = is_signed_in_to(tree.get("auth"))
    roles = read_roles(tree.get("auth"), declared_names(tree.get("tables")), findings)
    auth = read_auth(tree.get("auth"), roles, findings)
    analytics = read_analytics(tree.get("analytics"), findings)
    references = References(findings, _unread_names(tree.get("tables"), tables))
    check_permissions([_names(*each) for each in tables], roles if signed_in else None, references)
    for number, _, table in tables if signed_in else ():
        check_view_roles(table, number, roles, findings)
        check_policy_roles(table.rls, ("tables", number, "rls"), roles, findings)
    for key in tree:
        if key in _ROOT_KEYS - ROOT_RUN:
            findings.note("schema.later", say("`{key}` is accepted, not run yet", key=key), (key,))
    for key in (shape.server and shape.server.model_extra) or ():
        findings.note("schema.later", say("`server.{key}` is accepted, not run yet", key=key), ("server", key))
    app = App(
        name=shape.name,
        version=shape.version,
        description=shape.description or "",
        tables=tuple(table for _, _, table in tables),
        auth=auth,
        roles=roles,
        rate_limit=rate_limit_of(shape.rate_limit or None),
        limited=shape.rate_limit is not False and (shape.rate_limit is None or shape.rate_limit.enabled),
        trusted_proxies=(
            *(shape.rate_limit.trusted_proxies if shape.rate_limit else ()),
            *(auth.rate.trusted_proxies if auth else ()),
        ),
        private_hosts=tuple(host.lower() for host in shape.webhooks.allow_private) if shape.webhooks else (),
        history_days=shape.history.retention_days if shape.history else None,
        analytics=analytics,
        env=variables,
        host=shape.server.host if shape.server else None,
        port=shape.server.port if shape.server else None,
        allowed_hosts=tuple(shape.server.allowed_hosts) if shape.server else (),
        later={key: plain(value) for key, value in tree.items() if key not in _ROOT_SPECS},
        source=path,
        files=tuple(source.files),
        checksum=source.checksum,
    )
    for number, node, table in tables:
        _check_fields(number, node, table, app, references, vocabulary)
        check_foreign_keys(table, ("tables", number), app, references)
    if any(problem.severity == "error" for problem in findings.problems):
        return None
    return replace(app, tables_data=tuple(table_data(table, node) for _, node, table in tables))


_ROOT_KEYS = frozenset(field.alias or name for name, field in AppForm.model_fields.items())
_ROOT_SPECS = frozenset(
    {
        "name",
        "version",
        "description",
        "tables",
        "auth",
        "env",
        "rateLimit",
        "history",
        "webhooks",
        "server",
        "analytics",
    }
)


def _with_usable_name(tree: Map, findings: Findings) -> dict[str, Any]:
    """The root's keys. A name of the wrong form is reported here, with one that would do (AM-001), and replaced."""
    data = {key: value for key, value in tree.items() if not is_broken(value)}
    name = tree.get("name")
    if isinstance(name, str) and not (re.fullmatch(NPM_NAME, name) and len(name) <= 214):
        hint = say("`{name}` would do", name=slug(name)[:214]) if slug(name) else None
        rule = say("{rule}, at most 214 characters", rule=WORDS[NPM_NAME])
        findings.error(
            "schema.app-name", say("{value} is not {rule}", value=show(name), rule=rule), ("name",), hint=hint
        )
        data["name"] = "app"
    return data


def _scopes(auth: Any) -> frozenset[str]:
    """SQL names of the tables that access is granted over (`auth.scopeTables`)."""
    names = auth.get("scopeTables") if isinstance(auth, Map) else None
    return (
        frozenset(sql_name(name) for name in names if isinstance(name, str)) if isinstance(names, Seq) else frozenset()
    )


def _read_tables(
    nodes: Any, scopes: frozenset[str], findings: Findings, vocabulary: FieldVocabulary
) -> list[tuple[int, Map, TableSpec]]:
    """The tables that can be read, with their place in the list."""
    ids = next_ids(nodes, ("tables",), findings, "table")
    tables: list[tuple[int, Map, TableSpec]] = []
    names: dict[str, str] = {}
    indexes: dict[str, str] = {}
    for number, node in enumerate(nodes if isinstance(nodes, Seq) else ()):
        path = ("tables", number)
        table = None if is_broken(node) else read_table(node, path, findings, vocabulary, ids[number])
        if table is None:
            continue
        if table.sql_name in scopes and "primaryKey" not in node and table.primary_key == PrimaryKey():
            table = replace(table, primary_key=PrimaryKey(type="text"))  # T-020
        tables.append((number, node, table))
        if table.sql_name in names:
            text = say(
                "{name!r} and the table {other!r} are both `{address}` in the database",
                name=table.name,
                other=names[table.sql_name],
                address=table.sql_name,
            )
            findings.error("schema.duplicate-name", text, (*path, "name"))
        names.setdefault(table.sql_name, table.name)
        for index in table.indexes:
            if index.name in indexes:
                text = say(
                    "the index name `{index}` is needed twice, in {first!r} and in {name!r}",
                    index=index.name,
                    first=indexes[index.name],
                    name=table.name,
                )
                findings.error("schema.duplicate-name", text, path)
            indexes.setdefault(index.name, table.name)
    _check_addresses(tables, findings)
    return tables


def _check_addresses(tables: Sequence[tuple[int, Map, TableSpec]], findings: Findings) -> None:
    """A table answers to its id, its name and its name in the database: none of them may lead to another one."""
    by_id = {table.id: table for _, _, table in tables}
    for number, _, table in tables:
        named = [by_id[name] for name in (table.name, table.sql_name) if name in by_id]
        for other in [each for each in named if each is not table][:1]:
            text = say("{name!r} is the id of the table {other!r}", name=other.id, other=other.name)
            findings.error("schema.duplicate-name", text, ("tables", number, "name"))


def _unread_names(nodes: Any, tables: Sequence[tuple[int, Map, TableSpec]]) -> Iterator[str]:
    """Names of the tables and fields that stand in the file and could not be read."""
    read = {number: table for number, _, table in tables}
    for number, node in enumerate(nodes if isinstance(nodes, Seq) else ()):
        if not isinstance(node, Map):
            continue
        names, table = declared_names(node.get("fields")), read.get(number)
        if table is not None:
            yield from names.difference(field.name for field in table.fields)
            continue
        yield from names
        if isinstance(node.get("name"), str):
            yield from (node["name"], sql_name(node["name"]))


def _names(number: int, node: Map, table: TableSpec) -> TableNames:
    """A table as the checks of permissions see it; fields that could not be read are known by name."""
    entries = [each for each in node["fields"] if isinstance(each, Map)] if isinstance(node["fields"], Seq) else []
    block = node.get("permissions")
    return TableNames(
        number=number,
        name=table.name,
        sql_name=table.sql_name,
        fields=frozenset(str(each.get("name")) for each in entries) | frozenset(table.primary_key.fields),
        links={
            str(each.get("name")): sql_name(each["relatedTable"])
            for each in entries
            if isinstance(each.get("relatedTable"), str)
        },
        several=frozenset(
            str(each.get("name")) for each in entries if each.get("relationType") in ("one-to-many", "many-to-many")
        ),
        permissions=table.permissions,
        row_rules=table.row_rules,
        entries=block.get("fields") if isinstance(block, Map) else None,
    )


def _read_env(nodes: Any, findings: Findings) -> tuple[Mapping[str, Any], ...]:
    """§2.5"""
    variables: list[Mapping[str, Any]] = []
    for number, node in enumerate(nodes if isinstance(nodes, Seq) else ()):
        path = ("env", number)
        if not isinstance(node, Map):
            findings.error(
                "schema.wrong-type", say("a variable is a map with a `key`, not {value}", value=show(node)), path
            )
            continue
        shape = findings.read(EnvForm, node, path)
        if shape is None:
            continue
        if any(each["key"] == shape.key for each in variables):
            findings.error(
                "schema.duplicate-name", say("the variable {name} is declared twice", name=shape.key), (*path, "key")
            )
        variables.append(shape.model_dump())
    return tuple(variables)


def _check_fields(
    number: int, node: Map, table: TableSpec, app: App, findings: Findings, vocabulary: FieldVocabulary
) -> None:
    """The field types' own rules, which may look at the whole app."""
    specs = {field.name: field for field in table.fields}
    for index, entry in enumerate(node["fields"]):
        field = specs.pop(str(entry.get("name")), None) if isinstance(entry, Map) else None
        for found in vocabulary.check(field, table, app) if field else ():
            path = ("tables", number, "fields", index, *_steps(found.key))
            findings.error(found.code, found.message, path, hint=found.hint)
    for found in vocabulary.check_table(table, app):
        findings.error(found.code, found.message, ("tables", number, *_steps(found.key)), hint=found.hint)


def _steps(key: str) -> tuple[str | int, ...]:
    """`options[2].color` → ("options", 2, "color")"""
    parts = key.replace("]", "").replace("[", ".").split(".")
    return tuple(int(part) if part.isdecimal() else part for part in parts if part)


def _missing_variables(app: App, environ: Mapping[str, str]) -> list[str]:
    return [
        f"{each['key']} ({each['description']})" if each["description"] else each["key"]
        for each in app.env
        if each["required"] and each["default"] is None and each["key"] not in environ
    ]


def _sorted(problems: list[Problem], source: Source) -> list[Problem]:
    """By file in order of reading, then by place."""
    order: dict[str, int] = {}
    for problem in problems:
        if problem.position:
            order.setdefault(problem.position.file, len(order))
    unplaced = (-1, 0, 0)
    return sorted(
        dict.fromkeys(problems),
        key=lambda p: (order[p.position.file], p.position.line, p.position.column) if p.position else unplaced,
    )
