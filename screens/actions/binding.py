"""Actions as Textual bindings, and where an action would run now.

A widget or screen claims contexts: `action_context = "grid"` (or a tuple) and `BINDINGS = bindings_of("grid")`. Keys of
context `global` belong to the app, which runs the action on the nearest node, from the focused widget outwards, that has
a method for it (`action_change_commit` for `change.commit`).
"""

from collections.abc import Iterable, Sequence

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen

from screens.actions.action import Action
from screens.actions.registry import ACTIONS, actions_of
from screens.services.text import t

WRITING = frozenset(action.textual for action in ACTIONS if action.writes)


def bindings_of(*contexts: str, priority: bool = False) -> list[Binding]:
    """Bindings of the actions in these contexts, with ids for the key file. priority: before what is inside asks."""
    return bindings_for((action for context in contexts for action in actions_of(context)), priority=priority)


def bindings_for(actions: Iterable[Action], *, priority: bool = False) -> list[Binding]:
    """Bindings of single actions: a dialog names the global ones that it lets through."""
    return [
        Binding(
            action.keys,
            f"app.perform({action.id!r})" if action.context == "global" else action.textual,
            action.id,
            show=False,
            priority=priority,
            id=action.id,
        )
        for action in actions
        if action.keys
    ]


def chain_of(screen: Screen[object]) -> list[DOMNode]:
    """The nodes that may answer a key, from the focused widget outwards to the app, or to a dialog that keeps keys."""
    start: DOMNode = screen.focused or screen
    chain = list(start.ancestors_with_self)
    return chain[: chain.index(screen) + 1] if is_dialog(screen) else chain


def is_dialog(node: DOMNode) -> bool:
    """Whether it is a screen that keeps all keys from what lies under it."""
    return isinstance(node, Screen) and node.is_modal


def contexts_of(chain: Iterable[DOMNode]) -> list[str]:
    """The claimed contexts, nearest first, `global` last; a dialog claims `dialog` besides its own."""
    found: list[str] = []
    for node in chain:
        claimed = getattr(node, "action_context", ())
        claims = [*((claimed,) if isinstance(claimed, str) else claimed), "dialog" if is_dialog(node) else ""]
        found += [c for c in claims if c and c not in found]
    return [*(c for c in found if c != "global"), "global"]


def target_of(action: Action, chain: Sequence[DOMNode]) -> DOMNode | None:
    """The nearest node that can do it now, None when nobody can."""
    for node in chain:
        if callable(getattr(node, f"action_{action.textual}", None)):
            return node if node.check_action(action.textual, ()) else None
    return None


def live_actions(chain: Sequence[DOMNode]) -> list[Action]:
    """What can be done now, nearest context first."""
    return [
        action
        for context in contexts_of(chain)
        for action in actions_of(context)
        if target_of(action, chain) is not None
    ]


def why_barred(action: Action, chain: Sequence[DOMNode]) -> str:
    """Why the caller may not do it, where it could be done otherwise; "" when nothing forbids it."""
    target = target_of(action, chain)
    return barred(target, action.textual) if target is not None else ""


def barred(node: DOMNode, action: str) -> str:
    """Why the caller may not do an action of a node, by its Textual name; "" when nothing forbids it, or nobody can."""
    is_writing = action in WRITING and getattr(node.app, "read_only", False)
    say = getattr(node, "why_barred", None)
    if not (is_writing or callable(say)) or not node.check_action(action, ()):
        return ""
    return t("read_only.told") if is_writing else str(say(action))


async def perform(app: App[object], action: Action, chain: Sequence[DOMNode]) -> bool:
    """Run an action where it belongs; False when nobody can do it now."""
    target = target_of(action, chain)
    return target is not None and await app.run_action(action.textual, target)
