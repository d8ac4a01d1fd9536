"""Master keys sealed with a passphrase, for what leaves this machine (A-047)."""

import base64
import secrets
import unicodedata
from collections.abc import Sequence

import orjson

from core.errors import BadRequest, SecretsError
from core.secrets.envelope import KEY_BYTES, MasterKey, Secrets
from core.sentence import say

LEAST = 12
"""Characters of a passphrase: whoever has the archive may try as many as they like."""
_FORMAT = 1
_SALT_BYTES = 16


def check_passphrase(passphrase: str) -> None:
    """Raises BadRequest for one that is too short."""
    if len(passphrase) < LEAST:
        raise BadRequest(say("The passphrase has less than {least} characters", least=LEAST))


def seal_keys(keys: Sequence[MasterKey], passphrase: str, place: str) -> bytes:
    """The keys as a text that only the passphrase opens. Takes a moment."""
    salt = secrets.token_bytes(_SALT_BYTES)
    plain = orjson.dumps([base64.b64encode(key.value).decode() for key in keys])
    sealed = Secrets(_key_of(passphrase, salt)).seal(plain, place)
    return orjson.dumps({"format": _FORMAT, "salt": base64.b64encode(salt).decode(), "sealed": sealed})


def open_keys(text: bytes, passphrase: str, place: str) -> list[MasterKey]:
    """What `seal_keys` has sealed. Raises SecretsError: another passphrase, another place, or changed."""
    try:
        kept = orjson.loads(text)
        if kept["format"] != _FORMAT:
            raise SecretsError("The sealed key is of another version of sovrium-tui")
        salt, sealed = base64.b64decode(kept["salt"], validate=True), str(kept["sealed"])
        if len(salt) != _SALT_BYTES:
            raise ValueError
    except (ValueError, TypeError, KeyError) as error:
        raise SecretsError("What should be a sealed key is none") from error
    try:
        plain = Secrets(_key_of(passphrase, salt)).open(sealed, place)
    except SecretsError as error:
        raise SecretsError(
            "The passphrase does not open the key", hint="it is the one of when it was sealed"
        ) from error
    return [MasterKey(base64.b64decode(each)) for each in orjson.loads(plain)]


def _key_of(passphrase: str, salt: bytes) -> MasterKey:
    """However the keyboard of then and the one of now put their accents."""
    from argon2.low_level import Type, hash_secret_raw

    text = unicodedata.normalize("NFKC", passphrase).encode("utf-8", "surrogatepass")
    return MasterKey(hash_secret_raw(text, salt, 3, 65_536, 1, KEY_BYTES, Type.ID))
