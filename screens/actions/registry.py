"""All actions. A new area adds its tuple here; a test compares this with the texts, the help and the documentation."""

from screens.actions.account import LOGIN
from screens.actions.action import Action
from screens.actions.analytics import ANALYTICS
from screens.actions.app import APP, CONNECTION, DIALOG, HOME, JOBS, LOGS
from screens.actions.change import CHANGE, CHANGES, CONFLICT
from screens.actions.formula import FORMULA
from screens.actions.grid import CELLS, GRID
from screens.actions.people import ACCOUNT, AUDIT, AUTH, FORM, OUTBOX, POLICIES, ROLES, SECRET, SESSIONS, USERS
from screens.actions.record import COLUMNS, EDITOR, FILES, FILTER, PASTE, PICKER, RECORD, SORT
from screens.actions.schema import MIGRATIONS, PLAN, SCHEMA, SCHEMA_TEXT
from screens.actions.sql import SQL
from screens.actions.view import CARDS, VIEWS
from screens.actions.whole_record import ACCESS, BULK, COMMENTS, HISTORY, NAVIGATOR, RECORDS, TABLE_LIST

ACTIONS: tuple[Action, ...] = (
    *APP,
    *HOME,
    *GRID,
    *CELLS,
    *CHANGE,
    *RECORDS,
    *RECORD,
    *HISTORY,
    *COMMENTS,
    *BULK,
    *TABLE_LIST,
    *NAVIGATOR,
    *ACCESS,
    *EDITOR,
    *PICKER,
    *FILTER,
    *SORT,
    *COLUMNS,
    *VIEWS,
    *CARDS,
    *PASTE,
    *FILES,
    *CHANGES,
    *CONFLICT,
    *SQL,
    *JOBS,
    *MIGRATIONS,
    *PLAN,
    *SCHEMA,
    *SCHEMA_TEXT,
    *FORMULA,
    *ROLES,
    *POLICIES,
    *USERS,
    *SESSIONS,
    *AUTH,
    *ACCOUNT,
    *SECRET,
    *OUTBOX,
    *AUDIT,
    *LOGS,
    *ANALYTICS,
    *FORM,
    *DIALOG,
    *CONNECTION,
    *LOGIN,
)

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}


def actions_of(context: str) -> tuple[Action, ...]:
    """The actions whose keys live in a context, in the order of declaration."""
    return tuple(action for action in ACTIONS if action.context == context)
