"""Row policies of a table as the app file says them (`rls`, auth §13.1).

They are read in `policy_read`, what their expressions mean is checked in `core.fields.policy`, and what they let a caller
do is decided in `core.access`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from core.schema.policy_text import Term, tables_read

PolicyAction = Literal["select", "insert", "update", "delete"]
ACTIONS: tuple[PolicyAction, ...] = ("select", "insert", "update", "delete")
ANON, AUTHENTICATED, PUBLIC = "anon", "authenticated", "public"
TRUST = frozenset({ANON, AUTHENTICATED, PUBLIC})
"""What `to` may name beside roles and groups: nobody's session, any session, both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One policy. `actions` are those that it is `for`; `using` says which rows, `check` what a new version of a row must
    meet (None: the same as `using`)."""

    name: str
    actions: frozenset[PolicyAction]
    to: tuple[str, ...] = (PUBLIC,)
    restrictive: bool = False
    using: Term | None = None
    check: Term | None = None
    path: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSecurity:
    """`rls` of a table. `force`: admins are not above it."""

    enabled: bool = True
    force: bool = False
    policies: tuple[Policy, ...] = ()

    @property
    def reads(self) -> frozenset[str]:
        """SQL names of the tables that the policies in force ask."""
        return frozenset[str]().union(*(tables_read(term) for _, term in self.terms())) if self.enabled else frozenset()

    def terms(self) -> Iterator[tuple[str, Term]]:
        """Every expression with its key below `rls`."""
        for place, policy in enumerate(self.policies):
            for key, term in (("using", policy.using), ("check", policy.check)):
                if term is not None:
                    yield f"policies[{place}].{key}", term
