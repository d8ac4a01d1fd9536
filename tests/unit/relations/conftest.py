"""An app with its tables on each database, asked through the records service."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.fields.model import AppModel, TableModel
from core.principal import OWNER
from core.records.service import Records
from core.storage.database import Call, Database, Settings
from tests.support.apps import app_model
from tests.support.tables import create_tables


class OpenApp:
    def __init__(self, database: Database, model: AppModel) -> None:
        self.database = database
        self.model = model
        self.records = Records(database, model)

    def table(self, name: str) -> TableModel:
        return self.model.by_address[name]

    async def create(self, table: str, **fields: Any) -> dict[str, Any]:
        return {**await self.records.create(OWNER, self.table(table), fields)}

    async def update(self, table: str, key: Any, **fields: Any) -> dict[str, Any]:
        return {**await self.records.update(OWNER, self.table(table), str(key), {"fields": fields})}

    async def delete(self, table: str, key: Any, **options: Any) -> bool:
        return await self.records.delete(OWNER, self.table(table), str(key), **options)

    async def restore(self, table: str, key: Any) -> dict[str, Any]:
        return {**await self.records.restore(OWNER, self.table(table), str(key))}

    async def get(self, table: str, key: Any, **params: str) -> dict[str, Any]:
        return {**await self.records.get(OWNER, self.table(table), str(key), params)}

    async def list(self, table: str, **params: str) -> dict[str, Any]:
        return {**await self.records.list(OWNER, self.table(table), params)}

    async def ids(self, table: str, **params: str) -> "list[str]":
        return [record["id"] for record in (await self.list(table, **params))["records"]]

    async def column(self, table: str, *fields: str, **params: str) -> "list[Any]":
        """Values of one field of all records, or rows of several."""
        found = (await self.list(table, fields=",".join(fields), limit="100", **params))["records"]
        rows = [[record["fields"][name] for name in fields] for record in found]
        return [row[0] for row in rows] if len(fields) == 1 else rows

    def rows(self, sql: str) -> "list[tuple[Any, ...]]":
        return self.database.submit_read(Call(lambda reader: reader.rows(sql))).result()


Open = Callable[[str], OpenApp]


@pytest.fixture
def open_app(open_db: Callable[..., Database]) -> Open:
    """`open_app(yaml)`: the app's tables stand in a new database."""

    def open_(text: str) -> OpenApp:
        model = app_model(text)
        database = open_db()
        create_tables(database, model)
        return OpenApp(database, model)

    return open_


OpenWithFiles = Callable[[str], OpenApp]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder in which the database reads and writes files."""
    path = tmp_path / "exchange"
    path.mkdir()
    return path


@pytest.fixture
def open_app_with_files(open_db: Callable[..., Database], database_settings: Settings, folder: Path) -> OpenWithFiles:
    """As `open_app`, with a folder for files."""

    def open_(text: str) -> OpenApp:
        model = app_model(text)
        database = open_db(replace(database_settings, exchange=str(folder)))
        create_tables(database, model)
        return OpenApp(database, model)

    return open_
