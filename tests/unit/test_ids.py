"""Ids that we make ourselves."""

import uuid

from core.ids import uuid7


def test_time_ordered_ids_come_in_the_order_in_which_they_are_made() -> None:
    """What is written in one moment (two mails of one step) is listed in its order."""
    made = [uuid7() for _ in range(2_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {uuid.UUID(each).version for each in made} == {7}
