"""The languages that a browser asks for."""

import re

MOST = 20
"""Languages of one header that are looked at."""
_TAG = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,4}")


def languages_of(accepted: str) -> list[str]:
    """The languages of an `Accept-Language`, such as `fr-CA`, the one that is liked best first."""
    found: list[tuple[float, str]] = []
    for part in accepted.split(",")[:MOST]:
        name, _, weight = part.partition(";")
        try:
            weighed = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if weighed > 0 and _TAG.fullmatch(name.strip()):
            found.append((weighed, name.strip()))
    return [name for _, name in sorted(found, key=lambda each: -each[0])]
