"""Refuses to run when `core` or `screens` would come from somewhere else than beside this package.

Both are top-level names that another project's folder, `PYTHONPATH` or another wheel may take; running a stranger's code
in their place would be a security hole, and mixing two versions a bug that nobody finds.
"""

import os
import sys
from importlib.machinery import PathFinder

PACKAGES = ("core", "screens")


def foreign_package() -> tuple[str, str] | None:
    """The first of our packages that Python would take from elsewhere, and where; None when all is well."""
    home = os.path.realpath(os.path.dirname(os.path.dirname(__file__)))
    for name in PACKAGES:
        spec = PathFinder.find_spec(name)
        origin = os.path.realpath(spec.origin) if spec and spec.origin else None
        if origin is None or os.path.dirname(os.path.dirname(origin)) != home:
            return name, origin or "nowhere"
    return None


def check() -> None:
    """End the process with status 1 and a line that says what to do, unless everything is ours."""
    found = foreign_package()
    if found is None:
        return
    name, origin = found
    where = f"found at {origin}" if origin != "nowhere" else "is missing"
    sys.stderr.write(
        f"error: the package '{name}' of sovrium-tui {where}, not beside {os.path.dirname(__file__)}\n"
        f"  hint: run the command 'sovrium-tui' or 'python -P -m sovrium_tui', unset PYTHONPATH, and install "
        f"sovrium-tui by itself (uv tool install, pipx)\n"
    )
    raise SystemExit(1)
