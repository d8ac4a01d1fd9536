"""Hashes of passwords as Firebase makes them, for accounts that come from there (auth §5).

    $fbscrypt$v=1,n=14,r=8,p=1,ss=<separator>,sk=<signer key>$<salt>$<hash>

scrypt makes a key of password, salt and separator; the hash is the project's signer key, encrypted with it.
"""

import base64
import binascii
import hmac
import re
from dataclasses import dataclass
from hashlib import scrypt

MARK = "$fbscrypt$"
MEMORY_MOST, ROUNDS_MOST = 14, 8
"""What a project of Firebase may cost at most: 2^14 blocks of eight, 16 MiB."""
_BASE64 = r"([A-Za-z0-9+/]+=*)"
_HASH = re.compile(
    rf"\$fbscrypt\$v=1,n=(\d{{1,2}}),r=(\d{{1,2}}),p=1(?:,ss={_BASE64})?,sk={_BASE64}\${_BASE64}\${_BASE64}", re.ASCII
)
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class FirebaseHash:
    memory: int
    rounds: int
    separator: bytes
    signer: bytes
    salt: bytes
    hashed: bytes

    @classmethod
    def read(cls, text: str) -> "FirebaseHash | None":
        """None for what is none, or costs a multiple of what Firebase's do."""
        found = _HASH.fullmatch(text)
        if found is None:
            return None
        memory, rounds = int(found[1]), int(found[2])
        if not (1 <= memory <= MEMORY_MOST and 1 <= rounds <= ROUNDS_MOST):
            return None
        try:
            values = [base64.b64decode(part or "", validate=True) for part in found.groups()[2:]]
        except binascii.Error:
            return None
        return cls(memory, rounds, *values)

    def matches(self, password: bytes) -> bool:
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.algorithms import AES
        from cryptography.hazmat.primitives.ciphers.modes import CTR

        salt = self.salt + self.separator
        key = scrypt(password, salt=salt, n=2**self.memory, r=self.rounds, p=1, dklen=_KEY_BYTES)
        made = Cipher(AES(key), CTR(bytes(16))).encryptor().update(self.signer)
        return hmac.compare_digest(made, self.hashed)
