"""Changes of an app file that concern how people sign in: every key of `auth`, and the ways in by their type."""

from collections.abc import Mapping
from typing import Any

import yaml

from core.errors import BadRequest
from core.schema.alias import STRATEGY_ALIASES
from core.schema.document import Step
from core.schema.edit_access import AccessEdit

_AUTH = "auth"
_WAYS = "strategies"
_SWITCHES = frozenset({"twoFactor"})
"""Maps that mean something by being there: without their last key they are `true`."""


class AuthEdit(AccessEdit):
    """The part of `AppEdit` that knows where settings of accounts stand."""

    def _do_set_auth(self, change: Mapping[str, Any]) -> None:
        """`path` below `auth`, `value` (absent: remove, with the maps that are empty then). A way in stands there by its
        type: `["strategies", "magicLink", "expirationMinutes"]`; `["strategies", "magicLink"]` is there or not, as `value`
        says. A key of a way that is not there brings the way with it."""
        path, value = [str(step) for step in change["path"]], change.get("value")
        if not path or path == [_WAYS]:
            raise BadRequest("The path names no key of `auth`")
        if path[0] == _WAYS:
            self._set_way(path[1], path[2:], value)
        elif value is not None:
            self._put((), [_AUTH, *path], value)
        elif self._find((_AUTH, *path[:-1]), path[-1]) is not None:
            self._remove_with_empty((_AUTH, *path))

    def _set_way(self, kind: str, option: list[str], value: Any) -> None:
        at = self._way(kind)
        written = {option[0]: value} if option and value is not None else {}
        if at is None:
            if value not in (None, False):
                self._append((), [_AUTH, _WAYS], {"type": kind, **written})
            return
        path = (_AUTH, _WAYS, at)
        if not option:
            if value in (None, False):
                self._remove(path)
        elif self._value(path) is not None:  # the short form, a name alone
            if written:
                self._set(path, {"type": kind, **written})
        elif written:
            self._set((*path, *option), value)
        elif self._find(path, option[0]) is not None:
            self._remove((*path, *option))

    def _way(self, kind: str) -> int | None:
        """Where a way in is listed, in its long form or by its name alone."""
        if self._find((_AUTH,), _WAYS) is None:
            return None
        for at in range(self._length((_AUTH, _WAYS))):
            path = (_AUTH, _WAYS, at)
            name = self._value(path) or self._value((*path, "type"))
            if STRATEGY_ALIASES.get(str(name), name) == kind:
                return at
        return None

    def _remove_with_empty(self, path: tuple[Step, ...]) -> None:
        self._remove(path)
        *above, last = path[:-1]
        node = self._find(above, last) if above else None
        if isinstance(node, yaml.MappingNode) and not node.value:
            if last in _SWITCHES:
                self._set(path[:-1], True)
            else:
                self._remove_with_empty(path[:-1])
