"""What somebody keeps for themselves: views of a table, and how they like to see it (V-017, V-018).

Kept per user; the local owner is a user called `owner`. What was kept under a field that is gone, or that the caller may
not read any more, is left out when it is told.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Boolean, Column, Index, MetaData, Table, Text, delete, select, update

from core.clock import to_iso
from core.contract.views import Preferences, UserView
from core.errors import BadRequest, Conflict, NotFound, NotSignedIn
from core.fields.model import API_NAMES, TableModel
from core.ids import short_id
from core.principal import Principal
from core.query.filter import parse_filter
from core.query.scope import UnknownField
from core.query.sort import parse_sort
from core.records.service import Records
from core.sentence import say
from core.storage.catalog import table_names
from core.storage.database import Call, Reader, Row, Transaction
from core.storage.own import ensure
from core.storage.table import instant_type

VIEWS = Table(
    "system_user_view",
    MetaData(),
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("table_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", instant_type(), nullable=False),
    Column("updated_at", instant_type(), nullable=False),
)
Index("uq_system_user_view_name", VIEWS.c.user_id, VIEWS.c.table_id, VIEWS.c.name, unique=True)
PREFERENCES = Table(
    "system_user_preference",
    MetaData(),
    Column("user_id", Text, primary_key=True),
    Column("table_id", Text, primary_key=True),
    Column("body", Text, nullable=False),
    Column("updated_at", instant_type(), nullable=False),
)
VIEWS_MOST = 200
"""Personal views of one user on one table."""
BODY_MOST = 64_000
_EMPTY: Mapping[str, Any] = {"filters": [], "sorts": [], "fields": [], "groupBy": None, "baseViewId": None}
_NAME_MOST = 100


def user_of(principal: Principal) -> str:
    """Under whom things are kept."""
    return principal.id or principal.kind


class Personal:
    """Personal views and preferences of one app model on one database."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._database = records.database
        self._stands = False

    # ── Views ──

    async def views(self, principal: Principal, table: TableModel) -> list[UserView]:
        """The caller's own, by name. Raises NotFound, NotSignedIn."""
        self._require(principal, table)
        mine = (VIEWS.c.user_id == user_of(principal), VIEWS.c.table_id == table.spec.id)
        rows = await self._read(select(VIEWS).where(*mine).order_by(VIEWS.c.name, VIEWS.c.id))
        return [self._shape(principal, table, row) for row in rows]

    async def shared(self, principal: Principal, id_: str) -> UserView:
        """Anybody's view, for who has its id and may read the table. Raises NotFound, NotSignedIn."""
        if self._records.access.has_accounts and principal.kind == "guest":
            raise NotSignedIn()
        rows = await self._read(select(VIEWS).where(VIEWS.c.id == id_))
        table = next((each for each in self._records.model if rows and each.spec.id == rows[0][2]), None)
        if table is None or not self._records.access.table(principal, table).may("read"):
            raise NotFound()
        return self._shape(principal, table, rows[0])

    async def create(self, principal: Principal, table: TableModel, body: Mapping[str, Any]) -> UserView:
        """Raises BadRequest, Conflict (the name is taken), NotFound, NotSignedIn."""
        self._require(principal, table)
        name = _name(body.get("name"))
        kept = {**_EMPTY, **self._checked(principal, table, body)}
        row = {"id": short_id("v"), "user_id": user_of(principal), "table_id": table.spec.id, "name": name}

        def work(tx: Transaction) -> Row:
            ensure(tx, table_names(tx), VIEWS, PREFERENCES)
            mine = self._names(tx, row["user_id"], row["table_id"])
            if name in mine:
                raise _taken(name)
            if len(mine) >= VIEWS_MOST:
                raise BadRequest(say("There are {most} views of this table already; delete one first", most=VIEWS_MOST))
            is_default = body.get("isDefault") is True
            if is_default:
                _only_default(tx, row["user_id"], row["table_id"], row["id"])
            times = {"created_at": tx.time, "updated_at": tx.time}
            values = {**row, "is_default": is_default, "body": _text(kept), **times}
            tx.insert(VIEWS, [values])
            return tuple(values[column.name] for column in VIEWS.columns)

        return self._shape(principal, table, await self._write(principal, work))

    async def change(
        self, principal: Principal, table: TableModel, id_: str, body: Mapping[str, Any], *, whole: bool = False
    ) -> UserView:
        """Change the given parts; with `whole` what is not given is as in a new view. Raises BadRequest, Conflict,
        NotFound."""
        self._require(principal, table)
        given = self._checked(principal, table, body)
        user, name = user_of(principal), _name(body.get("name")) if "name" in body or whole else None

        def work(tx: Transaction) -> Row:
            row = self._mine(tx, user, table.spec.id, id_)
            kept = {**_EMPTY, **given} if whole else {**orjson.loads(row[5]), **given}
            if name is not None and name != row[3] and name in self._names(tx, user, table.spec.id):
                raise _taken(name)
            is_default = bool(body.get("isDefault", False if whole else row[4]))
            if is_default and not row[4]:
                _only_default(tx, user, table.spec.id, id_)
            values = {"name": name or row[3], "is_default": is_default, "body": _text(kept), "updated_at": tx.time}
            tx.execute(update(VIEWS).where(VIEWS.c.id == id_).values(**values))
            return (row[0], row[1], row[2], values["name"], is_default, values["body"], row[6], tx.time)

        return self._shape(principal, table, await self._write(principal, work))

    async def delete(self, principal: Principal, table: TableModel, id_: str) -> None:
        """Raises NotFound."""
        self._require(principal, table)

        def work(tx: Transaction) -> None:
            self._mine(tx, user_of(principal), table.spec.id, id_)
            tx.execute(delete(VIEWS).where(VIEWS.c.id == id_))

        await self._write(principal, work)

    # ── Preferences ──

    async def preferences(self, principal: Principal, table: TableModel) -> Preferences:
        """Raises NotFound, NotSignedIn."""
        self._require(principal, table)
        mine = (PREFERENCES.c.user_id == user_of(principal), PREFERENCES.c.table_id == table.spec.id)
        rows = await self._read(select(PREFERENCES.c.body, PREFERENCES.c.updated_at).where(*mine))
        return {"tableName": table.name} if not rows else self._liked(principal, table, *rows[0])

    async def prefer(
        self, principal: Principal, table: TableModel, body: Mapping[str, Any], *, whole: bool = False
    ) -> tuple[Preferences, bool]:
        """Keep the given ones, with `whole` no others; whether they are the first. Raises BadRequest, NotFound."""
        self._require(principal, table)
        given, user = self._preferred(body), user_of(principal)
        mine = (PREFERENCES.c.user_id == user, PREFERENCES.c.table_id == table.spec.id)

        def work(tx: Transaction) -> tuple[Preferences, bool]:
            ensure(tx, table_names(tx), VIEWS, PREFERENCES)
            rows = tx.rows(select(PREFERENCES.c.body).where(*mine))
            kept = given if whole or not rows else {**orjson.loads(rows[0][0]), **given}
            text = _text(kept)
            values = {"body": text, "updated_at": tx.time}
            if rows:
                tx.execute(update(PREFERENCES).where(*mine).values(**values))
            else:
                tx.insert(PREFERENCES, [{"user_id": user, "table_id": table.spec.id, **values}])
            return self._liked(principal, table, text, tx.time), not rows

        found: tuple[Preferences, bool] = await self._write(principal, work)
        return found

    async def forget(self, principal: Principal, table: TableModel) -> Preferences:
        """Back to what everybody sees."""
        self._require(principal, table)
        mine = (PREFERENCES.c.user_id == user_of(principal), PREFERENCES.c.table_id == table.spec.id)

        def work(tx: Transaction) -> None:
            if PREFERENCES.name in table_names(tx):
                tx.execute(delete(PREFERENCES).where(*mine))

        await self._write(principal, work)
        return {"tableName": table.name}

    # ── Inside ──

    def _require(self, principal: Principal, table: TableModel) -> None:
        """Who may read the table; with a session where there are accounts."""
        access = self._records.require(principal, table, "read")
        if self._records.access.has_accounts and principal.kind == "guest":
            raise access.refusal()

    async def _read(self, statement: Any) -> list[Row]:
        def work(reader: Reader) -> list[Row]:
            if not self._stands:
                self._stands = VIEWS.name in table_names(reader)
            return reader.rows(statement) if self._stands else []

        return await self._database.read(Call(work), lane="point")

    async def _write(self, principal: Principal, work: Any) -> Any:
        return await self._database.write(Call(work), actor=user_of(principal))

    @staticmethod
    def _mine(tx: Transaction, user: str, table: str, id_: str) -> Row:
        if VIEWS.name not in table_names(tx):
            raise NotFound()
        mine = (VIEWS.c.id == id_, VIEWS.c.user_id == user, VIEWS.c.table_id == table)
        rows = tx.rows(select(VIEWS).where(*mine))
        if not rows:
            raise NotFound()
        return rows[0]

    @staticmethod
    def _names(tx: Transaction, user: str, table: str) -> set[str]:
        mine = (VIEWS.c.user_id == user, VIEWS.c.table_id == table)
        return {name for (name,) in tx.rows(select(VIEWS.c.name).where(*mine))}

    def _checked(self, principal: Principal, table: TableModel, body: Mapping[str, Any]) -> dict[str, Any]:
        """The parts of a view that fit the table as the caller reads it. Raises BadRequest, NotFound (a hidden field)."""
        scope = self._records.scope(principal, table)
        parse_filter(body.get("filters"), scope)
        parse_sort(body.get("sorts"), scope)
        group = body.get("groupBy")
        try:
            for name in (*(body.get("fields") or ()), *(() if group is None else (group,))):
                scope.resolve(name)
        except UnknownField as error:
            raise BadRequest(error.message) from None
        return {key: body[key] for key in _EMPTY if key in body}

    @staticmethod
    def _preferred(body: Mapping[str, Any]) -> dict[str, Any]:
        if any(not 0 <= width <= 1_000 for width in body.get("columnWidths", {}).values()):
            raise BadRequest("columnWidths are numbers from 0 to 1000", field="columnWidths")
        if not 0 <= body.get("frozenColumns", 0) <= 1_000:
            raise BadRequest("frozenColumns is a number from 0", field="frozenColumns")
        return dict(body)

    def _shape(self, principal: Principal, table: TableModel, row: Row) -> UserView:
        id_, _, _, name, is_default, text, made, changed = row
        return {  # type: ignore[typeddict-item]
            "id": id_,
            "name": name,
            "tableName": table.name,
            "isDefault": bool(is_default),
            **self._seen(principal, table, orjson.loads(text)),
            "createdAt": to_iso(made),
            "updatedAt": to_iso(changed),
        }

    def _seen(self, principal: Principal, table: TableModel, kept: dict[str, Any]) -> Any:
        """Without what names fields that are gone, or out of the reader's sight."""
        hidden = self._records.access.table(principal, table).hidden

        def stands(name: str) -> bool:
            head = API_NAMES.get(name.partition(".")[0], name.partition(".")[0])
            return head not in hidden and (head in table.fields or head in table.system or head == "id")

        group = kept["groupBy"]
        return {
            "filters": [each for each in kept["filters"] if stands(str(each.get("field", "id")))],
            "sorts": [each for each in kept["sorts"] if stands(each["field"])],
            "fields": [name for name in kept["fields"] if stands(name)],
            "groupBy": group if group is not None and stands(group) else None,
            "baseViewId": kept["baseViewId"],
        }

    def _liked(self, principal: Principal, table: TableModel, text: str, changed: Any) -> Preferences:
        kept = orjson.loads(text)
        hidden = self._records.access.table(principal, table).hidden
        if "columnWidths" in kept:
            kept["columnWidths"] = {key: width for key, width in kept["columnWidths"].items() if key not in hidden}
        if "columnOrder" in kept:
            kept["columnOrder"] = [name for name in kept["columnOrder"] if name not in hidden]
        return {"tableName": table.name, **kept, "updatedAt": to_iso(changed)}  # type: ignore[typeddict-item]


def _name(raw: Any) -> str:
    if not isinstance(raw, str) or not raw.strip():
        raise BadRequest("name is a text that is not empty", field="name")
    if len(raw.strip()) > _NAME_MOST:
        raise BadRequest(say("name has at most {most} characters", most=_NAME_MOST), field="name")
    return raw.strip()


def _taken(name: str) -> Conflict:
    return Conflict(say("You have a view called {name!r} already", name=name), field="name")


def _only_default(tx: Transaction, user: str, table: str, id_: str) -> None:
    mine = (VIEWS.c.user_id == user, VIEWS.c.table_id == table, VIEWS.c.id != id_)
    tx.execute(update(VIEWS).where(*mine).values(is_default=False))


def _text(kept: Mapping[str, Any]) -> str:
    data = orjson.dumps(kept)
    if len(data) > BODY_MOST:
        raise BadRequest(say("More than {most:,} bytes", most=BODY_MOST))
    return data.decode()
