"""Between the first proof and the session: the second factor, where an account has one (auth §8).

Every way in ends in `admit`. What it gives instead of a session is a secret that proves the first step, works ten minutes
and opens nothing else (A-115).
"""

from core.auth.account import Account
from core.auth.context import AuthContext
from core.auth.device import recognised
from core.auth.sign_in import Entered, SecondStep, begin_session
from core.principal import Source
from core.storage.database import Transaction

STEP_SECONDS = 600


def admit(
    context: AuthContext,
    tx: Transaction,
    account: Account,
    source: Source,
    *,
    methods: tuple[str, ...],
    remember: bool = True,
    device: str | None = None,
    is_new: bool = False,
) -> Entered | SecondStep:
    """Somebody has proved to be the account: begin the session, or ask for the second factor first. `device` is the secret
    that the browser shows of having done that before (A-120)."""
    if not account.two_factor or context.spec.two_factor is None:
        return begin_session(context, tx, account, source, methods=methods, remember=remember, is_new=is_new)
    trusted = recognised(tx, account.id, device) if device is not None else None
    if trusted is not None:
        ways = (*methods, "device")
        return begin_session(
            context, tx, account, source, methods=ways, remember=remember, assurance="aal2", device=trusted
        )
    data = {"methods": list(methods), "remember": remember}
    secret = context.tokens.issue_link(
        tx, "two-factor", account.id, STEP_SECONDS, user=account.id, data=data, several=True
    )
    return SecondStep(secret, ("totp", "backupCode"), account)
