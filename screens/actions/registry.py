"""All actions. A new area adds its module here; a test compares this with the texts, the help and the documentation."""

from screens.actions.action import Action

ACTIONS: tuple[Action, ...] = ()


def actions_of(context: str) -> tuple[Action, ...]:
    """The actions whose keys live in a context, in the order of declaration."""
    return tuple(action for action in ACTIONS if action.context == context)
