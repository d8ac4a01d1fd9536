"""Regular expressions of the app file, each with the words by which an error names it."""

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
    NPM_NAME: "an app name: small letters, digits, `-`, `.`, `_`",
    SEMVER: "a version such as 1.4.0 or 2.0.0-rc.1",
    ONE_LINE: "one line",
    VARIABLE: "a variable's name: capital letters, digits, `_`",
    IDENTIFIER: "a name: a small letter first, then small letters, digits, `_`",
    ROLE_NAME: "a role's or group's name: a small letter first, then small letters, digits, `-`",
    LOCAL_PATH: "a path of this app such as /home",
    PATH_PATTERN: "a path of pages such as /private/*",
    PHONE_PREFIX: "a country's prefix such as +49",
    COOKIE_NAME: "a cookie's name: letters, digits, `-`, `_`",
    VIEW_ID: "an id: small letters, digits, `-`, `_`",
    COLOR: "a colour such as #2F6FDE",
    CURRENCY_CODE: "a currency code such as EUR",
}
