"""Roles and groups of an app: the built-in ones and those of `auth` (auth §3, tables-records §8.2)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

ADMIN, MEMBER, VIEWER = "admin", "member", "viewer"
LEVEL = 40
"""Of a role that names none (A-031)."""
GROUP = "group:"
"""What a group's name in a list of roles begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """`level` orders roles, 0 to 100; it grants nothing by itself (P-005)."""

    name: str
    level: int = LEVEL
    description: str = ""
    built_in: bool = False
    dashboard_tier: str | None = None
    default_landing: str | None = None
    """Where a holder arrives; may hold one `$currentUser.assignments.<table>[0]`."""
    picker_landing: str | None = None
    """Where a holder with several assignments chooses one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    name: str
    description: str = ""
    max_members: int | None = None


BUILT_IN = (
    Role(name=ADMIN, level=80, description="Manages members and settings, passes every permission", built_in=True),
    Role(name=MEMBER, level=40, description="Ordinary access", built_in=True),
    Role(name=VIEWER, level=10, description="Reads", built_in=True),
)


@dataclass(frozen=True)
class Roles:
    """All roles and groups. `default` is the role of a user without one (P-003); `scope_tables` are the SQL names of the
    tables over whose records access is granted (P-042)."""

    roles: tuple[Role, ...] = BUILT_IN
    groups: tuple[Group, ...] = ()
    default: str = MEMBER
    scope_tables: tuple[str, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, Role]:
        return {role.name: role for role in self.roles}

    @cached_property
    def ordered(self) -> tuple[Role, ...]:
        """The highest level first, then by name (A-023)."""
        return tuple(sorted(self.roles, key=lambda role: (-role.level, role.name)))

    @cached_property
    def unrestricted(self) -> frozenset[str]:
        """`admin`, and the declared roles of the highest level when it is at least as high as admin's (P-006)."""
        declared = [role for role in self.roles if not role.built_in]
        top = max((role.level for role in declared), default=0)
        return frozenset({ADMIN, *(role.name for role in declared if role.level == top >= self.by_name[ADMIN].level)})

    def outranks(self, one: str, other: str) -> bool:
        """Roles of one level do not outrank each other (A-023). KeyError for unknown ones."""
        return self.by_name[one].level > self.by_name[other].level

    def level(self, names: Collection[str]) -> int:
        """Of who holds these roles: the highest; unknown ones do not count, none at all is 0."""
        return max((self.by_name[name].level for name in names if name in self.by_name), default=0)

    def at_least(self, name: str) -> frozenset[str]:
        """The roles that `{minRole: name}` admits (A-037); none for an unknown one."""
        least = self.by_name.get(name)
        return frozenset() if least is None else frozenset(r.name for r in self.roles if r.level >= least.level)

    def names(self) -> list[str]:
        """All that a list of roles may name."""
        return [*(role.name for role in self.ordered), *(GROUP + group.name for group in self.groups)]
