"""`?` of SQL text to `$1`, `$2` … Quoted text, quoted names, comments and dollar quotes are left alone."""

import re
from functools import lru_cache

_TOKEN = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ | (?P<mark>\?)""",
    re.VERBOSE | re.DOTALL,
)


@lru_cache(maxsize=1000)
def numbered(sql: str) -> str:
    """The text with its marks numbered."""
    count = 0

    def number(match: re.Match[str]) -> str:
        nonlocal count
        if match["mark"] is None:
            return match[0]
        count += 1
        return f"${count}"

    return _TOKEN.sub(number, sql)
