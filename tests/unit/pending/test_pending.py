"""Staged edits: marks, undo across a save, refusals, conflicts, broken connections, restarts."""

import sys
from pathlib import Path
from subprocess import PIPE, Popen

from screens.presenters.pending import PendingChanges
from screens.presenters.staged import CellEdit
from screens.services.session import SessionLog, SessionStore, staged_log


def edit(key, field, old, new, stamp="s1", problem=""):
    return CellEdit(key, field, old, new, stamp, problem)


def ok(ref, identity, stamp, **fields):
    record = {"id": identity, "fields": fields, "createdAt": "", "updatedAt": stamp}
    return {"ref": ref, "status": "ok", "id": identity, "record": record}


def answer(*outcomes, committed=True):
    return {"committed": committed, "outcomes": list(outcomes), "statements": []}


def test_the_first_value_again_removes_the_mark():
    pending = PendingChanges()
    pending.set("t", [edit("1", "name", "Ada", "Bob")])
    assert pending.cell("t", "1", "name") == ("Bob", "dirty", "")
    pending.set("t", [edit("1", "name", "Ada", "Ada")])
    assert pending.cell("t", "1", "name") is None
    assert pending.count() == 0
    assert pending.undo()
    assert pending.cell("t", "1", "name").value == "Bob"


def test_null_and_empty_are_two_values():
    pending = PendingChanges()
    assert pending.set("t", [edit("1", "name", None, "")]) == 1
    assert pending.set("t", [edit("1", "done", None, False)]) == 1
    assert pending.set("t", [edit("1", "n", 1, True)]) == 1
    assert pending.count() == 3


def test_writing_what_is_there_stages_nothing():
    pending = PendingChanges()
    assert pending.set("t", [edit("1", "name", "Ada", "Ada")]) == 0
    assert not pending.can_undo


def test_request_carries_the_version_that_was_seen_first():
    """R-036: the grid always sends `updatedAt`."""
    pending = PendingChanges()
    pending.set("t", [edit("1", "a", 1, 2, "s1")])
    pending.set("t", [edit("1", "b", 1, 2, "s9")])
    (change,) = pending.dry_run()["changes"]
    assert change == {
        "ref": "t/1",
        "op": "update",
        "table": "t",
        "id": "1",
        "fields": {"a": 2, "b": 2},
        "updatedAt": "s1",
    }


def test_new_rows_go_after_the_new_rows_they_link_to():
    pending = PendingChanges()
    (deal,) = pending.insert("deals", [{"title": "D"}])
    (company,) = pending.insert("companies", [{"name": "C"}])
    pending.set("deals", [edit(deal, "company", None, {"ref": company})])
    request = pending.begin()
    assert [change["ref"] for change in request["changes"]] == [company, deal]
    pending.apply(answer(ok(company, "7", "s1", name="C"), ok(deal, "8", "s1", title="D", company="7")))
    assert pending.count() == 0
    pending.undo()
    assert pending.cell("deals", "8", "company").value is None
    pending.undo()
    assert pending.row_mark("companies", "7") == "deleted"


def test_undo_after_a_save_stages_the_opposite_over_the_saved_version():
    pending = PendingChanges()
    pending.set("t", [edit("1", "name", "Ada", "Bob", "s1")])
    pending.begin()
    pending.apply(answer(ok("t/1", "1", "s2", name="Bob")))
    assert pending.undo()
    (change,) = pending.dry_run()["changes"]
    assert change["fields"] == {"name": "Ada"}
    assert change["updatedAt"] == "s2"
    pending.set("t", [edit("2", "name", "X", "Y")])
    assert pending.count() == 2
    pending.undo()
    pending.undo()
    assert pending.count() == 0, "undoing the undo leads back to what is saved"


def test_a_deleted_row_comes_back_with_its_staged_values():
    pending = PendingChanges()
    pending.set("t", [edit("1", "name", "Ada", "Bob")])
    pending.delete("t", [("1", "s1")])
    assert pending.row_mark("t", "1") == "deleted"
    assert [change["op"] for change in pending.dry_run()["changes"]] == ["delete"]
    pending.undo()
    assert pending.cell("t", "1", "name").value == "Bob"


def test_a_new_row_deleted_before_saving_leaves_nothing_and_undo_brings_it_back():
    pending = PendingChanges()
    (ref,) = pending.insert("t", [{"name": "A"}])
    pending.set("t", [edit(ref, "name", None, "B")])
    pending.delete("t", [(ref, "")])
    assert pending.count() == 0
    pending.undo()
    assert pending.new_rows("t") == [(ref, {"name": "B"})]


def test_refused_cells_are_marked_until_they_change():
    pending = PendingChanges()
    pending.set("t", [edit("1", "mail", "a@b.c", "nonsense")])
    pending.begin()
    applied = pending.apply(
        answer(
            {
                "ref": "t/1",
                "status": "invalid",
                "errors": [{"field": "mail", "code": "x", "message": "not an address"}],
            },
            committed=False,
        )
    )
    assert applied.cells == (("t", "1", "mail"),)
    assert pending.cell("t", "1", "mail") == ("nonsense", "invalid", "not an address")
    assert pending.problems() == [("t", "1", "mail", "not an address")]
    pending.set("t", [edit("1", "mail", "a@b.c", "d@e.f")])
    assert pending.cell("t", "1", "mail").state == "dirty"


def test_a_missing_field_of_a_new_row_is_a_problem_of_its_cell():
    pending = PendingChanges()
    (ref,) = pending.insert("t", [{}])
    pending.begin()
    errors = [{"field": "name", "code": "required", "message": "is required"}]
    pending.apply(answer({"ref": ref, "status": "invalid", "errors": errors}, committed=False))
    assert pending.problems() == [("t", ref, "name", "is required")]


def test_conflict_mine_theirs_and_the_next_request():
    pending = PendingChanges()
    pending.set("t", [edit("1", "a", "old", "mine"), edit("1", "b", "old", "mine")])
    pending.begin()
    theirs = {"id": "1", "fields": {"a": "theirs", "b": "theirs"}, "createdAt": "", "updatedAt": "s5"}
    applied = pending.apply(answer({"ref": "t/1", "status": "conflict", "current": theirs}, committed=False))
    assert applied.rows == (("t", "1"),)
    assert pending.cell("t", "1", "a").state == "conflict"
    assert pending.conflict_fields("t", "1") == [("a", "old", "mine", "theirs"), ("b", "old", "mine", "theirs")]
    pending.resolve("t", "1", ["b"])
    (change,) = pending.dry_run()["changes"]
    assert change["fields"] == {"a": "mine"}
    assert change["updatedAt"] == "s5"


def test_undo_behind_a_conflict_leads_to_what_the_others_have_written():
    """Not to what was read before them: that would take back their change unseen."""
    pending = PendingChanges()
    pending.set("t", [edit("1", "a", "old", "first")])
    pending.set("t", [edit("1", "a", "old", "mine")])
    pending.begin()
    theirs = {"id": "1", "fields": {"a": "theirs"}, "createdAt": "", "updatedAt": "s5"}
    pending.apply(answer({"ref": "t/1", "status": "conflict", "current": theirs}, committed=False))
    pending.resolve("t", "1", [])
    pending.begin()
    mine = {"id": "1", "fields": {"a": "mine"}, "createdAt": "", "updatedAt": "s6"}
    pending.apply(answer({"ref": "t/1", "status": "ok", "id": "1", "record": mine}))
    pending.undo()
    assert pending.cell("t", "1", "a").value == "theirs"
    (change,) = pending.dry_run()["changes"]
    assert change["fields"] == {"a": "theirs"}


def test_a_row_that_is_gone_can_only_be_let_go():
    pending = PendingChanges()
    pending.set("t", [edit("1", "a", "old", "mine")])
    pending.begin()
    pending.apply(answer({"ref": "t/1", "status": "missing"}, committed=False))
    pending.resolve("t", "1", [])
    assert pending.count() == 0


def test_a_commit_without_answer_is_repeated_word_for_word():
    """A broken connection: the same request with the same key, then what came since."""
    journal = SessionLog(SessionStore(None), "pending")
    pending = PendingChanges(journal)
    pending.set("t", [edit("1", "a", 1, 2)])
    first = pending.begin()
    pending.set("t", [edit("2", "a", 1, 2)])
    again = PendingChanges(journal)
    assert again.unanswered
    assert again.begin() == first
    again.apply(answer(ok("t/1", "1", "s2", a=2)))
    assert [change.key for change in again.rows()] == ["2"]
    assert again.begin()["idempotencyKey"] != first["idempotencyKey"]


def test_discard_can_be_redone():
    pending = PendingChanges()
    pending.set("t", [edit("1", "a", 1, 2)])
    pending.insert("t", [{"a": 3}])
    pending.discard()
    assert pending.count() == 0
    pending.redo()
    pending.redo()
    assert pending.count() == 2


def test_revert_takes_back_one_row_or_cell():
    pending = PendingChanges()
    pending.set("t", [edit("1", "a", 1, 2), edit("1", "b", 1, 2)])
    (ref,) = pending.insert("t", [{"a": 3}])
    pending.delete("t", [("9", "s")])
    pending.revert("t", "1", "a")
    assert [cell.field for change in pending.rows() for cell in change.cells if change.key == "1"] == ["b"]
    for key in ("1", ref, "9"):
        pending.revert("t", key)
    assert pending.count() == 0


def test_pasted_block_is_one_step():
    pending = PendingChanges()
    pending.insert("t", [{"a": 1}, {"a": 2}], [edit("1", "a", None, 5)])
    assert pending.count() == 3
    pending.undo()
    assert pending.count() == 0


def test_unreadable_session_state_is_ignored():
    for state in (
        {"steps": 3},
        {"steps": [[["what"]]], "cursor": 0, "saved": 0, "rows": []},
        {"version": 1},
        {"cursor": 9},
    ):
        journal = SessionLog(SessionStore(None), "pending")
        journal.append(state)
        assert PendingChanges(journal).count() == 0


def test_an_edit_is_one_small_entry_and_a_torn_one_loses_only_itself(tmp_path):
    """Staged edits are written ahead: what one edit writes does not depend on how many there are."""
    journal = SessionLog(SessionStore(tmp_path), "pending")
    pending = PendingChanges(journal)
    pending.set("t", [edit(str(n), "a", 1, 2) for n in range(500)])
    file = tmp_path / "pending.log"
    before = file.stat().st_size
    pending.set("t", [edit("7", "b", 1, 3)])
    assert file.stat().st_size - before < 500
    pending.undo()
    pending.redo()
    pending.set("t", [edit("8", "b", 1, 4)])
    again = PendingChanges(SessionLog(SessionStore(tmp_path), "pending"))
    assert again.count() == pending.count() == 502
    assert list(again.rows()) == list(pending.rows())
    with file.open("a") as log:
        log.write('{"at": 3, "st')
    torn = PendingChanges(SessionLog(SessionStore(tmp_path), "pending"))
    torn.set("t", [edit("9", "b", 1, 5)])
    assert PendingChanges(SessionLog(SessionStore(tmp_path), "pending")).count() == 503


def test_listeners_hear_the_tables_that_changed():
    pending, heard = PendingChanges(), []
    pending.changed.listen(heard.append)
    pending.set("t", [edit("1", "a", 1, 2)])
    pending.undo()
    assert heard == ["t", "t"]


OTHER_CONSOLE = """
import sys
from pathlib import Path
from screens.services.session import SessionStore, staged_log
log = staged_log(SessionStore(Path(sys.argv[1])), "")
log.append("theirs")
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_second_console_has_staged_edits_of_its_own_and_takes_over_those_of_one_that_died(tmp_path: Path) -> None:
    with Popen([sys.executable, "-c", OTHER_CONSOLE, str(tmp_path)], stdin=PIPE, stdout=PIPE) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == b"ready\n"
            mine = staged_log(SessionStore(tmp_path), "")
            assert mine.read() == []
            mine.append("mine")
            mine.rewrite([])  # saved
        finally:
            other.kill()
    assert staged_log(SessionStore(tmp_path), "").read() == ["theirs"]
