"""Which master key belongs to a database, and where the keys of this machine are (auth §4.2).

Looked for in this order: `SOVRIUM_ENCRYPTION_KEY`, the file `master.key` in the data folder, the keyring of the OS. The file
comes before the keyring as the keyring may need two seconds to say that nobody answers, at every start; whichever it is, the
key must pass the check that the database holds. Without a key for a new database one is made, into the keyring, or into the
file where none answers.
"""

import base64
import binascii
import logging
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import orjson
from sqlalchemy import Column, MetaData, Table, Text, select

from core.errors import Conflict, SecretsError
from core.ids import uuid7
from core.secrets.envelope import KEY_BYTES, MasterKey, Secrets
from core.secrets.ring import SERVICE, Ring, system_ring, write_private
from core.sentence import Sentence, say
from core.storage.catalog import read_catalog, table_names
from core.storage.database import Call, Database, Reader, Transaction
from core.storage.own import ensure
from core.storage.table import instant_type

SEALS = Table(
    "system_key",
    MetaData(),
    Column("id", Text, primary_key=True),
    Column("instance", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("proof", Text, nullable=False),
    Column("created_at", instant_type(), nullable=False),
)
"""The keys that a database was sealed with: `current`, or `previous` while something of theirs is left. No key is in it:
`proof` is an envelope that only the key opens."""
VARIABLE = "SOVRIUM_ENCRYPTION_KEY"
BEFORE = f"{VARIABLE}_PREVIOUS"
"""The key that was in use before, while one replaces it."""
FILE = "master.key"
_PROOF = b"sovrium-tui"
_PHRASE_LEAST = 32
log = logging.getLogger("sovrium.secrets")


def open_secrets(
    database: Database,
    data_dir: Path,
    *,
    environ: Mapping[str, str] = os.environ,
    ring: Callable[[], Ring | None] | None = None,
) -> Secrets:
    """The secrets of a database, made where it has none yet. Blocks. `ring` gives the keyring, None where none is in use.

    Raises:
        SecretsError: the key is not here, does not belong to the database, or is open to others.
    """
    keys = KeyStore(data_dir, environ, ring or system_ring)
    known = database.submit_write(Call(_known)).result()
    if known is None:
        instance = uuid7()
        made = keys.find_any() or keys.make(instance)
        known = database.submit_write(Call(lambda tx: _enter(tx, instance, made))).result()
    instance, proofs = known
    found = {}
    for key_id, (state, proof) in proofs.items():
        key = keys.find(instance, key_id)
        if key is None:
            if state == "current":
                raise _missing(keys, key_id)
            continue
        if Secrets(key).open(proof, _place(key_id)) != _PROOF:
            raise SecretsError("The master key does not match this database (key check failed)")
        found[key_id] = key
    found = {key.id: key for key in keys.at_hand(instance)} | found
    current = next(key_id for key_id, (state, _) in proofs.items() if state == "current")
    if (given := keys.given()) is not None and given.id != current:
        log.warning("%s names a key that is not in use: `sovrium-tui secret rotate` puts it into use", VARIABLE)
    return Secrets(found[current], found)


def seal_of(reader: Reader) -> tuple[str, str] | None:
    """The instance of a database and the id of its key in use; None for one that nothing was sealed in."""
    if SEALS.name not in table_names(reader):
        return None
    rows = reader.rows(select(SEALS.c.instance, SEALS.c.id).where(SEALS.c.state == "current"))
    return (str(rows[0][0]), str(rows[0][1])) if rows else None


class KeyStore:
    """The keys of this machine."""

    def __init__(self, data_dir: Path, environ: Mapping[str, str], ring: Callable[[], Ring | None]) -> None:
        self._file = data_dir / FILE
        self._environ = environ
        self._open_ring = ring
        self._ring: Ring | None = None
        self._asked = False

    def find(self, instance: str, key_id: str) -> MasterKey | None:
        """The key of that id. Raises SecretsError for a key that cannot be read."""
        return next((key for key in self._all(instance) if key.id == key_id), None)

    def find_any(self) -> MasterKey | None:
        """A key that a new database should take: the one of the environment, or of a file that lies ready."""
        return self.given() or next(iter(self._in_file()), None)

    def make(self, instance: str) -> MasterKey:
        """A new key, kept for the next start before it is used."""
        key = MasterKey(secrets.token_bytes(KEY_BYTES))
        self.keep(instance, [key])
        return key

    def keep(self, instance: str, keys: list[MasterKey]) -> None:
        """Keep these and no others."""
        text = orjson.dumps([base64.b64encode(key.value).decode() for key in keys]).decode()
        if not self._file.exists() and (ring := self._keyring()) is not None:
            try:
                ring.set_password(SERVICE, instance, text)
                if ring.get_password(SERVICE, instance) == text:
                    return
            except Exception:  # whatever a backend raises: the file is always there
                self._ring = None
        write_private(self._file, text)

    def add(self, instance: str, keys: list[MasterKey]) -> None:
        """Keep these beside those that are kept."""
        kept = (*keys, *self._in_file(), *self._in_ring(instance))
        self.keep(instance, list({key.id: key for key in kept}.values()))

    def at_hand(self, instance: str) -> list[MasterKey]:
        """All that can be had without asking a keyring that was not asked yet."""
        return [*self._in_environment(), *self._in_file(), *(self._in_ring(instance) if self._asked else ())]

    def next(self, instance: str, current: MasterKey) -> MasterKey:
        """The key that is to follow: the one of the environment where it names another already, else a new one, which is
        kept beside the earlier ones before it is used.

        Raises:
            Conflict: the environment names the current one, so nothing here can replace it.
        """
        given = self.given()
        if given is not None and given.id != current.id:
            return given
        if given is not None:
            raise Conflict(
                say("{variable} names the key in use, so another cannot be put in its place here", variable=VARIABLE),
                hint=say(
                    "start the server with the present one in {before} and a new one in {variable}, then rotate again",
                    before=BEFORE,
                    variable=VARIABLE,
                ),
            )
        key = MasterKey(secrets.token_bytes(KEY_BYTES))
        # The current one among them, also where the keyring that had it at the start says nothing by now.
        known = {each.id: each for each in (key, current, *self._all(instance))}
        self.keep(instance, list(known.values()))
        return key

    @property
    def places(self) -> Sentence:
        ring = say("the keyring of the system")
        if self._keyring() is None:
            ring = say("the keyring of the system (none answers here; over SSH there often is none)")
        return say("{variable}, {file}, {ring}", variable=VARIABLE, file=self._file, ring=ring)

    def _all(self, instance: str) -> Iterator[MasterKey]:
        yield from self._in_environment()
        yield from self._in_file()
        yield from self._in_ring(instance)

    def _in_environment(self) -> list[MasterKey]:
        return [key for name in (VARIABLE, BEFORE) if (key := self.given(name)) is not None]

    def given(self, name: str = VARIABLE) -> MasterKey | None:
        """The key of the environment. Raises SecretsError."""
        text = self._environ.get(name, "").strip()
        if not text:
            return None
        try:
            key = base64.b64decode(text, validate=True)
        except binascii.Error:
            key = b""
        if len(key) == KEY_BYTES:
            return MasterKey(key)
        if len(text) < _PHRASE_LEAST:
            raise SecretsError(
                say(
                    "{name} is {count} bytes in base64, or a text of at least {least} characters",
                    name=name,
                    count=KEY_BYTES,
                    least=_PHRASE_LEAST,
                ),
                hint="make one with: sovrium-tui secret generate",
            )
        from argon2.low_level import Type, hash_secret_raw

        return MasterKey(hash_secret_raw(text.encode(), b"sovrium-tui master", 3, 65_536, 1, KEY_BYTES, Type.ID))

    def _in_file(self) -> list[MasterKey]:
        try:
            mode = self._file.stat().st_mode
            if stat.S_ISREG(mode) and mode & 0o077:
                found = f"{stat.S_IMODE(mode):04o}"
                message = say("{file} has mode {mode}, expected {wanted}", file=self._file, mode=found, wanted="0600")
                raise SecretsError(message, hint=say("chmod 600 {file}", file=self._file))
            return _read_keys(self._file.read_text(), str(self._file))
        except FileNotFoundError:
            return []
        except UnicodeDecodeError as error:
            raise _no_key(str(self._file)) from error
        except OSError as error:
            raise SecretsError(
                say("{file} cannot be read: {reason}", file=self._file, reason=error.strerror)
            ) from error

    def _in_ring(self, instance: str) -> list[MasterKey]:
        ring = self._keyring()
        if ring is None:
            return []
        try:
            text = ring.get_password(SERVICE, instance)
        except Exception:  # whatever a backend raises: locked, gone, not allowed
            self._ring = None
            return []
        return _read_keys(text, "the keyring") if text else []

    def _keyring(self) -> Ring | None:
        if not self._asked:
            self._asked = True
            self._ring = self._open_ring()
        return self._ring


def _known(tx: Transaction) -> tuple[str, dict[str, tuple[str, str]]] | None:
    ensure(tx, read_catalog(tx), SEALS)
    rows = tx.rows(select(SEALS.c.instance, SEALS.c.id, SEALS.c.state, SEALS.c.proof).order_by(SEALS.c.created_at))
    return (rows[0][0], {key_id: (state, proof) for _, key_id, state, proof in rows}) if rows else None


def _enter(tx: Transaction, instance: str, key: MasterKey) -> tuple[str, dict[str, tuple[str, str]]]:
    """The first key of a database; the one that another server has entered meanwhile wins."""
    found = _known(tx)
    if found is None:
        proof = proof_of(key)
        row = {"id": key.id, "instance": instance, "state": "current", "proof": proof, "created_at": tx.time}
        tx.insert(SEALS, [row])
        found = (instance, {key.id: ("current", proof)})
    return found


def proof_of(key: MasterKey) -> str:
    """What the database keeps of a key: an envelope that nothing else opens."""
    return Secrets(key).seal(_PROOF, _place(key.id))


def _missing(keys: KeyStore, key_id: str) -> SecretsError:
    if keys.find_any() is not None:
        return SecretsError(
            "The master key does not match this database (key check failed)",
            hint=say("the database was sealed with the key {key}", key=key_id),
        )
    return SecretsError(
        say("The master key {key} of this database is not here; looked in {places}", key=key_id, places=keys.places),
        hint="restore it from where it was kept; without it sealed values (second factors) cannot be read",
    )


def _place(key_id: str) -> str:
    return f"{SEALS.name}/{key_id}/proof"


def _read_keys(text: str, where: str) -> list[MasterKey]:
    """The keys of a list, or the single one that `secret generate` has printed."""
    try:
        listed = orjson.loads(text) if text.lstrip().startswith("[") else [text.strip()]
        return [MasterKey(base64.b64decode(each, validate=True)) for each in listed]
    except (ValueError, TypeError, SecretsError) as error:
        raise _no_key(where) from error


def _no_key(where: str) -> SecretsError:
    hint = say(
        "{count} bytes in base64, as `sovrium-tui secret generate` prints them, or a JSON list of such texts",
        count=KEY_BYTES,
    )
    return SecretsError(say("{file} does not hold a master key", file=where), hint=hint)
