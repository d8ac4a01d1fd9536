"""How long tests of chance go on: some examples in every run, and `TEST_DEPTH` times as many where that is set."""

import os

DEPTH = max(1, int(os.environ.get("TEST_DEPTH", "1")))


def examples(few: int) -> int:
    """How many examples are tried, of which every run tries `few`."""
    return few * DEPTH
