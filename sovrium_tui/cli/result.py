"""What a command has found: rows as a table of text, a text on stdout or in a file."""

import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from core.errors import SovriumError

WIDEST = 60
"""Cells of the terminal that a column may take."""


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class Table:
    """Written as the rows come: the first of them decide how wide the columns are."""

    def __init__(self, names: Sequence[str], numeric: Sequence[bool]) -> None:
        self.names = [one_line(name) for name in names]
        self.numeric = numeric
        self.widths: list[int] = []

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        texts = [[text_of(cell) for cell in row] for row in rows]
        if not self.widths:
            self._begin(texts)
        for row in texts:
            click.echo(self._line(row))

    def close(self, note: str) -> None:
        if not self.widths:
            self._begin([])
        click.echo(note, err=True)

    def _begin(self, texts: Sequence[Sequence[str]]) -> None:
        columns = zip(*([self.names], *([row] for row in texts)), strict=True) if texts else [[self.names]]
        every = [row for part in columns for row in part]
        self.widths = [min(max(width(row[i]) for row in every), WIDEST) for i in range(len(self.names))]
        click.echo(self._line(self.names))
        click.echo("  ".join("─" * size for size in self.widths))

    def _line(self, row: Sequence[str]) -> str:
        return "  ".join(map(fitted, row, self.widths, self.numeric)).rstrip()


def deliver(text: str, output: Path | None) -> None:
    """Print a text, or write it to a file, whose folder is made. Raises SovriumError."""
    if output is None:
        click.echo(text)
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise SovriumError(f"{output}: {error.strerror}") from error
    click.echo(f"Wrote {output}", err=True)


def tell_json(answer: Any) -> None:
    """What a command has to say, for programs."""
    click.echo(json.dumps(answer, ensure_ascii=False, default=str))


def text_of(cell: Any) -> str:
    if cell is None:
        return "∅"
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, dict):
        return one_line(cell["cut"]) + "…"
    return one_line(str(cell))


def printable(text: str) -> str:
    """The text without what could steer a terminal: file names and data may hold escape sequences."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def one_line(text: str) -> str:
    """The text without line breaks and without what could steer the terminal."""
    return "".join(
        c if c.isprintable() else "␤" if c == "\n" else " " if c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def width(text: str) -> int:
    """Cells of the terminal that the text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def fitted(text: str, size: int, right: bool) -> str:
    """The text cut or filled up to `size` cells. A number, which goes to the right, is never cut: it would be another."""
    if width(text) > size and not right:
        while width(text) >= size:
            text = text[:-1]
        text += "…"
    space = " " * (size - width(text))
    return space + text if right else text + space
