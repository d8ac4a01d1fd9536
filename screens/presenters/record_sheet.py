"""A record as lines from top to bottom: its fields, its files, what links to it, what the program keeps of it. Sections
fold, and a record that links here opens into what links to it in turn."""

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from core.contract.tables import FieldInfo, TableInfo
from screens.presenters.format import file_text
from screens.presenters.format.line import one_line
from screens.presenters.incoming import Incoming, pointing_here
from screens.presenters.value import title_of
from screens.services.number import grouped
from screens.services.text import t

FILE_TYPES = ("single-attachment", "multiple-attachments")
FOLDED, OPEN = "▸", "▾"
Key = tuple[str, str]
"""Table and key of a record."""


@dataclass(frozen=True, slots=True)
class Spot:
    """What a line of a list leads to: one record, all of them (`key` ""), or more of the list (`more`)."""

    linked: Incoming
    of: Key
    """The record that they link to."""
    key: str = ""
    more: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """state: value, null, readonly, dirty, invalid, conflict, or heading. `folds`: the section or record that opens and
    closes here. `file`: place in the field's files."""

    title: str
    text: str
    state: str = "value"
    field: FieldInfo | None = None
    spot: Spot | None = None
    folds: str = ""
    file: int | None = None

    @property
    def place(self) -> tuple[str, int | None, str, str]:
        """What the line is of, however its texts change."""
        return (self.field["name"] if self.field else "", self.file, self.folds, self.spot.key if self.spot else "")


Cell = Callable[[FieldInfo], tuple[Any, str, str]]
"""Value, text and state of a field, with what is staged."""


@dataclass
class RecordSheet:
    """`incoming` by record: what links to it, as far as it was read. `folded`: sections that are closed."""

    folded: set[str] = field(default_factory=set)
    incoming: dict[Key, list[Incoming]] = field(default_factory=dict)
    opened: set[Key] = field(default_factory=set)

    def forget(self) -> None:
        """Another record is shown."""
        self.incoming, self.opened = {}, set()

    def turn(self, folds: str) -> None:
        self.folded ^= {folds}

    def lines(self, info: TableInfo, key: str, cell: Cell, tables: Sequence[TableInfo]) -> list[Line]:
        """The record's lines in their order."""
        own = [each for each in info["fields"] if not each["system"]]
        files = [each for each in own if each["type"] in FILE_TYPES]
        found = [self._field(each, cell) for each in own if each["type"] not in FILE_TYPES]
        if files:
            held = [files_in(cell(each)[0]) for each in files]
            found += self._section("files", t("record.files"), sum(map(len, held)))
            if "files" not in self.folded:
                for each, inside in zip(files, held, strict=True):
                    found.append(self._field(each, cell, t("record.add_file") if not inside else ""))
                    found += [
                        Line("", f"▪ {one_line(file_text(file))}", field=each, file=at)
                        for at, file in enumerate(inside)
                    ]
        found += self._incoming((info["sqlName"], key), tables, frozenset(), "")
        kept = [each for each in info["fields"] if each["system"]]
        if kept:
            found += self._section("system", t("record.system"))
            if "system" not in self.folded:
                found += [self._field(each, cell) for each in kept]
        return found

    def _section(self, name: str, title: str, count: int | None = None) -> list[Line]:
        mark = FOLDED if name in self.folded else OPEN
        return [Line(f"{mark} {title}", grouped(count) if count else "", "heading", folds=name)]

    def _field(self, each: FieldInfo, cell: Cell, nothing: str = "") -> Line:
        value, text, state = cell(each)
        if each["type"] in FILE_TYPES and (held := files_in(value)):
            text = t("record.count", count=len(held))
        if nothing and not value:
            text = nothing
        return Line(title_of(each), text, state, each)

    def _incoming(self, of: Key, tables: Sequence[TableInfo], above: Set[Key], pad: str) -> Iterator[Line]:
        for linked in self.incoming.get(of, ()):
            if not linked.total:
                continue
            name = f"{linked.table['sqlName']}.{linked.field['name']}"
            # What a field of the record shows already begins closed.
            is_folded = not pad and (name in self.folded) is not linked.shown
            mark = FOLDED if is_folded else OPEN
            text = f"{grouped(linked.total)}  {title_of(linked.field)}"
            if pad:
                yield Line("", f"{pad}{linked.title}  {text}", "readonly", spot=Spot(linked, of))
            else:
                yield Line(f"{mark} {linked.title}", text, "heading", spot=Spot(linked, of), folds=name)
            if not is_folded:
                yield from self._records(linked, of, tables, {*above, of}, pad)

    def _records(
        self, linked: Incoming, of: Key, tables: Sequence[TableInfo], above: Set[Key], pad: str
    ) -> Iterator[Line]:
        opens = bool(pointing_here(tables, linked.table))
        for key, name in linked.records:
            here = (linked.table["sqlName"], key)
            can_open = opens and here not in above
            is_open = can_open and here in self.opened
            mark = (OPEN if is_open else FOLDED) if can_open else " "
            folds = f"{here[0]}#{key}" if can_open else ""
            yield Line("", f"{pad}{mark} {name} →", spot=Spot(linked, of, key), folds=folds)
            if is_open:
                if here in self.incoming and not any(each.total for each in self.incoming[here]):
                    yield Line("", f"{pad}    {t('record.no_links')}", "readonly")
                yield from self._incoming(here, tables, above, pad + "    ")
        if (rest := linked.total - len(linked.records)) > 0:
            yield Line("", f"{pad}  {t('record.more', count=rest)}", "readonly", spot=Spot(linked, of, more=True))


def files_in(value: Any) -> list[dict[str, Any]]:
    """The files of a value of a field of files."""
    found = value if isinstance(value, list) else [value]
    return [each for each in found if isinstance(each, dict) and "key" in each]
