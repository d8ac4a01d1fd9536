"""What is known of the files that are kept, and which records refer to them. Both are written in the transaction of the
records, so that a file is let go exactly when the last of them has gone (T-091)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text, delete, select, update

from core.fields.attachment import Attachment, AttachmentField
from core.fields.base import ValueProblem
from core.files.store import StoredFile
from core.sentence import say
from core.storage.catalog import table_names
from core.storage.database import Reader, Transaction
from core.storage.own import ensure
from core.storage.table import instant_type

FILES = Table(
    "system_file",
    MetaData(),
    Column("key", Text, primary_key=True),
    Column("filename", Text, nullable=False),
    Column("mime_type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("bucket", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("uploaded_by", Text, nullable=False),
    Column("uploaded_at", instant_type(), nullable=False),
)
"""`state`: `new` until a record refers to it, then `used`; `loose` when none does any more and it is to go."""
USES = Table(
    "system_file_use",
    MetaData(),
    Column("key", Text, primary_key=True),
    Column("table_name", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("record", Text, primary_key=True),
)
Index("idx_system_file_use_record", USES.c.table_name, USES.c.record)
LOCAL = "local"
"""The bucket of files on the server's own disk."""


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A row of the ledger."""

    key: str
    filename: str
    kind: str
    size: int
    sha256: str
    bucket: str
    state: str
    uploaded_by: str


@dataclass(frozen=True, slots=True)
class Use:
    """A record that refers to a file; `record` is its key as text."""

    key: str
    table: str
    field: str
    record: str


_KNOWN = tuple(FILES.c[n] for n in ("key", "filename", "mime_type", "size", "sha256", "bucket", "state", "uploaded_by"))


def ensure_ledger(tx: Transaction) -> None:
    """Make the tables where they are not there."""
    ensure(tx, table_names(tx), FILES, USES)


def enter(tx: Transaction, file: StoredFile, filename: str, kind: str, by: str) -> None:
    """Note a file that has been uploaded."""
    row = {"key": file.key, "filename": filename, "mime_type": kind, "size": file.size, "sha256": file.sha256}
    tx.insert(FILES, [{**row, "bucket": LOCAL, "state": "new", "uploaded_by": by, "uploaded_at": tx.time}])


def all_keys(reader: Reader) -> list[str]:
    """Every file that is known, used or not."""
    if FILES.name not in table_names(reader):
        return []
    return [key for (key,) in reader.rows(select(FILES.c.key).order_by(FILES.c.key))]


def known_files(reader: Reader, keys: Collection[str]) -> dict[str, KnownFile]:
    """What is known of the files, by key."""
    if not keys:
        return {}
    rows = reader.rows(select(*_KNOWN).where(FILES.c.key.in_(list(keys))))
    return {row[0]: KnownFile(*row) for row in rows}


def settle(value: Attachment, field: AttachmentField, known: Mapping[str, KnownFile]) -> None:
    """Put what the ledger knows into a value, whatever its writer said of it; only the name may be another. Raises
    ValueProblem."""
    file = known.get(value["key"])
    if file is None:
        raise ValueProblem("file.missing", say("there is no file {key}", key=value["key"]))
    field.check_file(file.filename, file.kind, file.size)
    value.setdefault("filename", file.filename)
    value.update(mimeType=file.kind, size=file.size, bucket=field.options.bucket or file.bucket)


def take(tx: Transaction, uses: Sequence[Use]) -> None:
    """Records refer to files from now on."""
    if not uses:
        return
    tx.insert(USES, [{"key": u.key, "table_name": u.table, "field": u.field, "record": u.record} for u in uses])
    tx.execute(update(FILES).values(state="used").where(FILES.c.key.in_({use.key for use in uses})))


def let_go(tx: Transaction, uses: Sequence[Use], *, keep: bool = False) -> None:
    """Records refer to files no longer. Those that nobody refers to any more are to go, unless they are to be kept."""
    if not uses:
        return
    c = USES.c
    for use in uses:
        here = (c.key == use.key) & (c.table_name == use.table) & (c.field == use.field) & (c.record == use.record)
        tx.execute(delete(USES).where(here))
    keys = {use.key for use in uses}
    left = {row[0] for row in tx.rows(select(c.key).where(c.key.in_(keys)).distinct())}
    if not keep and keys - left:
        tx.execute(update(FILES).values(state="loose").where(FILES.c.key.in_(keys - left)))


def uses_of(reader: Reader, key: str, limit: int) -> list[Use]:
    """Records that refer to a file, some of them where there are many."""
    c = USES.c
    found = select(c.key, c.table_name, c.field, c.record).where(c.key == key).limit(limit)
    return [Use(*row) for row in reader.rows(found)]


def strike(tx: Transaction, new_before: datetime) -> list[str]:
    """Take files out of the ledger that are to go, or were uploaded long ago and never used; their keys."""
    c = FILES.c
    gone = (c.state == "loose") | ((c.state == "new") & (c.uploaded_at < new_before))
    keys = [row[0] for row in tx.rows(select(c.key).where(gone))]
    if keys:
        tx.execute(delete(FILES).where(c.key.in_(keys)))
    return keys


def keys_in(field: AttachmentField, value: Any) -> list[str]:
    """The files that a stored value refers to."""
    return [each["key"] for each in field.held(value)]
