"""Tables of the engine's own (`system_*`, `auth_*`): declared beside the service that keeps them, made when first needed."""

from sqlalchemy import Table

from core.fields.model import Column
from core.storage.catalog import Catalog
from core.storage.database import Transaction
from core.storage.ddl import Ddl, quote, quote_list
from core.storage.table import column_type


def ensure(tx: Transaction, catalog: Catalog, *tables: Table) -> None:
    """Make those of the tables that are not there, with the indexes declared on them."""
    ddl = Ddl(tx.dialect)
    for table in tables:
        if table.name in catalog:
            continue
        columns = [Column(c.name, column_type(c.type), nullable=bool(c.nullable)) for c in table.columns]
        tx.execute(ddl.create_table(table.name, columns, [c.name for c in table.primary_key.columns]))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            unique = "UNIQUE " if index.unique else ""
            names = quote_list(c.name for c in index.columns)
            tx.execute(f"CREATE {unique}INDEX {quote(str(index.name))} ON {quote(table.name)} ({names})")
