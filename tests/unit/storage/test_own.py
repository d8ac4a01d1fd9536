"""Tables of the engine's own, on both databases."""

from typing import Any

import pytest
from sqlalchemy import Column, MetaData, Table, Text, select

from core.errors import NotFound
from core.storage.database import Call, Database, Transaction
from core.storage.own import OwnTables

NOTES = Table("system_test_note", MetaData(), Column("id", Text, primary_key=True))


async def test_tables_that_were_undone_are_made_again(db: Database) -> None:
    """R-069: the first comment of an app may answer what is not there; the next one is kept all the same."""
    own, neighbour = OwnTables(NOTES), OwnTables(NOTES)

    def refused(tx: Transaction) -> None:
        own.ensure(tx)
        assert own.stand(tx)
        assert neighbour.stand(tx)
        raise NotFound()

    def kept(tx: Transaction) -> Any:
        own.ensure(tx)
        neighbour.ensure(tx)
        return tx.insert(NOTES, [{"id": "1"}])

    with pytest.raises(NotFound):
        await db.write(Call(refused))
    await db.write(Call(kept))
    assert await db.read(Call(lambda reader: neighbour.stand(reader) and reader.rows(select(NOTES)))) == [("1",)]
