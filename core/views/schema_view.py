"""The views of the app file, for callers: which there are, what they say, their records (V-012…V-016)."""

from collections.abc import Mapping
from typing import Any

from core.contract.records import RecordList
from core.contract.views import ViewDetail, ViewSummary
from core.errors import BadRequest, FieldError, Invalid
from core.fields.condition import condition_fields
from core.fields.model import API_NAMES, TableModel
from core.principal import Principal
from core.query.page import MAX_LIMIT
from core.records.service import Records
from core.schema.view import ViewSpec, find_view
from core.storage.database import Call, Transaction
from core.storage.ddl import quote
from core.views.database_view import QueryReading, database_name, definitions, refresh

_PAGED = frozenset({"limit", "offset", "page"})


class SchemaViews:
    """The schema views of one app model on one database."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def listed(self, principal: Principal, table: TableModel) -> list[ViewSummary]:
        """Those that the caller may see. Raises NotFound, NotSignedIn."""
        access = self._records.access.table(principal, table)
        found = [view for view in table.spec.views if access.may_view(view)]
        if not found:
            access.require("read")
        return [_summary(view) for view in found]

    def get(self, principal: Principal, table: TableModel, address: str) -> ViewDetail:
        """Raises NotFound, NotSignedIn."""
        return self.detail(principal, table, self._records.view(principal, table, address))

    def detail(self, principal: Principal, table: TableModel, view: ViewSpec) -> ViewDetail:
        """What a view says, as far as the caller may know the fields that it names."""
        access = self._records.access.table(principal, table)
        data = _without(view.data(), access.hidden)
        if view.permissions is not None or view.query is not None:
            data["editable"] = access.may_edit_through(view)
        return data  # type: ignore[return-value]

    def details(self, principal: Principal, table: TableModel) -> list[ViewDetail]:
        """All that the caller may see."""
        access = self._records.access.table(principal, table)
        return [self.detail(principal, table, view) for view in table.spec.views if access.may_view(view)]

    async def records(
        self, principal: Principal, table: TableModel, address: str, params: Mapping[str, str]
    ) -> RecordList:
        """A page of a view's records, the request's parameters combined with what the view says (V-014). Raises NotFound,
        NotSignedIn, Invalid."""
        view = self._records.view(principal, table, address)
        if view.query is None:
            return await self._records.list_view(principal, table, view, params)
        wrong = next((name for name in params if name not in _PAGED), None)
        if wrong is not None:
            text = f"this view is a query, which takes limit and offset only, not {wrong}"
            raise Invalid(text, [FieldError(wrong, "parameter.wrong", text)])
        limit = min(int(params.get("limit", 20)), MAX_LIMIT)
        offset = int(params.get("offset", (int(params.get("page", 1)) - 1) * limit))
        reading = QueryReading(database_name(self._records.model, table, view), limit, offset)
        return await self._records.database.read(Call(reading.read), lane="scan")

    def is_public(self, table: str, address: str) -> bool:
        """The view asks for no session (V-015)."""
        found = self._records.model.by_address.get(table)
        view = None if found is None else find_view(found.spec.views, address)
        return view is not None and view.permissions is not None and view.permissions.public

    async def refresh(self, principal: Principal, table: TableModel, address: str) -> int:
        """Take the stored result of a materialized view anew; the rows that it has now. Raises NotFound, BadRequest (its
        result is not stored)."""
        view = self._records.view(principal, table, address)
        if not view.materialized:
            raise BadRequest("The result of this view is not stored; it is always up to date")
        name = database_name(self._records.model, table, view)

        def work(tx: Transaction) -> int:
            each = next(each for each in definitions(tx, self._records.model) if each.name == name)
            refresh(tx, each)
            return int(tx.scalar(f"SELECT count(*) FROM {quote(each.stored)}"))

        return await self._records.database.write(Call(work), actor=principal.id or principal.kind, cause="refresh")


def _summary(view: ViewSpec) -> ViewSummary:
    found: ViewSummary = {"id": view.id, "name": view.name}
    if view.is_default:
        found["isDefault"] = True
    if view.layout != "grid":
        found["type"] = view.layout
    return found


def _without(data: dict[str, Any], hidden: frozenset[str]) -> dict[str, Any]:
    """V-016: fields that the caller may not read are not named either."""
    if not hidden:
        return data

    def is_seen(name: str) -> bool:
        head = name.partition(".")[0]
        return API_NAMES.get(head, head) not in hidden

    if "filters" in data and not all(is_seen(name) for name in condition_fields(data["filters"])):
        del data["filters"]
        data["hasMore"] = True
    for key in ("fields", "cardFields"):
        if key in data:
            data[key] = [name for name in data[key] if is_seen(name)]
    if "sorts" in data:
        data["sorts"] = [each for each in data["sorts"] if is_seen(each["field"])]
    for key in ("groupBy", "kanbanGroupBy"):
        if key in data and not is_seen(data[key]["field"]):
            del data[key]
    for key in ("dateField", "endDateField", "labelField", "colorField", "coverField"):
        if key in data and not is_seen(data[key]):
            del data[key]
    return data
