"""Spreadsheet files (xlsx), written row by row in constant memory: a zip of a few small texts and one long one a sheet.

Ours rather than a library's: the libraries keep the rows, or need a file to seek in, where an export is sent while it is
read.
"""

import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from io import RawIOBase
from typing import Any
from xml.sax.saxutils import escape

ROWS_MOST = 1_048_576
"""Rows of one sheet; what is more goes to the next."""
TEXT_MOST = 32_767
"""Characters that a cell can hold; longer texts are cut."""
_DIGITS = 15
"""A number with more is a text: a spreadsheet would round it."""
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DAY_ONE = date(1899, 12, 30)
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd hh:mm:ss"/>'
    '</numFmts><fonts count="2"><font/><font><b/></font></fonts><fills count="1"><fill/></fills><borders count="1"><border/>'
    '</borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="4"><xf/><xf numFmtId="14" applyNumberFormat="1"/>'
    '<xf numFmtId="164" applyNumberFormat="1"/><xf fontId="1" applyFont="1"/></cellXfs></styleSheet>'
)


class _Out(RawIOBase):
    """What the zip writes, until it is taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def workbook(names: Sequence[str], blocks: Iterator[Sequence[Sequence[Any]]]) -> Iterator[tuple[bytes, int]]:
    """The file in pieces, each with the number of rows in it. Values: numbers, texts, booleans, dates, instants, None."""
    out = _Out()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as package:
        package.writestr("xl/styles.xml", _STYLES)
        sheets, more = 0, True
        held: list[Any] = []
        while more:
            sheets += 1
            more = False
            with package.open(f"xl/worksheets/sheet{sheets}.xml", "w", force_zip64=True) as sheet:
                sheet.write(
                    f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" '
                    'topLeftCell="A2" state="frozen"/></sheetView></sheetViews><sheetData>'.encode()
                )
                sheet.write(_row([_text(name, 3) for name in names]))
                written = 1
                for block in _chained(held, blocks):
                    fits = block[: ROWS_MOST - written]
                    sheet.write(b"".join(_row([_cell(value) for value in row]) for row in fits))
                    written += len(fits)
                    yield out.take(), len(fits)
                    if len(fits) < len(block):
                        held, more = [block[len(fits) :]], True
                        break
                sheet.write(b"</sheetData></worksheet>")
        for name, text in _parts(sheets):
            package.writestr(name, text)
    yield out.take(), 0


def _chained(held: list[Any], rows: Iterator[Any]) -> Iterator[Any]:
    first, held[:] = list(held), []
    yield from first
    yield from rows


def _row(cells: Sequence[str]) -> bytes:
    return f"<row>{''.join(cells)}</row>".encode()


def _cell(value: Any) -> str:
    match value:
        case None:
            return "<c/>"
        case bool():
            return f'<c t="b"><v>{int(value)}</v></c>'
        case int() | float() | Decimal():
            digits = f"{value:f}" if isinstance(value, Decimal) else str(value)
            if isinstance(value, Decimal) and "." in digits:
                digits = digits.rstrip("0").rstrip(".")
            if sum(sign.isdigit() for sign in digits) > _DIGITS and not isinstance(value, float):
                return _text(digits)
            return f"<c><v>{digits}</v></c>" if value == value and abs(value) != float("inf") else _text(digits)
        case datetime():
            moment = value.astimezone(UTC)
            days = (moment.date() - _DAY_ONE).days
            seconds = moment.hour * 3600 + moment.minute * 60 + moment.second + moment.microsecond / 1e6
            return f'<c s="2"><v>{days + seconds / 86_400:.10f}</v></c>' if days > 0 else _text(moment.isoformat())
        case date():
            days = (value - _DAY_ONE).days
            return f'<c s="1"><v>{days}</v></c>' if days > 0 else _text(value.isoformat())
        case _:
            return _text(str(value))


def _text(value: str, style: int = 0) -> str:
    shown = escape(_NOT_XML.sub("", value[:TEXT_MOST]))
    mark = f' s="{style}"' if style else ""
    return f'<c{mark} t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'


def _parts(sheets: int) -> Iterator[tuple[str, str]]:
    """The texts that hold the package together."""
    numbers = range(1, sheets + 1)
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_KIND}.worksheet+xml"/>' for n in numbers
    )
    yield (
        "[Content_Types].xml",
        f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_KIND}.styles+xml"/>{overrides}</Types>',
    )
    yield (
        "_rels/.rels",
        f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    )
    listed = "".join(f'<sheet name="Sheet{n}" sheetId="{n}" r:id="r{n}"/>' for n in numbers)
    yield (
        "xl/workbook.xml",
        f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>{listed}</sheets></workbook>',
    )
    links = "".join(
        f'<Relationship Id="r{n}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
    )
    yield (
        "xl/_rels/workbook.xml.rels",
        f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{links}<Relationship Id="s" '
        f'Type="{_RELATIONS}/styles" Target="styles.xml"/></Relationships>',
    )
