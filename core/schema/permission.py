"""Permissions of a table, its fields and its rows as the app file says them (tables-records §8).

They are read and checked in `permission_check`; what they mean for a caller is decided in `core.access`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from core.schema.name import sql_name

Operation = Literal["read", "comment", "create", "update", "delete", "permanentDelete", "restore"]
OPERATIONS: tuple[Operation, ...] = get_args(Operation)
LINKS_MOST = 5
"""Links that a name may lead through (`order.client.region`, P-033)."""
USER_PATHS = ("id", "email", "role", "isUnrestricted", "activeAssignment")


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may: `all`, `authenticated`, a list of roles and `group:<name>`s, or every role from `least` on. `path` is where
    the file says so."""

    who: Literal["all", "authenticated", "roles", "least"]
    roles: tuple[str, ...] = ()
    path: str = field(default="", compare=False)

    def data(self) -> Any:
        """As the file has it."""
        match self.who:
            case "roles":
                return list(self.roles)
            case "least":
                return {"minRole": self.roles[0]}
            case _:
                return self.who


@dataclass(frozen=True, slots=True)
class FieldRule:
    """Who may read and write one field of those who may the table; None follows the table (P-019)."""

    read: Rule | None = None
    write: Rule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """The block of one table. `fields` None: not said, so a parent's hold."""

    operations: Mapping[Operation, Rule] = field(default_factory=dict)
    fields: Mapping[str, FieldRule] | None = None
    inherit: str | None = None
    override: Mapping[Operation, Rule] = field(default_factory=dict)
    admin_only: Mapping[Operation, Rule] = field(default_factory=dict)
    """`override.admin`: operations that are the admins' alone (P-041)."""
    path: str = field(default="", compare=False)

    def data(self) -> dict[str, Any]:
        """The operations that it names itself, as the file has them."""
        return {name: rule.data() for name, rule in self.operations.items()}


@dataclass(frozen=True, slots=True)
class CurrentUser:
    """A value that depends on the caller: `id`, `email`, `role`, `isUnrestricted`, `activeAssignment`, or the records of a
    table that are assigned to the caller (`table` is its SQL name)."""

    path: Literal["id", "email", "role", "isUnrestricted", "activeAssignment", "assignments"]
    table: str = ""


Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Condition:
    """`field` may lead through a relationship (`project.client_id`)."""

    field: str
    operator: Literal["eq", "neq", "in"]
    value: Scalar | tuple[Scalar, ...] | CurrentUser


@dataclass(frozen=True, slots=True)
class Conditions:
    logic: Literal["and", "or"]
    parts: tuple["Condition | Conditions", ...]


@dataclass(frozen=True, slots=True)
class RowRule:
    """Which rows. `check_result`: of a write rule, that the row must still meet it afterwards (P-026)."""

    when: Condition | Conditions
    check_result: bool = True
    path: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class RowRules:
    """§8.5; None: no rule for that operation (P-028)."""

    read: RowRule | None = None
    write: RowRule | None = None
    create: RowRule | None = None
    delete: RowRule | None = None


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Requests within a window of seconds, for callers without a session; None: not said here (L-007)."""

    read: int | None = None
    write: int | None = None
    delete: int | None = None
    window: int | None = None


# ── Inheritance ──


class Cycle(Exception):
    """Permissions that inherit from each other; or from a table that is not there."""


def resolved(name: str, blocks: Mapping[str, Permissions | None]) -> Permissions | None:
    """The block of a table with what it inherits (P-040): own keys over the parent's, `override` over both; own `fields`
    in the place of the parent's. `blocks` by SQL name; None: the table has no block. Raises Cycle."""
    return _resolved(name, blocks, ())


def _resolved(name: str, blocks: Mapping[str, Permissions | None], on_the_way: tuple[str, ...]) -> Permissions | None:
    if name in on_the_way or name not in blocks:
        raise Cycle(" → ".join((*on_the_way, name)))
    own = blocks[name]
    if own is None or own.inherit is None:
        return own
    parent = _resolved(sql_name(own.inherit), blocks, (*on_the_way, name))
    if parent is None:
        return own
    return replace(
        own,
        operations={**parent.operations, **parent.override, **own.operations},
        admin_only={
            **{op: rule for op, rule in parent.admin_only.items() if op not in own.operations},
            **own.admin_only,
        },
        fields=parent.fields if own.fields is None else own.fields,
    )
