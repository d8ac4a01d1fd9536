"""Sealing of single values, and keys for single purposes, from one master key (auth §4.2).

An envelope is `v1.<key id>.<nonce>.<ciphertext and tag>`, AES-256-GCM, in base64url. The place that it is kept in,
`table/row/column`, is authenticated with it: copied to another row it does not open (A-042).
"""

import base64
import hmac
import secrets
from collections.abc import Mapping
from functools import cached_property
from hashlib import sha256
from typing import Literal

from core.errors import SecretsError
from core.sentence import say

Purpose = Literal[
    "totp", "otp", "backup", "oauth", "jwt", "saml", "sms", "refresh", "cookie", "audit", "mail", "lockout", "device"
]
KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = "v1"


class MasterKey:
    """One master key. `id` tells it from others that the same database was sealed with."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise SecretsError(say("A master key has {count} bytes", count=KEY_BYTES))
        self._key = key
        self._derived: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return f"MasterKey({self.id})"

    @property
    def value(self) -> bytes:
        """The key itself: for whoever stores it, never for an answer or a log."""
        return self._key

    @cached_property
    def id(self) -> str:
        return sha256(b"sovrium-tui key id\0" + self._key).hexdigest()[:8]

    def derive(self, purpose: str) -> bytes:
        """The sub-key of a purpose: HKDF with SHA-256 (RFC 5869) without salt, `info` the purpose."""
        found = self._derived.get(purpose)
        if found is None:
            extracted = hmac.digest(bytes(32), self._key, "sha256")
            found = self._derived[purpose] = hmac.digest(extracted, purpose.encode() + b"\x01", "sha256")
        return found


class Secrets:
    """What the services seal and sign with. `keys` are those that the database has been sealed with, by id; `current` is the
    one in use for what is new."""

    def __init__(self, current: MasterKey, keys: Mapping[str, MasterKey] | None = None) -> None:
        self.current = current
        self._keys = {**(keys or {}), current.id: current}

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Of the keys that are here, the current one first."""
        return (self.current.id, *(each for each in self._keys if each != self.current.id))

    @property
    def keys(self) -> tuple[MasterKey, ...]:
        """Those that are here: for whoever keeps them elsewhere."""
        return tuple(self._keys.values())

    def adopt(self, key: MasterKey) -> None:
        """What is new is sealed and signed with this key from now on; the others still open what they have sealed."""
        self._keys = {**self._keys, key.id: key}
        self.current = key

    def subkey(self, purpose: Purpose, key_id: str | None = None) -> bytes:
        """32 bytes for one purpose. Raises SecretsError for a key that is not there."""
        return self._key(key_id or self.current.id).derive(purpose)

    def mac(self, purpose: Purpose, *parts: str) -> str:
        """`<key id>.<hex>`: proof of the parts in their order, none of which can be moved into another."""
        return f"{self.current.id}.{self._mac(self.current, purpose, parts)}"

    def is_mac(self, stored: str, purpose: Purpose, *parts: str) -> bool:
        """Whether `stored` was made by `mac` from these parts, in constant time."""
        key_id, _, found = stored.partition(".")
        key = self._keys.get(key_id)
        return key is not None and hmac.compare_digest(found, self._mac(key, purpose, parts))

    def seal(self, plain: bytes, place: str) -> str:
        """An envelope for a value that is kept at `place`."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(self.current.derive("envelope")).encrypt(nonce, plain, place.encode())
        return f"{_VERSION}.{self.current.id}.{_encoded(nonce)}.{_encoded(sealed)}"

    def open(self, sealed: str, place: str) -> bytes:
        """What is in an envelope. Raises SecretsError: another key, another place, or changed."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            version, key_id, nonce, content = sealed.split(".")
            if version != _VERSION:
                raise ValueError
            key = self._key(key_id).derive("envelope")
            return AESGCM(key).decrypt(_decoded(nonce), _decoded(content), place.encode())
        except (ValueError, InvalidTag) as error:
            raise SecretsError("A sealed value does not open: it was changed, or belongs elsewhere") from error

    def is_current(self, sealed: str) -> bool:
        """It needs no sealing anew."""
        return sealed.startswith(f"{_VERSION}.{self.current.id}.")

    def _key(self, key_id: str) -> MasterKey:
        key = self._keys.get(key_id)
        if key is None:
            raise SecretsError(say("The master key {key} is not here", key=key_id))
        return key

    @staticmethod
    def _mac(key: MasterKey, purpose: Purpose, parts: tuple[str, ...]) -> str:
        content = b"".join(len(part := each.encode()).to_bytes(4, "big") + part for each in parts)
        return hmac.new(key.derive(purpose), content, "sha256").hexdigest()


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
