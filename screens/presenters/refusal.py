"""What a form, or the server, has against values: in sentences, and which of them are meant."""

from core.client import SovriumError

OF_CODES = {
    **dict.fromkeys(("INVALID_EMAIL", "EMAIL_ALREADY_REGISTERED", "USER_ALREADY_EXISTS"), ("email",)),
    **dict.fromkeys(("PASSWORD_TOO_SHORT", "PASSWORD_TOO_LONG", "PASSWORD_TOO_WEAK"), ("new", "password")),
    **dict.fromkeys(("PASSWORD_COMPROMISED", "PASSWORD_UNCHANGED"), ("new", "password")),
    "INVALID_PASSWORD": ("current", "password"),
}
"""The values that refusals of accounts are about, which name none: as forms call them."""


class Refusal(ValueError):
    """A value that was typed cannot stand. name: of the line in the form."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


def problem_of(error: Exception) -> str:
    """A refusal in a sentence or two."""
    if not isinstance(error, SovriumError):
        return str(error)
    lines = [error.message, *(each.message for each in getattr(error, "errors", ())[:3])]
    lines += map(str, getattr(error, "details", ())[:3])
    if error.hint:
        lines.append(error.hint)
    return "\n".join(dict.fromkeys(filter(None, lines)))


def refused_names(error: Exception) -> list[str]:
    """The values that are meant, as far as it says: names, of which a form has some."""
    if isinstance(error, Refusal):
        return [error.name]
    return [each.field for each in getattr(error, "errors", ())] or list(OF_CODES.get(getattr(error, "code", ""), ()))
