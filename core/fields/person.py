"""People: `user` names accounts; authorship fields say whose hand made, changed or deleted a record."""

from collections.abc import Iterable
from random import Random
from typing import Any, ClassVar

from core.contract.records import Operator
from core.fields.base import EditorKind, FieldType, ValueProblem
from core.fields.column import ColumnType
from core.fields.operator import USERS_OPERATORS
from core.fields.text import text_of
from core.schema.model import App, FieldOptions, FieldSpec, TableSpec
from core.schema.shape import show
from core.schema.vocabulary import OptionProblem
from core.sentence import say

ME = ("me", "$currentUser", "$currentUser.id")
"""What stands for the caller in filters and in a value that is written."""
_LONGEST = 255


class UserOptions(FieldOptions):
    allow_multiple: bool = False


class UserField(FieldType[Any]):
    """An account by its id; a list of them with `allowMultiple`."""

    name = "user"
    family = "user"
    editor: ClassVar[EditorKind] = "user"
    takes_default = False
    Options = UserOptions

    def column(self) -> ColumnType:
        return ColumnType("text")

    def accept(self, raw: Any) -> Any:
        """Whether the account exists is checked when it is written (T-088)."""
        return None if raw is None or raw == [] else _user_id(raw)

    @classmethod
    def check_spec(cls, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        yield from needs_auth(field, app)
        if field.unique and getattr(field.options, "allow_multiple", False):
            yield OptionProblem("unique", "field.list-unique", "a list cannot be unique; neither database can index it")

    def example(self, rng: Random) -> Any:
        return f"u_{rng.randint(1, 99)}"


class UsersField(UserField):
    """Several accounts, each once, in the order given."""

    editor = "users"

    def column(self) -> ColumnType:
        return ColumnType("text-list")

    def accept(self, raw: Any) -> list[str] | None:
        if raw is None:
            return None
        parts = [part.strip() for part in raw.split(",") if part.strip()] if isinstance(raw, str) else raw
        if not isinstance(parts, list | tuple):
            raise ValueProblem(
                "user.not-a-list", say("A list of account ids is expected, not {value}", value=show(raw))
            )
        return list(dict.fromkeys(_user_id(part) for part in parts))

    def accept_json(self, raw: Any) -> list[str] | None:
        """A text is one account."""
        return self.accept([raw] if isinstance(raw, str) else raw)

    def to_text(self, value: list[str] | None) -> str:
        """An empty list is told from none."""
        return "" if value is None else ", ".join(value) or ","

    def operators(self) -> tuple[Operator, ...]:
        return USERS_OPERATORS

    def example(self, rng: Random) -> list[str]:
        return list(dict.fromkeys(f"u_{rng.randint(1, 99)}" for _ in range(rng.randint(1, 3))))


class _AuthorField(FieldType[str]):
    """An account that the engine notes by itself. What a client sends is ignored (R-101)."""

    family = "user"
    editor = "none"
    read_only = True
    ignores_input = True
    takes_default = False
    needs_auth: ClassVar[bool] = True

    def column(self) -> ColumnType:
        return ColumnType("text")

    def accept(self, raw: Any) -> str | None:
        return None if raw is None else _user_id(raw)

    @classmethod
    def check_spec(cls, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        return needs_auth(field, app) if cls.needs_auth else ()

    def example(self, rng: Random) -> str:
        return f"u_{rng.randint(1, 99)}"


class CreatedByField(_AuthorField):
    """Who created the record; never changes (R-103)."""

    name = "created-by"


class UpdatedByField(_AuthorField):
    """Who changed the record last."""

    name = "updated-by"


class DeletedByField(_AuthorField):
    """Who moved the record to the trash; empty again when it is restored."""

    name = "deleted-by"
    needs_auth = False


def needs_auth(field: FieldSpec, app: App) -> Iterable[OptionProblem]:
    """T-026: accounts exist only in an app with `auth`."""
    if app.auth is None:
        text = say("a {type} field names accounts, and this app has none: add an `auth` section", type=field.type)
        yield OptionProblem("type", "field.needs-auth", text)


def _user_id(raw: Any) -> str:
    text = text_of(raw).strip()
    if not text or len(text) > _LONGEST or "," in text:
        raise ValueProblem("user.malformed", say("The id of an account is expected, not {value}", value=show(raw)))
    return text
