"""From the tables that a database has to those that the app file says: compare, plan, run, remember.

`plan` changes nothing and can be shown; `run` applies it in one transaction; `status` and `history` tell where a
database stands.
"""

from core.migrations.bookkeeping import Version
from core.migrations.check import Refusal
from core.migrations.owned import OwnedViewGroup, OwnedViews
from core.migrations.plan import Plan, Step
from core.migrations.run import Applied, history, plan, run
from core.migrations.status import Status, status

__all__ = [
    "Applied",
    "OwnedViewGroup",
    "OwnedViews",
    "Plan",
    "Refusal",
    "Status",
    "Step",
    "Version",
    "history",
    "plan",
    "run",
    "status",
]
