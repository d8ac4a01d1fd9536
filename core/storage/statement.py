"""SQLAlchemy statements as SQL text and values, compiled once.

Asking SQLAlchemy for the text of a statement costs more than a small read. So the text is kept twice: by the
statement's shape (SQLAlchemy's own cache key, for statements built anew with other values) and by the statement object
itself (for those that a service keeps and runs with parameters).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Executable
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.util import LRUCache

from core.storage.database import Parameters

Processor = Callable[[Any], Any]


class Kept:
    """A compiled statement that needs nothing but its values put in order."""

    __slots__ = ("defaults", "order", "processors", "sql")

    def __init__(self, compiled: SQLCompiler, defaults: Mapping[str, Any]) -> None:
        self.sql = str(compiled)
        self.order: Sequence[str] = compiled.positiontup or ()
        self.processors: Mapping[str, Processor] = compiled._bind_processors  # type: ignore[assignment]
        self.defaults = defaults

    def values(self, parameters: Mapping[str, Any]) -> list[Any]:
        return _ordered(self.order, {**self.defaults, **parameters}, self.processors)


class StatementCache:
    """The statements of one database, on one dialect with a positional parameter style. Used by many threads."""

    def __init__(self, dialect: Dialect, size: int = 500) -> None:
        self.dialect = dialect
        self._by_shape: LRUCache[Any, Any] = LRUCache(size)
        self._by_object: WeakKeyDictionary[Executable, Kept] = WeakKeyDictionary()

    def render(self, statement: Executable, parameters: Parameters = ()) -> tuple[str, list[Any]]:
        """SQL and values. `parameters` of a Core statement is a mapping by bind name."""
        given: Mapping[str, Any] = parameters if isinstance(parameters, Mapping) else {}
        kept = self._by_object.get(statement)
        if kept is not None:
            return kept.sql, kept.values(given)
        is_dml = bool(getattr(statement, "is_dml", False))
        compiled, extracted, collected, _ = statement._compile_w_cache(
            self.dialect, compiled_cache=self._by_shape, column_keys=sorted(given) if is_dml else []
        )
        assert isinstance(compiled, SQLCompiler)
        if compiled.post_compile_params or compiled.literal_execute_params:
            return self._expanded(compiled, given, extracted, collected)
        values = compiled.construct_params(
            extracted_parameters=extracted, _collected_params=collected, _check=False, escape_names=False
        )
        kept = Kept(compiled, values)
        if given and not is_dml:
            self._by_object[statement] = kept
        return kept.sql, kept.values(given)

    def _expanded(
        self, compiled: SQLCompiler, given: Mapping[str, Any], extracted: Any, collected: Any
    ) -> tuple[str, list[Any]]:
        """IN lists: the text depends on the number of values."""
        values = compiled.construct_params(
            given, extracted_parameters=extracted, _collected_params=collected, escape_names=False
        )
        state = compiled._process_parameters_for_postcompile(values)
        processors = {**compiled._bind_processors, **state.processors}
        return state.statement, _ordered(state.positiontup or (), {**values, **state.additional_parameters}, processors)


def _ordered(order: Sequence[str], values: Mapping[str, Any], processors: Mapping[str, Any]) -> list[Any]:
    out = []
    for name in order:
        value = values[name]
        process = processors.get(name)
        out.append(value if process is None else process(value))
    return out
