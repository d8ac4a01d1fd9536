"""Changes of an app file that concern who may do what: rules of tables and fields, row rules, policies, roles."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from core.errors import BadRequest
from core.schema.document import Step
from core.sentence import say

_ROLES: tuple[Step, ...] = ("auth", "roles")


class AccessEdit(ABC):
    """The part of `AppEdit` that knows where rules stand. What becomes empty by a removal stays, where an empty list means
    something else than no list."""

    def _do_set_rule(self, change: Mapping[str, Any]) -> None:
        """`table`, `path` below it (`["permissions", "read"]`), `value` (absent: remove)."""
        path = [str(step) for step in change["path"]]
        if not path:
            raise BadRequest("The path is empty")
        table = self._table(change["table"])
        if change.get("value") is not None:
            self._put(table, path, change["value"])
        elif self._find((*table, *path[:-1]), path[-1]) is not None:
            self._remove((*table, *path))

    def _do_set_field_rule(self, change: Mapping[str, Any]) -> None:
        """`table`, `field`, `key` (read, write), `value` (absent: remove, and the entry with its last one)."""
        table, key, value = self._table(change["table"]), str(change["key"]), change.get("value")
        path = (*table, "permissions", "fields")
        at = self._index(path, "field", change["field"])
        if at is None:
            if value is not None:
                self._append(table, ["permissions", "fields"], {"field": change["field"], key: value})
        elif value is not None:
            self._set((*path, at, key), value)
        elif self._find((*path, at), key) is not None:
            other = "write" if key == "read" else "read"
            alone = self._find((*path, at), other) is None
            self._remove((*path, at) if alone else (*path, at, key))

    def _do_set_policy(self, change: Mapping[str, Any]) -> None:
        """`table`, `policy` (its name), `value` (its map; absent: remove). A policy that is not there is added."""
        table, value = self._table(change["table"]), change.get("value")
        path = (*table, "rls", "policies")
        at = self._index(path, "name", change["policy"])
        if at is None:
            if value is None:
                raise BadRequest(say("The table has no policy {name}", name=change["policy"]))
            self._append(table, ["rls", "policies"], value)
            return
        if value is None:
            self._remove((*path, at))
            return
        for key in ("name", "for", "to", "as", "using", "check"):
            if value.get(key) is not None:
                self._set((*path, at, key), value[key])
            elif self._find((*path, at), key) is not None:
                self._remove((*path, at, key))

    def _do_add_role(self, change: Mapping[str, Any]) -> None:
        """`role` (its map)."""
        if self._find((), "auth") is None:
            raise BadRequest("The app has no accounts, so no roles", hint="add an `auth` section first")
        self._append((), list(map(str, _ROLES)), change["role"])

    def _do_set_role(self, change: Mapping[str, Any]) -> None:
        """`role`, `key`, `value` (absent: remove the key)."""
        path = (*_ROLES, self._role(change["role"]))
        key, value = str(change["key"]), change.get("value")
        if value is not None:
            self._set((*path, key), value)
        elif self._find(path, key) is not None:
            self._remove((*path, key))

    def _do_remove_role(self, change: Mapping[str, Any]) -> None:
        self._remove((*_ROLES, self._role(change["role"])))

    def _role(self, name: Any) -> int:
        at = self._index(_ROLES, "name", name)
        if at is None:
            raise BadRequest(say("The app file has no role {name}", name=name))
        return at

    def _index(self, path: Sequence[Step], key: str, wanted: Any) -> int | None:
        """Where in a list the map stands whose `key` is that."""
        if self._find(path[:-1], path[-1]) is None:
            return None
        for at in range(self._length(path)):
            if self._value((*path, at, key)) == str(wanted):
                return at
        return None

    def _append(self, above: tuple[Step, ...], path: Sequence[str], value: Any) -> None:
        """To the end of a list, which is made where there is none."""
        whole = (*above, *path)
        if self._find(whole[:-1], whole[-1]) is None or not self._length(whole):
            self._put(above, path, [value])
        else:
            self._insert(whole, None, value)

    def _put(self, above: tuple[Step, ...], path: Sequence[str], value: Any) -> None:
        """Set what stands below a map, with the maps in between that are missing, or that a switch stands for."""
        for count, step in enumerate(path[:-1]):
            here = (*above, *path[:count])
            node = self._find(here, step)
            if node is None or isinstance(node, yaml.ScalarNode) or not node.value:
                for name in reversed(path[count + 1 :]):
                    value = {name: value}
                self._set((*here, step), value)
                return
        self._set((*above, *path), value)

    @abstractmethod
    def _table(self, address: Any) -> tuple[Step, ...]: ...
    @abstractmethod
    def _find(self, path: Sequence[Step], key: Step) -> yaml.Node | None: ...
    @abstractmethod
    def _value(self, path: Sequence[Step]) -> Any: ...
    @abstractmethod
    def _length(self, path: Sequence[Step]) -> int: ...
    @abstractmethod
    def _set(self, path: Sequence[Step], value: Any) -> None: ...
    @abstractmethod
    def _remove(self, path: Sequence[Step]) -> None: ...
    @abstractmethod
    def _insert(self, path: Sequence[Step], at: int | None, value: Any) -> None: ...
