"""The declaration of one action."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person can do.

    id: `grid.edit`, stable: key files and tests name it. The Textual action is `grid_edit`, the method `action_grid_edit`.
    keys: default keys, Textual names, comma-separated ("e,f2"); "" = palette only.
    context: whose keys they are: `global`, `grid`, `sql`, `record`, `jobs`, `changes`, … (a widget or screen claims it).
    footer: position in the footer of its context (1 first); 0 = not shown there.
    leader: continuation after the leader key `g` ("t" for `g t`), for places to go.
    vim: further keys in the vim overlay.
    writes: it changes something at the server, or leads to nothing else: not in a console that only reads.

    Texts are in the catalogue: `actions.<id>` is the label (two or three words), `actions.<id>.help` one sentence.
    """

    id: str
    keys: str
    context: str
    footer: int = 0
    leader: str = ""
    vim: str = ""
    writes: bool = False

    @property
    def textual(self) -> str:
        """The name that Textual calls: `grid_edit`."""
        return self.id.replace(".", "_")
