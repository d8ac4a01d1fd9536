"""A process that changes the type of a column and dies in the middle of the copy."""

import os
import signal
import sys

from core.migrations import plan, run
from core.migrations.run import Progress
from core.storage.database import Settings
from core.storage.engine import open_database
from tests.support.apps import app_model


def main(url: str, app_text: str, die_at: int) -> None:
    """`die_at`: rows copied before the end; 0: at the first report."""

    def report(how: Progress) -> None:
        if how.done >= die_at and (die_at == 0 or how.total):
            os.kill(os.getpid(), signal.SIGKILL)

    database = open_database(Settings(url=url))
    run(database, plan(database, app_model(app_text)), report=report)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
