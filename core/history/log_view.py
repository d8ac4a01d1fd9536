"""`system_activity_logs`: the change log for people who write SQL, under the names that §10.11 gives its columns."""

import hashlib

from core.fields.model import AppModel
from core.storage.database import Reader, Transaction
from core.storage.ddl import literal
from core.storage.journal import CHANGES

NAME = "system_activity_logs"


class LogView:
    """The view over the change log. It knows the tables' ids, so each version of an app has its own."""

    def drop(self, tx: Transaction) -> None:
        tx.execute(f"DROP VIEW IF EXISTS {NAME}")

    def create(self, tx: Transaction, model: AppModel) -> None:
        sql = _sql(tx, model)
        tx.execute(f"CREATE VIEW {NAME} AS {sql}")
        tx.execute(f"COMMENT ON VIEW {NAME} IS {literal(_mark(sql))}")

    def is_current(self, reader: Reader, model: AppModel) -> bool:
        if reader.dialect == "duckdb":
            found = "SELECT comment FROM duckdb_views() WHERE database_name = current_database() "
            found += "AND schema_name = current_schema() AND view_name = ?"
        else:
            found = "SELECT obj_description(oid) FROM pg_class WHERE relkind = 'v' "
            found += "AND relnamespace = current_schema()::regnamespace AND relname = ?"
        return bool(reader.scalar(found, [NAME]) == _mark(_sql(reader, model)))


def _sql(reader: Reader, model: AppModel) -> str:
    """Changes of one transaction belong together, those of a cascade among them: it is the batch's id and the cascade's."""
    text = "VARCHAR" if reader.dialect == "duckdb" else "TEXT"
    pack = "json_object" if reader.dialect == "duckdb" else "jsonb_build_object"
    cases = " ".join(f"WHEN {literal(t.sql_name)} THEN {literal(t.spec.id)}" for t in model)
    table_id = f'CASE "table" {cases} END' if cases else f"CAST(NULL AS {text})"
    nothing = f"CAST(NULL AS {text})"
    return (
        f"SELECT sequence AS id, time AS created_at, CASE WHEN actor NOT IN ('guest', 'system') THEN actor END AS user_id, "
        f"{nothing} AS session_id, replace(operation, '-', '_') AS action, \"table\" AS table_name, {table_id} AS table_id, "
        f"record AS record_id, {pack}('before', before, 'after', after) AS changes, {nothing} AS ip_address, "
        f'{nothing} AS user_agent, "transaction" AS batch_id, '
        f"CASE WHEN operation IN ('delete', 'restore', 'permanent-delete') THEN \"transaction\" END AS cascade_id "
        f"FROM {CHANGES.name}"
    )


def _mark(sql: str) -> str:
    return hashlib.sha256(sql.encode()).hexdigest()
