"""`/api/console/tables/{t}/indexes`: what is unique or indexed in a table, and who sees to it (T-143)."""

from collections.abc import Mapping

from core.contract.tables import IndexInfo, IndexList
from core.fields.model import TableModel
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.route import RouteFamily
from core.http.routes.tables import table_of
from core.migrations.layout import table_layout
from core.schema.model import IndexSpec
from core.storage.catalog import CatalogIndex, read_catalog
from core.storage.database import Call as Reading

routes = RouteFamily("indexes")


@routes.add("GET", "/api/console/tables/{table}/indexes", answers={200: IndexList}, errors=(404,))
async def indexes(call: Call) -> Answer:
    """The key, and all indexes of a table. For admins."""
    call.require_admin()
    table = table_of(call)
    catalog = await call.engine.database.read(Reading(read_catalog))
    count = (await call.engine.records.list(call.principal, table, {"limit": "1"}))["pagination"]["total"]
    there = catalog.tables.get(table.sql_name)
    standing = there.indexes if there is not None else {}
    key = IndexInfo(
        name=f"{table.sql_name}_pkey",
        fields=list(table.key.fields),
        unique=True,
        where=None,
        enforced="database",
        rows=count,
    )
    found = [_index(table, each, standing, count) for each in table_layout(table).indexes]
    return as_json(IndexList(indexes=[key, *found]))


def _index(table: TableModel, index: IndexSpec, standing: Mapping[str, CatalogIndex], count: int) -> IndexInfo:
    held = standing.get(index.name)
    by_database = held is not None and (held.unique or not index.unique)
    return IndexInfo(
        name=index.name,
        fields=list(index.fields),
        unique=index.unique,
        where=index.where,
        enforced="database" if by_database else "engine" if index.unique else "nobody",
        rows=None if index.where or index.fields == ("deleted_at",) or not by_database else count,
    )
