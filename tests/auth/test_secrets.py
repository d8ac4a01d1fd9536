"""The master key: where it is found, what it seals, and what happens without the right one (auth §4.2)."""

import base64
from pathlib import Path

import orjson
import pytest

from core.errors import SecretsError
from core.secrets.envelope import MasterKey, Secrets
from core.secrets.store import FILE, SEALS, VARIABLE, open_secrets
from tests.conftest import OpenDatabase


class MemoryRing:
    """A keyring that keeps what it is given; `deaf` takes nothing."""

    def __init__(self, *, deaf: bool = False) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.deaf = deaf
        self.locked = False

    def get_password(self, service: str, account: str) -> str | None:
        if self.locked:
            raise RuntimeError("locked")
        return self.kept.get((service, account))

    def set_password(self, service: str, account: str, value: str) -> None:
        if self.deaf:
            raise RuntimeError("no one is there")
        self.kept[service, account] = value


def no_ring() -> None:
    return None


def test_a_key_is_made_in_the_keyring_and_found_again(open_db: OpenDatabase, tmp_path: Path) -> None:
    ring, database = MemoryRing(), open_db()
    first = open_secrets(database, tmp_path, environ={}, ring=lambda: ring)
    sealed = first.seal(b"JBSWY3DP", "auth_factor/1/secret")
    again = open_secrets(database, tmp_path, environ={}, ring=lambda: ring)
    assert again.open(sealed, "auth_factor/1/secret") == b"JBSWY3DP"
    assert not (tmp_path / FILE).exists()
    assert len(ring.kept) == 1
    ring.locked = True
    for silent in (lambda: ring, no_ring):
        with pytest.raises(SecretsError, match="the keyring of the system \\(none answers here"):
            open_secrets(database, tmp_path, environ={}, ring=silent)


@pytest.mark.parametrize("ring", [no_ring, lambda: MemoryRing(deaf=True)], ids=["absent", "deaf"])
def test_without_a_keyring_the_key_is_a_private_file(open_duckdb: OpenDatabase, tmp_path: Path, ring) -> None:
    """Over SSH nobody answers: the key lies in the data folder, for its owner alone."""
    database = open_duckdb()
    first = open_secrets(database, tmp_path, environ={}, ring=ring)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert open_secrets(database, tmp_path, environ={}, ring=no_ring).current.id == first.current.id
    (tmp_path / FILE).chmod(0o644)
    with pytest.raises(SecretsError, match="has mode 0644, expected 0600"):
        open_secrets(database, tmp_path, environ={}, ring=no_ring)


def test_a_042_an_envelope_opens_only_where_it_was_put() -> None:
    secrets = Secrets(MasterKey(bytes(32)))
    sealed = secrets.seal(b"secret", "auth_factor/1/secret")
    assert secrets.open(sealed, "auth_factor/1/secret") == b"secret"
    wrong = sealed[:-2] + ("A" if sealed[-2] != "A" else "B") + sealed[-1]
    for text, place in ((sealed, "auth_factor/2/secret"), (wrong, "auth_factor/1/secret"), ("v1.x", "a"), ("", "a")):
        with pytest.raises(SecretsError):
            secrets.open(text, place)


def test_a_043_the_wrong_key_opens_nothing_and_changes_nothing(open_duckdb: OpenDatabase, tmp_path: Path) -> None:
    database = open_duckdb()
    open_secrets(database, tmp_path, environ={}, ring=no_ring)
    before = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_text(f'["{base64.b64encode(b"x" * 32).decode()}"]')
    with pytest.raises(SecretsError, match=r"master key does not match this database \(key check failed\)"):
        open_secrets(database, tmp_path, environ={}, ring=no_ring)
    (tmp_path / FILE).unlink()
    with pytest.raises(SecretsError, match="is not here"):
        open_secrets(database, tmp_path, environ={}, ring=no_ring)
    assert not (tmp_path / FILE).exists(), "a lost key is never replaced by a new one"
    (tmp_path / FILE).write_bytes(before)
    (tmp_path / FILE).chmod(0o600)
    open_secrets(database, tmp_path, environ={}, ring=no_ring)


def test_a_043_what_is_no_key_is_told_with_the_form_of_one(open_duckdb: OpenDatabase, tmp_path: Path) -> None:
    database, file = open_duckdb(), tmp_path / FILE
    open_secrets(database, tmp_path, environ={}, ring=no_ring)
    kept = file.read_text()
    short, long = (base64.b64encode(bytes(size)).decode() for size in (31, 33))
    for content in (
        b"",
        b"hello",
        bytes(range(256)),
        b"[1]",
        b'["%"]',
        b'{"a": 1}',
        short.encode(),
        f'["{long}"]'.encode(),
    ):
        file.write_bytes(content)
        with pytest.raises(SecretsError, match="does not hold a master key") as caught:
            open_secrets(database, tmp_path, environ={}, ring=no_ring)
        assert "secret generate" in (caught.value.hint or ""), content
    file.unlink()
    file.mkdir()
    with pytest.raises(SecretsError, match="cannot be read: Is a directory"):
        open_secrets(database, tmp_path, environ={}, ring=no_ring)
    file.rmdir()
    file.write_text(f"{orjson.loads(kept)[0]}\n")  # as `secret generate` prints one
    file.chmod(0o600)
    open_secrets(database, tmp_path, environ={}, ring=no_ring)


def test_a_key_of_the_environment(open_duckdb: OpenDatabase, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    database = open_duckdb()
    phrase = {VARIABLE: "a long sentence that nobody guesses, ever"}
    found = open_secrets(database, tmp_path, environ=phrase, ring=no_ring)
    assert not (tmp_path / FILE).exists()
    assert open_secrets(database, tmp_path, environ=phrase, ring=no_ring).current.id == found.current.id
    with pytest.raises(SecretsError, match="does not match"):
        open_secrets(database, tmp_path, environ={VARIABLE: base64.b64encode(b"y" * 32).decode()}, ring=no_ring)
    (tmp_path / FILE).write_text(base64.b64encode(found.current.value).decode())
    (tmp_path / FILE).chmod(0o600)
    caplog.clear()
    other = {VARIABLE: base64.b64encode(b"y" * 32).decode()}
    assert open_secrets(database, tmp_path, environ=other, ring=no_ring).current.id == found.current.id
    assert "names a key that is not in use" in caplog.text
    with pytest.raises(SecretsError, match="at least 32 characters"):
        open_secrets(database, tmp_path, environ={VARIABLE: "short"}, ring=no_ring)


def test_sub_keys_differ_and_proofs_hold_their_parts_in_order() -> None:
    secrets = Secrets(MasterKey(b"k" * 32))
    assert len({secrets.subkey("otp"), secrets.subkey("backup"), secrets.subkey("cookie")}) == 3
    proof = secrets.mac("otp", "sign-in", "ana@example.org", "123456")
    assert secrets.is_mac(proof, "otp", "sign-in", "ana@example.org", "123456")
    assert not secrets.is_mac(proof, "otp", "sign-in", "ana@example.org1", "23456")
    assert not secrets.is_mac(proof, "backup", "sign-in", "ana@example.org", "123456")
    assert "k" * 8 not in repr(secrets.current)


def test_no_key_is_in_the_database(open_db: OpenDatabase, tmp_path: Path) -> None:
    database = open_db()
    secrets = open_secrets(database, tmp_path, environ={}, ring=no_ring)
    from core.storage.database import Call

    rows = database.submit_read(Call(lambda reader: reader.rows(SEALS.select()))).result()
    text = repr(rows)
    assert base64.b64encode(secrets.current.value).decode() not in text
    assert secrets.current.value.hex() not in text
