"""A background step that failed through a fault of ours: told, never silent, and the console goes on."""

from textual.app import App
from textual.worker import Worker, WorkerState

from screens.services.text import t


def tell_defect(app: App[object], event: Worker.StateChanged) -> None:
    """To be called by `on_worker_state_changed` of whoever starts workers with `exit_on_error=False`."""
    if event.state is WorkerState.ERROR:
        error = event.worker.error
        app.log.error(repr(error))
        reason = f"{type(error).__name__}: {error}"
        app.notify(t("defect.text", reason=reason), title=t("defect.title"), severity="error")
