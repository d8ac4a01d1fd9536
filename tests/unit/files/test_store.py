"""Files on the local disk: whole or not there, never found by a made-up key."""

import hashlib
import os
from pathlib import Path

import pytest

from core.errors import DiskFull, NotFound, TooLarge
from core.files.store import KEY, LocalFiles


@pytest.fixture
def store(tmp_path: Path) -> LocalFiles:
    return LocalFiles(tmp_path / "files")


def test_a_file_comes_back_as_it_was_given(store: LocalFiles) -> None:
    with store.receive() as incoming:
        for part in (b"one ", b"", b"two"):
            incoming.write(part)
        kept = incoming.finish()
    assert KEY.fullmatch(kept.key)
    assert (kept.size, store.size(kept.key)) == (7, 7)
    assert kept.sha256 == hashlib.sha256(b"one two").hexdigest()
    assert store.read(kept.key) == b"one two"
    assert store.read(kept.key, 4, 2) == b"tw"
    assert [key for key, _ in store.stored()] == [kept.key]


def test_two_files_of_the_same_bytes_have_two_keys(store: LocalFiles) -> None:
    first, second = store.put(b"same"), store.put(b"same")
    assert first.key != second.key
    assert first.sha256 == second.sha256
    assert store.delete(first.key)
    assert store.read(second.key) == b"same"
    assert not store.delete(first.key)


def test_what_is_too_large_leaves_nothing(store: LocalFiles) -> None:
    """T-090"""
    with store.receive(limit=3) as incoming:
        incoming.write(b"ab")
        with pytest.raises(TooLarge):
            incoming.write(b"cd")
    assert list(store.folder.rglob("*.part")) == []
    assert list(store.stored()) == []


def test_what_is_given_up_leaves_nothing(store: LocalFiles) -> None:
    with store.receive() as incoming:
        incoming.write(b"half of it")
    assert [path for path in store.folder.rglob("*") if path.is_file()] == []


def test_a_file_is_not_there_before_it_is_finished_and_its_rest_is_cleared(store: LocalFiles) -> None:
    incoming = store.receive()
    incoming.write(b"x" * 1_000_000)
    assert list(store.stored()) == []
    assert LocalFiles(store.folder).clear_unfinished() == 1
    assert [path for path in store.folder.rglob("*") if path.is_file()] == []
    incoming.forget()


def test_a_full_disk_is_told_and_leaves_nothing(store: LocalFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull, match="No space"):
        store.put(b"bytes")
    assert [path for path in store.folder.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "key", ["", "../../etc/passwd", "a" * 25, "A" * 26, "a" * 26 + "\n", "a" * 12 + "/" + "a" * 13]
)
def test_a_made_up_key_is_no_path(store: LocalFiles, key: str) -> None:
    for ask in (store.open, store.size, store.delete):
        with pytest.raises(NotFound):
            ask(key)


def test_an_unknown_key_is_not_found(store: LocalFiles) -> None:
    with pytest.raises(NotFound):
        store.open("a" * 26)
    assert not store.delete("a" * 26)


def test_files_are_the_owners_alone(store: LocalFiles) -> None:
    kept = store.put(b"secret")
    assert store.path(kept.key).stat().st_mode & 0o077 == 0
    assert store.path(kept.key).parent.stat().st_mode & 0o077 == 0
