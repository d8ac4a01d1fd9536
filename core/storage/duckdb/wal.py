"""The write-ahead log looked through before DuckDB opens it.

DuckDB reads the log up to the first entry that is not sound and leaves out the rest without a word. For the end of the
log that is right: a transaction that was being written when the power went was never acknowledged. Anywhere before the end
it means that acknowledged writes are lost, and a person must be told before anything is built on what is left.

The log (version 2): a header, then entries of `size: u64, checksum: u64, data`. The last entry of each transaction is the
flush entry, which is always the same.
"""

import array
import fcntl
import operator
import os
import shutil
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

from core.errors import Damaged, StorageError
from core.sentence import say

HEADER_START = b"\x64\x00\x62"
VERSION = 2
_ENTRY = struct.Struct("<QQ")
_FLUSH = b"\x64\x00\x64\xff\xff"
_WORD = 0xBF58476D1CE4E5B9
_REST = 0xC6A4A7935BD1E995
_SEED = 0xE17A1465
_MASK = (1 << 64) - 1
WORDS_AT_ONCE = 1 << 16


@dataclass(frozen=True, slots=True)
class Finding:
    """A log that is not sound. `sound`: bytes up to the end of the last transaction before the damage."""

    at: int
    sound: int
    transactions: int


def check_log(database: str, *, accept_lost: bool = False) -> None:
    """Look through the log beside a database file that is about to be opened. With `accept_lost`, a damaged one is put
    aside and cut down to what can be read.

    Raises:
        Damaged: acknowledged writes cannot be read.
        StorageError: the log cannot be read at all, or not put aside.
    """
    path = Path(database + ".wal")
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(say("{file} cannot be read: {reason}", file=str(path), reason=error.strerror)) from error
    found = inspect(data)
    if found is None or _is_held(database):
        return
    if accept_lost:
        _put_aside(path, found)
        return
    lost = len(data) - found.sound
    raise Damaged(
        say(
            "{file}, the log of the latest writes, is damaged at byte {at:,} of {size:,}: "
            "{count:,} transactions before it can be read, {lost:,} bytes behind them would be lost",
            file=path.name,
            at=found.at,
            size=len(data),
            count=found.transactions,
            lost=lost,
        ),
        hint="Restore a backup, or give them up with `sovrium-tui start --accept-lost-wal`, which keeps a copy of the log",
    )


def inspect(data: bytes) -> Finding | None:
    """What is wrong with a log; None for one that is sound, that ends within its last transaction, or of another version
    (which DuckDB judges itself)."""
    if not data:
        return None
    at = _header_end(data)
    if at == 0:
        return None
    sound = transactions = 0
    if at > 0:
        sound = at
        for end, is_flush in _entries(data, at):
            at = end
            if is_flush:
                sound, transactions = end, transactions + 1
        if at == len(data) or data.find(flush_entry(), at) < 0:
            return None
    return Finding(at=max(at, 0), sound=sound, transactions=transactions)


def flush_entry() -> bytes:
    return _ENTRY.pack(len(_FLUSH), checksum(_FLUSH)) + _FLUSH


def _header_end(data: bytes) -> int:
    """Where the entries begin; 0 for another version of the log, -1 when this is no log."""
    if not data.startswith(HEADER_START):
        return -1
    try:
        at = len(HEADER_START)
        version, at = _field(data, at, 0x65)
        if version != VERSION:
            return 0
        count, at = _field(data, at, 0x66)
        for _ in range(count):
            _, at = _number(data, at)
        _, at = _field(data, at, 0x67)
    except (IndexError, ValueError):
        return -1
    return at + 2 if data[at : at + 2] == b"\xff\xff" else -1


def _field(data: bytes, at: int, number: int) -> tuple[int, int]:
    if data[at] != number or data[at + 1] != 0:
        raise ValueError
    return _number(data, at + 2)


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, and where it ends."""
    value = shift = 0
    while shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError


def _entries(data: bytes, at: int) -> Iterator[tuple[int, bool]]:
    """The end of each sound entry, and whether it ends a transaction; stops at the first that is not sound."""
    while at + _ENTRY.size <= len(data):
        size, expected = _ENTRY.unpack_from(data, at)
        begin = at + _ENTRY.size
        at = begin + size
        if at > len(data):
            return
        content = data[begin:at]
        if checksum(content) != expected:
            return
        yield at, content == _FLUSH


def checksum(content: bytes) -> int:
    """DuckDB's checksum."""
    whole = len(content) // 8 * 8
    result = 5381
    for start in range(0, whole, WORDS_AT_ONCE * 8):
        words = array.array("Q", content[start : min(start + WORDS_AT_ONCE * 8, whole)])
        result ^= reduce(operator.xor, map(_WORD.__mul__, words), 0) & _MASK
    if whole == len(content):
        return result
    rest = content[whole:]
    mixed = (_SEED ^ (len(rest) * _REST)) & _MASK
    mixed = (mixed ^ int.from_bytes(rest, "little")) * _REST & _MASK
    mixed = (mixed ^ (mixed >> 47)) * _REST & _MASK
    return result ^ mixed ^ (mixed >> 47)


def _is_held(database: str) -> bool:
    """Another process has the file open, and may be writing its log: opening will say so."""
    try:
        descriptor = os.open(database, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _put_aside(path: Path, found: Finding) -> None:
    copy = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
    try:
        shutil.copyfile(path, copy)
        if found.sound:
            os.truncate(path, found.sound)
        else:
            path.unlink()
    except OSError as error:
        raise StorageError(
            say("{file} cannot be put aside: {reason}", file=str(path), reason=error.strerror)
        ) from error
