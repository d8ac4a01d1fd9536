"""Results kept beside the database: tables in memory, neither durable nor logged nor recovered, for what can always be
computed anew (the order of a view). DuckDB only; they are visible to all readers and gone when the database is opened again.
"""

from sqlalchemy import Executable

from core.storage.database import Parameters, Reader
from core.storage.ddl import quote
from core.storage.session import SessionReader

SCRATCH = "scratch"
"""Name of the attached in-memory database."""


def keep(reader: Reader, name: str, statement: Executable | str, parameters: Parameters = ()) -> None:
    """Keep the rows of a SELECT, in its order, as `scratch.<name>`. Called within a read job; what the job reads
    afterwards may be of a later snapshot, because a read-only transaction cannot write."""
    assert isinstance(reader, SessionReader)
    session = reader.session
    sql, values = session.render(statement, parameters)
    session.commit()
    session.begin(read_only=False)
    session.execute(f"CREATE OR REPLACE TABLE {_address(name)} AS {sql}", values)
    session.commit()
    session.begin(read_only=True)


def forget(reader: Reader, name: str) -> None:
    """Drop what was kept; nothing happens when it is not there."""
    assert isinstance(reader, SessionReader)
    session = reader.session
    session.commit()
    session.begin(read_only=False)
    session.execute(f"DROP TABLE IF EXISTS {_address(name)}", ())
    session.commit()
    session.begin(read_only=True)


def _address(name: str) -> str:
    return f"{quote(SCRATCH)}.{quote('main')}.{quote(name)}"
