"""What a console asks first: the process and the app (`hello`), then the tables (`schema`)."""

import os

from core.contract.console import Schema
from core.contract.server import Hello
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.route import RouteFamily
from core.http.routes.tables import readable_tables
from core.http.table_shape import table_info
from core.sentence import with_patterns

routes = RouteFamily("console")
PRODUCTS = {"duckdb": "DuckDB", "postgresql": "PostgreSQL"}


@routes.add("GET", "/api/console/hello", answers={200: Hello})
async def hello(call: Call) -> Answer:
    """The server, its app and its database."""
    engine = call.engine
    app, database = engine.app, engine.database.health()
    answer: Hello = {
        "version": call.app.version,
        "pid": os.getpid(),
        "app": app.name,
        "appVersion": app.version,
        "description": app.description,
        "appFile": str(app.source or "") if engine.records.access.is_admin(call.principal) else "",
        "checksum": app.checksum,
        "database": f"{PRODUCTS[database.dialect]} {database.version} · {engine.database_name}",
        "dialect": engine.database.dialect,
        "tcp": call.app.tcp,
        "schemaVersion": engine.schema_version,
        "idleSeconds": app.auth.session.inactivity_timeout if app.auth is not None else 0,
        "notes": [*engine.notes, *([database.note] if database.note else [])],
    }
    return as_json(with_patterns({**answer}))


@routes.add("GET", "/api/console/schema", answers={200: Schema})
async def schema(call: Call) -> Answer:
    """All tables and fields that the caller may read."""
    answer: Schema = {
        "version": call.engine.schema_version,
        "tables": [table_info(call.engine, table, call.principal) for table in readable_tables(call)],
    }
    return as_json(answer)
