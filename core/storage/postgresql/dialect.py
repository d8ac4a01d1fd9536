"""SQLAlchemy's psycopg dialect, with numbered parameters: statements go to the server as they are."""

from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg


def make_dialect() -> PGDialect_psycopg:
    return PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
