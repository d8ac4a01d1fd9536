"""A pasted block before it is staged: which column goes where, what each cell becomes, what is wrong.

Cells copied here keep their types and NULLs; texts from elsewhere are read by the rules of the field that they go to.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO, NamedTuple

from core.contract.tables import FieldInfo
from screens.presenters.clipboard_block import copy_text
from screens.presenters.staged import CellEdit
from screens.presenters.value import ValueRefused, parse, title_of
from screens.services.text import t

CHECKED = 1_000
"""Rows of a large block that are looked at before it is sent."""


class TargetRow(NamedTuple):
    """An existing row under the block: key, version, stored values by field."""

    key: str
    stamp: str
    values: dict[str, Any]


class Pasted(NamedTuple):
    """What one cell becomes; `problem` is "" when it fits. label: what the record that it links is called."""

    value: Any
    problem: str = ""
    label: str = ""


@dataclass
class PasteDraft:
    """rows: the block, header line included. fields: the columns from the cursor on, None where nothing may be written.
    all_fields: those that a header may name. targets: existing rows from the cursor down."""

    rows: list[list[Any]]
    fields: list[FieldInfo | None]
    all_fields: list[FieldInfo]
    targets: Sequence[TargetRow] = ()
    as_new: bool = False
    """All rows are new; else they go over the rows from the cursor down, and only the surplus is new."""
    large: bool = False
    """Too many rows to stage: they go to the server as an import, all of them as new rows."""
    skip_errors: bool = False
    """Of a large block: rows that do not fit are left out; else one of them stops all."""
    header: bool = False
    mapping: list[FieldInfo | None] = field(default_factory=list)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    names: dict[str, dict[str, str]] = field(default_factory=dict)
    """By field that links a record, the keys of those that texts name; "" for a name of none or of several."""

    def __post_init__(self) -> None:
        named = self._by_header()
        if sum(found is not None for found in named) * 2 > len(named):
            self.header, self.as_new, self.mapping = True, True, named
        else:
            self.map_by_place()
        self.as_new = self.as_new or self.large

    # ── Choices ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def map_by_place(self) -> None:
        """The first column to the cursor's field, and so on; surplus columns go nowhere."""
        width = len(self.rows[0]) if self.rows else 0
        self.header = False
        self.mapping = [*self.fields[:width], *[None] * (width - len(self.fields))]

    def toggle_header(self) -> None:
        """Take the first line as names, or as values."""
        if self.header:
            self.map_by_place()
        else:
            self.header, self.mapping = True, self._by_header()

    def _by_header(self) -> list[FieldInfo | None]:
        if not self.rows:
            return []
        known = {}
        for info in reversed(self.all_fields):
            known[info["name"].casefold()] = known[title_of(info).casefold()] = info
        return [known.get(copy_text(cell).strip().casefold()) for cell in self.rows[0]]

    # ── What comes of it ───────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def body(self) -> list[list[Any]]:
        return self.rows[1:] if self.header else self.rows

    @property
    def changed_rows(self) -> int:
        return 0 if self.as_new else min(len(self.body), len(self.targets))

    @property
    def new_rows(self) -> int:
        return len(self.body) - self.changed_rows

    def cell(self, info: FieldInfo, raw: Any) -> Pasted:
        """One cell as a value of a field."""
        if raw is None:
            return Pasted(None, t("value.required", field=title_of(info)) if info["required"] else "")
        name = copy_text(raw).strip()
        if (key := self.names.get(info["name"], {}).get(name)) is not None:
            return Pasted(key, label=name) if key else Pasted(name, t("paste.no_record", name=name))
        try:
            return Pasted(parse(info, copy_text(raw), now=self.now))
        except ValueRefused as problem:
            return Pasted(copy_text(raw), str(problem))

    def preview(self, limit: int = 10) -> list[list[Pasted | None]]:
        """The first rows as they would be staged; None where a column goes nowhere."""
        return [
            [self.cell(info, raw) if info else None for info, raw in zip(self.mapping, row, strict=False)]
            for row in self.body[:limit]
        ]

    def problems(self) -> list[tuple[int, str, str]]:
        """What does not fit: (row from 1, field, message). Of a large block only the first rows are looked at."""
        return [
            (number, info["name"], problem)
            for number, row in enumerate(self.body[:CHECKED] if self.large else self.body, 1)
            for info, raw in zip(self.mapping, row, strict=False)
            if info is not None and (problem := self.cell(info, raw).problem)
        ]

    def write(self, file: BinaryIO) -> None:
        """The rows as JSON lines for an import; what does not fit as it is, so that the server tells where."""
        for row in self.body:
            cells = (
                (info["name"], self.cell(info, raw).value) for info, raw in zip(self.mapping, row, strict=False) if info
            )
            file.write(json.dumps(dict(cells), ensure_ascii=False).encode() + b"\n")

    def staged(self) -> tuple[list[CellEdit], list[dict[str, Any]]]:
        """Edits of existing rows, and values of new rows. Cells of new rows that do not fit are staged as they are: the
        server will say so again."""
        edits: list[CellEdit] = []
        fresh: list[dict[str, Any]] = []
        over = self.changed_rows
        for number, row in enumerate(self.body):
            values: dict[str, Any] = {}
            for info, raw in zip(self.mapping, row, strict=False):
                if info is None:
                    continue
                value, problem, _ = self.cell(info, raw)
                name = info["name"]
                if number < over:
                    target = self.targets[number]
                    edits.append(CellEdit(target.key, name, target.values.get(name), value, target.stamp, problem))
                elif value is not None:
                    values[name] = value
            if number >= over:
                fresh.append(values)
        return edits, fresh
