"""The `analytics` of the app file: whether visits of pages are counted, and how (auth §16.3)."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from core.schema.form import Form
from core.schema.model import AnalyticsSpec
from core.schema.pattern import PATH_PATTERN
from core.schema.shape import Findings
from core.schema.tree import plain

PathPattern = Annotated[str, StringConstraints(pattern=PATH_PATTERN, max_length=500)]


class AnalyticsForm(Form):
    """Counting visits of pages. `retentionDays`: how long they are kept. `excludedPaths`: pages that are not counted, `*` is
    any text. `sessionTimeout`: minutes without a page after which a visitor's next one begins another session."""

    enabled: bool = True
    retention_days: Annotated[int, Field(ge=1, le=730)] = 365
    excluded_paths: Annotated[list[PathPattern], Field(max_length=200)] = []
    respect_do_not_track: bool = True
    session_timeout: Annotated[int, Field(ge=1, le=120)] = 30


def read_analytics(data: Any, findings: Findings) -> AnalyticsSpec | None:
    """What the file says; None: nothing is counted. What is wrong goes to the findings."""
    if not isinstance(data, Mapping):
        return AnalyticsSpec() if data is True else None
    form = findings.read(AnalyticsForm, plain(data), ("analytics",))
    if form is None or not form.enabled:
        return None
    return AnalyticsSpec(
        retention_days=form.retention_days,
        excluded_paths=tuple(form.excluded_paths),
        respects_refusal=form.respect_do_not_track,
        session_minutes=form.session_timeout,
    )
