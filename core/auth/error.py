"""What goes wrong with accounts, by code (auth §6): the status and the sentence of each stand here once."""

from typing import Any

from core.errors import AccessError

CODES: dict[str, tuple[int, str]] = {
    "INVALID_EMAIL": (400, "That is not an e-mail address"),
    "INVALID_PHONE_NUMBER": (400, "That is not a phone number"),
    "INVALID_EMAIL_OR_PASSWORD": (401, "The e-mail address or the password is wrong"),
    "INVALID_PHONE_NUMBER_OR_PASSWORD": (401, "The phone number or the password is wrong"),
    "INVALID_PASSWORD": (401, "The password is wrong"),
    "INVALID_TOKEN": (401, "The link does not hold, or was used already"),
    "TOKEN_EXPIRED": (401, "The link has expired"),
    "INVALID_CODE": (400, "The code is wrong"),
    "INVALID_BACKUP_CODE": (401, "The backup code is wrong, or was used already"),
    "TOO_MANY_ATTEMPTS": (403, "Too many wrong codes; ask for a new one"),
    "EMAIL_NOT_VERIFIED": (403, "Open the link in the mail that was sent to this address first"),
    "EMAIL_ALREADY_VERIFIED": (401, "The address is verified already"),
    "EMAIL_ALREADY_REGISTERED": (422, "There is an account with this address already"),
    "USER_ALREADY_EXISTS": (422, "There is an account with this address already"),
    "USER_NOT_FOUND": (404, "No such user"),
    "SIGN_UP_DISABLED": (403, "New accounts are made by administrators only"),
    "STRATEGY_DISABLED": (400, "This way of signing in is off"),
    "MAGIC_LINK_DISABLED": (400, "Signing in by link is off"),
    "BANNED_USER": (403, "This account is banned"),
    "ACCOUNT_DELETION_SCHEDULED": (403, "This account is waiting to be deleted"),
    "SESSION_NOT_FRESH": (403, "Confirm your password first"),
    "SESSION_BINDING": (401, "This session belongs to another device"),
    "INVALID_CALLBACK_URL": (400, "The address to go on to is not allowed"),
    "PASSWORD_TOO_SHORT": (400, "The password is too short"),
    "PASSWORD_TOO_LONG": (400, "The password is too long"),
    "PASSWORD_TOO_WEAK": (400, "The password needs other characters as well"),
    "PASSWORD_COMPROMISED": (400, "The password is too well known"),
    "PASSWORD_UNCHANGED": (400, "The new password is the old one"),
    "CREDENTIAL_ACCOUNT_NOT_FOUND": (400, "This account has no password"),
    "PASSWORD_ALREADY_SET": (400, "This account has a password; change it instead"),
    "ACCOUNT_TEMPORARILY_LOCKED": (429, "Too many wrong tries; wait a while"),
    "TWO_FACTOR_NOT_ENABLED": (400, "There is no second factor"),
    "INVALID_TWO_FACTOR_COOKIE": (401, "Sign in with your password first"),
    "MFA_REQUIRED": (403, "Your role asks for a second factor; set it up first"),
    "PASSWORD_CHANGE_REQUIRED": (403, "Choose a password of your own first"),
    "IMPERSONATION_RESTRICTED": (403, "Not while acting as somebody else"),
    "LAST_ADMIN": (409, "The last administrator cannot be taken away"),
    "FORBIDDEN": (403, "Your role does not allow that"),
    "CONFLICT": (409, "It is taken"),
}


class AuthError(AccessError):
    """A refusal by one of the `CODES`. `status` where a route answers with another than the code's own."""

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        status: int | None = None,
        hint: str | None = None,
        retry_after: int | None = None,
        **extra: Any,
    ) -> None:
        usual, sentence = CODES[code]
        super().__init__(message or sentence, hint=hint, **extra)
        self.code = code
        self.status = status or usual
        self.retry_after = retry_after
        """Seconds until trying again may help."""
