"""A PostgreSQL server behind the same interface: connections for the lanes, a few writers."""

from typing import NoReturn
from urllib.parse import urlsplit, urlunsplit

from sqlalchemy.schema import CreateTable

from core.clock import Clock
from core.errors import DialectLimit, FeatureMissing, SovriumError
from core.storage.catalog import table_names
from core.storage.database import Cancel, Health, Settings
from core.storage.journal import CHANGES, RECORD_INDEX
from core.storage.lanes import LaneDatabase
from core.storage.session import Session, SessionReader
from core.storage.statement import StatementCache
from core.storage.value import load_json
from core.storage.watch import Guard
from core.storage.writer import Writer

try:
    import psycopg
    from psycopg.types.json import set_json_loads

    from core.storage.postgresql.dialect import make_dialect
    from core.storage.postgresql.errors import translate_open
    from core.storage.postgresql.session import CHANGE_NUMBERS, TRANSACTION_NUMBERS, Connection, PostgreSQLSession
except ImportError as error:
    raise FeatureMissing("PostgreSQL needs the package psycopg", hint="pip install 'sovrium-tui[postgres]'") from error

WRITERS = 2


class PostgreSQLDatabase(LaneDatabase):
    dialect = "postgresql"

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._address = settings.url.replace("postgresql+psycopg://", "postgresql://", 1)
        self._statements = StatementCache(make_dialect())
        self._note = ""
        writers = [PostgreSQLSession(self._connect, self._statements)]
        self._version = writers[0]._connection.info.parameter_status("server_version") or ""
        try:
            self._prepare(writers[0])
        except BaseException:
            writers[0].close()
            raise
        super().__init__()
        writers += [PostgreSQLSession(self._connect, self._statements) for _ in range(WRITERS - 1)]
        self.writer = Writer(
            writers,
            watch=self._watch,
            clock=clock,
            publish=self._publish,
            rest=lambda session, idle: None,
            recover=self._recover,
        )
        self._open_lanes(lambda: PostgreSQLSession(self._connect, self._statements))

    def _connect(self) -> Connection:
        try:
            # Without prepared statements: a kept plan would fail after a migration has changed a column's type.
            connection: Connection = psycopg.connect(self._address, autocommit=True, prepare_threshold=None)
            set_json_loads(load_json, connection)
            connection.execute("SET TIME ZONE 'UTC'")
            connection.execute("SET client_encoding TO 'UTF8'")
        except psycopg.Error as error:
            raise translate_open(error, _shown(self._address)) from error
        return connection

    def run_alone(self, statement: str, cancel: Cancel | None = None) -> None:
        session = PostgreSQLSession(self._connect, self._statements)
        try:
            with Guard(self._watch, session.interrupt, None, cancel) as guard:
                session.guard = guard
                session.execute(statement, ())
        finally:
            session.close()

    def still(self) -> NoReturn:
        raise DialectLimit(
            "A PostgreSQL database is backed up by its own tools",
            hint="`pg_dump`, or base backups with its archive of the log; copy the folder `files` beside it",
        )

    def _prepare(self, session: PostgreSQLSession) -> None:
        """The change log with its numbers; a second process that starts at the same time waits."""
        session.begin(read_only=False)
        session.execute("SELECT pg_advisory_xact_lock(hashtext('system_change'))", ())
        if CHANGES.name not in table_names(SessionReader(session)):
            session.execute(str(CreateTable(CHANGES).compile(dialect=self._statements.dialect)), ())
            session.execute(f"CREATE INDEX {CHANGES.name}_sequence ON {CHANGES.name} (sequence)", ())
            session.execute(f'CREATE INDEX {RECORD_INDEX} ON {CHANGES.name} ("table", record)', ())
            for sequence in (CHANGE_NUMBERS, TRANSACTION_NUMBERS):
                session.execute(f"CREATE SEQUENCE {sequence}", ())
        session.commit()

    def _recover(self, session: Session) -> None:
        """Connect again; as long as that fails, so do the jobs of this session."""
        assert isinstance(session, PostgreSQLSession)
        try:
            with session.lock:
                session.renew()
            self._note = ""
        except SovriumError as error:
            self._note = error.message

    def health(self) -> Health:
        return Health(
            state="failed" if self._note else "ready", dialect="postgresql", version=self._version, note=self._note
        )

    def _release(self) -> None:
        """Its connections are closed with their sessions."""


def _shown(address: str) -> str:
    """The address without its password."""
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    user = parts.username
    return urlunsplit((parts.scheme, f"{user}@{host}" if user else host, parts.path, "", ""))
