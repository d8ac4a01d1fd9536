"""The tables and their columns beside the editor; Enter writes a name into the text."""

from dataclasses import dataclass

from rich.text import Text
from textual.message import Message
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from screens.presenters.completion import CompletionIndex, quoted
from screens.services.text import t


class SchemaPeek(Tree[str]):
    """Columns are added when a table is opened: a catalogue may have thousands of them."""

    DEFAULT_CSS = """
    SchemaPeek { width: 26; background: $surface; padding: 0 1; border: none; scrollbar-size-vertical: 1; }
    SchemaPeek:focus { background-tint: transparent 0%; }
    """

    @dataclass
    class NameChosen(Message):
        """A name to write into the editor, quoted where SQL needs it."""

        name: str

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(t("sql.schema"), id=id, classes=classes)
        self.show_root = False
        self.guide_depth = 2
        self.show_guides = False
        self._index = CompletionIndex()

    def show(self, index: CompletionIndex) -> None:
        """Set the tables; those that were open stay open."""
        if index is self._index:
            return
        opened = {node.data for node in self.root.children if node.is_expanded}
        self._index = index
        self.clear()
        for name, kind in index.tables:
            if kind == "system":
                continue
            node = self.root.add(Text(name, "bold" if kind == "table" else "italic"), data=name)
            if name in opened:
                node.expand()
        self.root.expand()

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[str]) -> None:
        event.stop()
        self._fill(event.node)

    def _fill(self, node: TreeNode[str]) -> None:
        if node is self.root or node.children or node.data is None:
            return
        for name, kind in self._index.columns.get(node.data.lower(), ()):
            node.add_leaf(Text.assemble(name, (f" {kind.lower()}", "dim")), data=name)

    def on_tree_node_selected(self, event: Tree.NodeSelected[str]) -> None:
        event.stop()
        if event.node.data is not None and not event.node.allow_expand:
            self.post_message(self.NameChosen(quoted(event.node.data)))
