"""Types of what is given to commands."""

from typing import Any

import click


class Folder(click.Path):
    """The path of a folder. An empty one (`--data-dir "$UNSET"`) is refused: it would mean the folder where the shell is."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("the name of the folder is empty", param, ctx)
        return super().convert(value, param, ctx)


class Number(click.IntRange):
    """A whole number within bounds."""

    name = "number"
