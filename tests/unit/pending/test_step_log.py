"""The log of staged steps: what is pending between what is saved and where undo stands."""

import pytest

from screens.presenters import step_log
from screens.presenters.operation import Delete, Insert, Set, Step
from screens.presenters.step_log import StepLog


def step(number: int) -> Step:
    return Step((Set("tasks", "1", "points", number - 1, number),))


def log_of(count: int) -> StepLog:
    log = StepLog()
    for number in range(1, count + 1):
        assert log.put(step(number))
    return log


def test_undone_steps_are_not_pending_and_can_be_redone_until_another_is_put() -> None:
    log = log_of(3)
    assert log.move(-1) == step(3)
    assert log.pending() == [step(1), step(2)]
    assert log.move(1) == step(3)
    assert log.move(1) is None
    log.move(-1)
    assert log.put(step(9))
    assert log.pending() == [step(1), step(2), step(9)]
    assert log.move(1) is None


def test_behind_a_save_undo_makes_the_opposite_pending() -> None:
    log = log_of(2)
    log.save(1, {})
    log.save(2, {})
    assert log.pending() == []
    log.move(-1)
    assert log.pending() == [Step((Set("tasks", "1", "points", 2, 1),))]
    assert not log.put(step(5)), "what undo took back goes before it"
    assert log.pending() == [Step((Set("tasks", "1", "points", 2, 1),)), step(5)]


def test_what_was_saved_at_once_is_taken_back_at_once() -> None:
    log = log_of(3)
    log.save(3, {})
    back = [Step((Set("tasks", "1", "points", number, number - 1),)) for number in (3, 2, 1)]
    log.move(-1)
    assert log.pending() == back
    log.move(1)
    assert log.pending() == []
    log.move(-1)
    log.put(step(5))
    assert log.pending() == [*back, step(5)]
    log.move(-1)
    assert log.pending() == back
    log.move(-1)
    assert log.pending() == [], "what was taken back goes at once as well"


def test_what_is_on_its_way_to_the_server_stays_in_the_log() -> None:
    log = log_of(2)
    log.move(-1)
    assert not log.put(step(5), sent=2)
    assert log.steps[:2] == [step(1), step(2)]
    log.save(2, {})
    assert log.pending() == [Step((Set("tasks", "1", "points", 2, 1),)), step(5)]


def test_a_save_names_new_rows_and_lets_old_steps_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_log, "KEPT_STEPS", 1)
    log = StepLog()
    log.put(Step((Insert("tasks", "new:1", {"points": 1}),)))
    log.put(Step((Delete("tasks", "new:1", {"points": 1}),)))
    assert log.last_deleted == 1
    log.save(1, {})
    log.save(2, {("tasks", "new:1"): "7"})
    assert log.steps == [Step((Delete("tasks", "7", {"points": 1}),))]
    assert (log.cursor, log.saved) == (1, 1)
    log.put(step(1))
    log.put(step(2))
    log.save(3, {})
    assert log.steps == [step(1), step(2)], "what was saved at once stays whole"
    log.move(-1)
    assert log.cursor == 0


@pytest.mark.parametrize(("before", "cursor", "saved"), [(1, 2, 0), (0, 3, 0), (0, 1, 3), (0, -1, 0)])
def test_steps_that_do_not_fit_are_refused(before: int, cursor: int, saved: int) -> None:
    log = StepLog()
    with pytest.raises(ValueError, match=str(cursor)):
        log.restore([step(1), step(2)], before, cursor, saved)
    assert log.steps == []
