"""How long tests of chance go on: some examples in every run, and `TEST_DEPTH` times as many where that is set."""

import os

import pytest

DEPTH = max(1, int(os.environ.get("TEST_DEPTH", "1")))
patient = pytest.mark.timeout(300 * DEPTH)
"""For tests of chance that ask a database: how long they take is the machine's business."""


def examples(few: int) -> int:
    """How many examples are tried, of which every run tries `few`."""
    return few * DEPTH
