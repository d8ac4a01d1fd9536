"""What has become of the fields that a language model fills (T-103)."""

from collections.abc import Mapping
from typing import Any, Literal

from core.fields.model import TableModel

State = Literal["pending", "done", "failed"]


def compute_states(table: TableModel, fields: Mapping[str, Any]) -> dict[str, State] | None:
    """The state of each such field of a record; None for a table without any. A value, a model's or one written by hand, is
    done; where there is none it waits for a provider. Fields that the record does not tell are left out."""
    if not table.generated:
        return None
    return {name: "pending" if fields[name] in (None, "", []) else "done" for name in table.generated if name in fields}
