"""Tables of the engine's own (`system_*`, `auth_*`): declared beside the service that keeps them, made when first needed."""

from collections.abc import Container

from sqlalchemy import Table

from core.fields.model import Column
from core.storage.catalog import table_names
from core.storage.database import Reader, Transaction
from core.storage.ddl import Ddl, quote, quote_list
from core.storage.table import column_type


def ensure(tx: Transaction, there: Container[str], *tables: Table) -> None:
    """Make those of the tables that are not there, with the indexes declared on them. `there` are the names of tables."""
    ddl = Ddl(tx.dialect)
    for table in tables:
        if table.name in there:
            continue
        columns = [Column(c.name, column_type(c.type), nullable=bool(c.nullable)) for c in table.columns]
        tx.execute(ddl.create_table(table.name, columns, [c.name for c in table.primary_key.columns]))
        tx.made_tables.add(table.name)
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            unique = "UNIQUE " if index.unique else ""
            names = quote_list(c.name for c in index.columns)
            tx.execute(f"CREATE {unique}INDEX {quote(str(index.name))} ON {quote(table.name)} ({names})")


class OwnTables:
    """The tables of one service, made with the first of what they keep: most apps never need them."""

    def __init__(self, *tables: Table) -> None:
        self._tables = tables
        self._stand = False

    def stand(self, reader: Reader) -> bool:
        """They are there to be read."""
        return self._stand or self._seen(reader, table_names(reader))

    def ensure(self, tx: Transaction) -> None:
        """Make them in this transaction, which may yet be undone: they stand once another has seen them."""
        if not self._stand:
            there = table_names(tx)
            if not self._seen(tx, there):
                ensure(tx, there, *self._tables)

    def _seen(self, reader: Reader, there: Container[str]) -> bool:
        names = {table.name for table in self._tables}
        found = all(name in there for name in names)
        self._stand = found and names.isdisjoint(reader.made_tables)
        return found
