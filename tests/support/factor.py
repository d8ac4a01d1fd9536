"""An authenticator app in a test: it reads what an account was told and shows the code of the moment."""

from typing import Any

import pyotp

from tests.support.accounts import PASSWORD, Visitor
from tests.support.clock import MovingClock


class Authenticator:
    """What scans the URI of an enrolment. `clock` is the server's."""

    def __init__(self, enrolment: dict[str, Any], clock: MovingClock) -> None:
        self.codes: list[str] = enrolment.get("backupCodes", [])
        self._totp = pyotp.parse_uri(enrolment["totpURI"])
        self._clock = clock

    def code(self, steps: int = 0) -> str:
        """The code that is shown now, or so many steps from now."""
        assert isinstance(self._totp, pyotp.TOTP)
        return self._totp.generate_otp(int(self._clock.now.timestamp()) // self._totp.interval + steps)

    def next(self) -> str:
        """The code of the next step, to which time moves on: the one of now may have been used."""
        assert isinstance(self._totp, pyotp.TOTP)
        self._clock.forward(self._totp.interval)
        return self.code()

    def wrong(self) -> str:
        """A code that holds in none of the steps around now."""
        right = {self.code(step) for step in range(-2, 3)}
        return next(code for code in ("000000", "111111", "222222", "333333", "444444", "555555") if code not in right)


def enrol(visitor: Visitor, clock: MovingClock) -> Authenticator:
    """The visitor sets an authenticator app up and shows its first code."""
    begun = visitor.post("/api/auth/two-factor/enable", {"password": PASSWORD})
    assert begun.status_code == 200, begun.text
    phone = Authenticator(begun.json(), clock)
    shown = visitor.post("/api/auth/two-factor/verify", {"code": phone.code()})
    assert shown.status_code == 200, shown.text
    return phone
