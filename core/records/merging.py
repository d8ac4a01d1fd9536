"""Imports of files whose rows may be there already, told by a unique field: they are passed over, or brought up to date
(R-059)."""

from typing import Literal

from core.errors import FieldError, SovriumError
from core.records.import_plan import Import
from core.records.importing import FileRows
from core.records.upsert import Incoming, Upsert, find_by
from core.records.validate import Values
from core.records.writing import WritableTable
from core.sentence import say
from core.storage.database import Call, Database, Transaction

Duplicates = Literal["create", "skip", "overwrite"]


class MergedRows:
    """The rows of a file, block by block in one transaction. A cell without a value leaves what a record has. The records
    that are made or changed are in the change log one by one."""

    def __init__(self, files: Database, work: Import, name: str, updating: WritableTable | None) -> None:
        """`updating` is the table as the caller may update it; None: rows that are there are passed over."""
        self._rows = FileRows(files, work)
        self._work = work
        self._name = name
        self._updating = updating

    def merge(self, tx: Transaction) -> int:
        """The number of records made or changed."""
        work, done, seen = self._work, 0, 0
        work.rejected, work.errors = 0, []
        for block in self._rows.blocks():
            seen += len(block)
            good: list[tuple[int, Values, Values]] = []
            for line, *row in block:
                if (values := work.accept(row, line)) is None:
                    continue
                if values[self._name] is None:
                    text = say("{name} is needed to find the record", name=self._name)
                    work.refuse(line, [FieldError(self._name, "upsert.no-value", text)], {})
                    continue
                given = [name for name, text in zip(work.mapping.values(), row, strict=True) if text is not None]
                good.append((line, values, {name: values[name] for name in given if name != self._name}))
            done += self._write(tx, good)
            work.progress.report(seen)
        work.stop_if_refused()
        return done

    def _write(self, tx: Transaction, rows: list[tuple[int, Values, Values]]) -> int:
        work = self._work
        if self._updating is None:
            known = {key[0] for key in find_by(tx, work.target, (self._name,), [(row[1][self._name],) for row in rows])}
            fresh: dict[object, tuple[int, Values, Values]] = {}
            for row in rows:
                if row[1][self._name] not in known:
                    fresh.setdefault(row[1][self._name], row)
            rows = list(fresh.values())
        incoming = [Incoming(values, changes) for _, values, changes in rows]
        updating = self._updating or work.target
        results = Upsert(work.target, updating, incoming, (self._name,), partial=True).run(tx).rows
        refused = 0
        for (line, values, _), result in zip(rows, results, strict=True):
            if isinstance(result, SovriumError):
                refused += 1
                work.refuse_row(line, result, values)
        return len(rows) - refused


def merge_job(files: Database, work: Import, name: str, updating: WritableTable | None) -> Call[int]:
    """The job of such an import."""
    return Call(MergedRows(files, work, name, updating).merge)
