"""A process that writes until it is killed. It prints a number only after the write of that number was acknowledged."""

import sys
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, MetaData, Table, Text

from core.storage.database import Call, ChangeRow, Settings, Transaction
from core.storage.engine import open_database

ITEM = Table("item", MetaData(), Column("id", BigInteger, primary_key=True), Column("name", Text))
AT_ONCE = 8


class Create:
    """A record and its line in the change log, coalesced with the others that wait."""

    group = "create"

    def __init__(self, number: int) -> None:
        self.number = number

    def run(self, tx: Transaction) -> int:
        return int(self.run_group(tx, [self])[0])

    def run_group(self, tx: Transaction, jobs: Sequence["Create"]) -> list[Any]:
        tx.insert(ITEM, [{"id": job.number, "name": f"item {job.number}"} for job in jobs])
        tx.log([ChangeRow(table="item", record=str(job.number), operation="create") for job in jobs])
        return [job.number for job in jobs]


def main(url: str, first: int) -> None:
    database = open_database(Settings(url=url))

    def create(tx: Transaction) -> None:
        tx.execute("CREATE TABLE IF NOT EXISTS item (id BIGINT PRIMARY KEY, name TEXT)")

    database.submit_write(Call(create)).result()
    number = first
    while True:
        waiting = [database.submit_write(Create(number + at)) for at in range(AT_ONCE)]
        number += AT_ONCE
        for future in waiting:
            sys.stdout.write(f"{future.result()}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
