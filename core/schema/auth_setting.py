"""The keys of `auth` one by one, for forms that edit them: what each may hold, what holds without it, and what the app file
says, and where. All of it comes from the forms that the loader checks by.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from core.contract.auth_setting import AuthSetting, AuthSettings, Kind
from core.schema.alias import STRATEGY_ALIASES
from core.schema.auth_form import SECONDS, STRATEGIES, AuthForm
from core.schema.form import Form
from core.schema.model import App
from core.schema.problem import Position
from core.schema.source import read_source
from core.schema.tree import Map, Seq, plain, position_at

KINDS: Mapping[str, Kind] = {"boolean": "switch", "integer": "number", "array": "list", "object": "map"}


@dataclass(frozen=True, slots=True)
class AuthKey:
    """One key. `path` is below `auth`; a way in stands there by its type: `("strategies", "magicLink", …)`. `texts`: the
    items of the list, or the values of the map, are texts."""

    path: tuple[str, ...]
    kind: Kind
    about: str = ""
    default: Any = None
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    texts: bool = False


@cache
def auth_keys() -> tuple[AuthKey, ...]:
    """Every key of the section, those of a way in behind it."""
    found: list[AuthKey] = []
    for key in _keys_of(AuthForm):
        if key.path != ("strategies",):
            found.append(key)
            continue
        for name, form in STRATEGIES.items():
            found.append(AuthKey((*key.path, name), "switch", form.__doc__ or "", default=False))
            found += [replace(each, path=(*key.path, name, *each.path)) for each in _keys_of(form)]
    return tuple(found)


def _keys_of(form: type[Form]) -> Iterator[AuthKey]:
    schema = form.model_json_schema(by_alias=True)
    yield from _keys(schema, schema.get("$defs", {}), ())


def _keys(schema: Mapping[str, Any], definitions: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[AuthKey]:
    for name, each in schema["properties"].items():
        if "const" in each:
            continue  # a strategy's `type`
        path, shapes = (*above, name), _shapes(each, definitions)
        section = next((shape for shape in shapes if "properties" in shape), None)
        values = [shape for shape in shapes if shape is not section]
        if values:
            yield _key(path, each, values, definitions)
        if section is not None:
            yield from _keys(section, definitions, path)


def _shapes(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The forms that a value may take, but for `null`."""
    if "$ref" in schema:
        return _shapes(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions)
    branches = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if branches:
        return [shape for each in branches for shape in _shapes(each, definitions)]
    return [] if schema.get("type") == "null" else [schema]


def _key(
    path: tuple[str, ...],
    schema: Mapping[str, Any],
    shapes: list[Mapping[str, Any]],
    definitions: Mapping[str, Any],
) -> AuthKey:
    key = AuthKey(path, "text", schema.get("description", ""), schema.get("default"))
    named = next((shape for shape in shapes if "enum" in shape), None)
    first, types = shapes[0], {shape.get("type") for shape in shapes}
    if named is not None:
        return replace(key, kind="choice", choices=tuple(named["enum"]))
    if types == {"integer", "string"}:
        return replace(key, kind="duration")
    if first.get("type") == "string":
        return replace(key, kind="lines" if "contentMediaType" in schema else "text")
    inside = _shapes(first.get("items") or first.get("additionalProperties") or {}, definitions)
    return replace(
        key,
        kind="seconds" if SECONDS in first else KINDS[first["type"]],
        least=first.get("minimum"),
        most=first.get("maximum"),
        choices=tuple(choice for shape in inside for choice in shape.get("enum", ())),
        texts=all(shape.get("type") == "string" for shape in inside),
    )


# ── What a file says ──


def auth_settings(app: App) -> AuthSettings:
    """The keys with what the app's file has there now. Raises nothing for a file that has become wrong meanwhile: what
    cannot be read counts as not said."""
    tree = read_source(app.source).tree if app.source is not None else None
    section = tree.get("auth") if isinstance(tree, Map) else None
    ways = _ways(section)
    names = {
        ("defaultRole",): [role.name for role in app.roles.ordered],
        ("mfa", "requireFor"): [role.name for role in app.roles.ordered],
        ("scopeTables",): [table.name for table in app.tables],
    }
    return {
        "settings": [_setting(key, tree, ways, names.get(key.path, list(key.choices))) for key in auth_keys()],
        "ways": list(ways),
        "accounts": isinstance(section, Map),
    }


def _ways(section: Any) -> dict[str, int]:
    """The ways in, each with its place in the list."""
    items = section.get("strategies") if isinstance(section, Map) else None
    found: dict[str, int] = {}
    for number, item in enumerate(items if isinstance(items, Seq) else ()):
        name = item.get("type") if isinstance(item, Map) else STRATEGY_ALIASES.get(str(item), item)
        found.setdefault(str(name), number)
    return found


def _setting(key: AuthKey, tree: Any, ways: Mapping[str, int], choices: list[str]) -> AuthSetting:
    first, *rest = key.path
    path: tuple[Any, ...] = ("auth", *key.path)
    if first == "strategies":
        path = ("auth", first, ways.get(rest[0], -1), *rest[1:])
    written, value = _value(tree, path)
    if first == "strategies" and len(rest) == 1:
        value = written
    elif key.kind == "switch" and isinstance(value, Map):
        value = True  # `twoFactor: {digits: 8}`
    position: Position | None = position_at(tree, path, key=True) if written else None
    return {
        "path": list(key.path),
        "kind": key.kind,
        "about": key.about,
        "default": key.default,
        "choices": choices,
        "least": key.least,
        "most": key.most,
        "texts": key.texts,
        "written": written,
        "value": plain(value),
        "file": Path(position.file).name if position is not None else "",
        "line": position.line if position is not None else None,
    }


def _value(tree: Any, path: tuple[Any, ...]) -> tuple[bool, Any]:
    """Whether something is written at a path, and what."""
    for step in path:
        if not (step in tree if isinstance(tree, Map) else isinstance(tree, Seq) and step in range(len(tree))):
            return False, None
        tree = tree[step]
    return True, tree
