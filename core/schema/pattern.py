"""Regular expressions of the app file, each with the words by which an error names it."""

from core.sentence import say

NPM_NAME = r"^(?:@[a-z0-9\-~][a-z0-9\-._~]*/)?[a-z0-9\-~][a-z0-9\-._~]*$"
SEMVER = (
    r"^(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)"
    r"(?:-(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
    r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$"
)
ONE_LINE = r"^[^\r\n]*$"
VARIABLE = r"^[A-Z][A-Z0-9_]*$"
IDENTIFIER = r"^[a-z][a-z0-9_]*$"
ROLE_NAME = r"^[a-z][a-z0-9-]*$"
LOCAL_PATH = r"^/(?:[^/\\\s][^\\\s]*)?$"
PATH_PATTERN = r"^[/*][^?#\s]*$"
PHONE_PREFIX = r"^\+?[1-9][0-9]{0,6}$"
COOKIE_NAME = r"^[A-Za-z0-9_-]+$"
VIEW_ID = r"^[a-z0-9_-]+$"
TABLE_NAME = r"^\s*[A-Za-z][A-Za-z0-9_\- ]*$"
COLOR = r"^#[0-9A-Fa-f]{6}$"
CURRENCY_CODE = r"^[A-Z]{3}$"

WORDS = {
    NPM_NAME: say("an app name: small letters, digits, `-`, `.`, `_`"),
    SEMVER: say("a version such as 1.4.0 or 2.0.0-rc.1"),
    ONE_LINE: say("one line"),
    VARIABLE: say("a variable's name: capital letters, digits, `_`"),
    IDENTIFIER: say("a name: a small letter first, then small letters, digits, `_`"),
    ROLE_NAME: say("a role's or group's name: a small letter first, then small letters, digits, `-`"),
    LOCAL_PATH: say("a path of this app such as /home"),
    PATH_PATTERN: say("a path of pages such as /private/*"),
    PHONE_PREFIX: say("a country's prefix such as +49"),
    COOKIE_NAME: say("a cookie's name: letters, digits, `-`, `_`"),
    VIEW_ID: say("an id: small letters, digits, `-`, `_`"),
    COLOR: say("a colour such as #2F6FDE"),
    CURRENCY_CODE: say("a currency code such as EUR"),
}
