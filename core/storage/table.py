"""A table model as a SQLAlchemy table. The same object serves both databases: what differs is said by type variants."""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Integer,
    MetaData,
    Numeric,
    Sequence,
    Table,
    Text,
    Time,
    types,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from core.fields.column import ColumnKind, ColumnType
from core.fields.model import TableModel
from core.storage.ddl import PRECISION, SCALE


def json_type() -> types.TypeEngine[Any]:
    """JSON text on DuckDB, JSONB on PostgreSQL. None is NULL on both: a top-level JSON null is no value."""
    return JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def instant_type() -> types.TypeEngine[Any]:
    return DateTime(timezone=True)


def sqlalchemy_type(column: ColumnType) -> types.TypeEngine[Any]:
    """The SQLAlchemy type of a neutral one."""
    match column.kind:
        case "decimal":
            return Numeric(column.precision or PRECISION, SCALE if column.scale is None else column.scale)
        case "timestamp":
            return instant_type()
        case "json":
            return json_type()
    if column.is_list:
        return ARRAY(sqlalchemy_type(column.item))
    simple: dict[str, type[types.TypeEngine[Any]]] = {
        "text": Text,
        "integer": Integer,
        "bigint": BigInteger,
        "double": Double,
        "boolean": Boolean,
        "date": Date,
        "time": Time,
    }
    return simple[column.kind]()


def kind_of(type_: types.TypeEngine[Any]) -> ColumnKind:
    """The kind of a SQLAlchemy type: tables of the engine's own stores are plain SQLAlchemy tables."""
    kinds: tuple[tuple[type[types.TypeEngine[Any]], ColumnKind], ...] = (
        (types.JSON, "json"),
        (types.BigInteger, "bigint"),
        (types.Integer, "integer"),
        (types.Float, "double"),
        (types.Numeric, "decimal"),
        (types.Boolean, "boolean"),
        (types.DateTime, "timestamp"),
        (types.Date, "date"),
        (types.Time, "time"),
    )
    if isinstance(type_, types.ARRAY):
        return f"{kind_of(type_.item_type)}-list"  # type: ignore[return-value]
    for class_, kind in kinds:
        if isinstance(type_, class_):
            return kind
    return "text"


def column_type(type_: types.TypeEngine[Any]) -> ColumnType:
    """The neutral type of a SQLAlchemy one."""
    kind = kind_of(type_)
    number = type_.item_type if isinstance(type_, types.ARRAY) else type_
    if kind in ("decimal", "decimal-list") and isinstance(number, types.Numeric):
        return ColumnType(kind, number.precision, number.scale)
    return ColumnType(kind)


def build_table(model: TableModel) -> Table:
    """One table of its own metadata, so that two versions of a model never meet."""
    return Table(
        model.sql_name,
        MetaData(),
        *(
            Column(
                column.name,
                sqlalchemy_type(column.type),
                *((Sequence(column.sequence, start=column.sequence_start),) if column.sequence else ()),
                primary_key=column.name in model.key.fields,
                autoincrement=False,
                nullable=column.nullable,
            )
            for column in model.columns
        ),
    )
