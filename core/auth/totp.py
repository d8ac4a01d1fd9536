"""Codes of authenticator apps (RFC 6238, SHA-1), of any number of digits and any period that an app file may ask for.

`pyotp` makes them, by step: of its own it takes no fewer than six digits and no period above two minutes.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode

ALL_DIGITS = 10
"""Of the number that a code is the end of."""
WINDOW = 1
"""How many steps a clock may be off, to either side (±30 s by default)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totp:
    """What an authenticator app and we both know. `secret` in Base32; `period` in seconds. Kept with each factor, so that an
    app file that asks for other figures shuts nobody out."""

    secret: str
    digits: int = 6
    period: int = 30

    def __repr__(self) -> str:
        return f"Totp(digits={self.digits}, period={self.period})"

    @classmethod
    def new(cls, digits: int, period: int) -> "Totp":
        import pyotp

        return cls(secret=pyotp.random_base32(), digits=digits, period=period)

    @classmethod
    def read(cls, stored: bytes) -> "Totp":
        digits, period, secret = stored.decode().split(".")
        return cls(secret=secret, digits=int(digits), period=int(period))

    def stored(self) -> bytes:
        """What `read` takes: to be sealed."""
        return f"{self.digits}.{self.period}.{self.secret}".encode()

    def uri(self, name: str, issuer: str) -> str:
        """What the QR code holds (A-110)."""
        query = {"secret": self.secret, "issuer": issuer, "digits": self.digits, "period": self.period}
        return f"otpauth://totp/{quote(f'{issuer}:{name}', safe=':')}?{urlencode(query, quote_via=quote)}"

    def code(self, step: int) -> str:
        """The code of a step, counted from the beginning of 1970."""
        import pyotp

        return pyotp.HOTP(self.secret, digits=ALL_DIGITS).at(step)[-self.digits :]

    def step_of(self, code: str, time: datetime, last: int | None) -> int | None:
        """The step that the code is of; None for a wrong one, and for one of a step that was accepted already or has been
        overtaken (A-116)."""
        now, found = int(time.timestamp()) // self.period, None
        for step in range(now - WINDOW, now + WINDOW + 1):
            if hmac.compare_digest(self.code(step).encode(), code.encode()) and (last is None or step > last):
                found = step
        return found


def qr_code(uri: str) -> str:
    """As SVG, to be put into a page."""
    import segno

    return str(segno.make(uri, error="m").svg_inline(scale=4, border=4, dark="#000", light="#fff"))
