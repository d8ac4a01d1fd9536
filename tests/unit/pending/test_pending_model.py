"""Whatever is done, undone, redone and saved: database + pending = what a simple list of pictures says."""

import copy

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from screens.presenters.pending import PendingChanges
from screens.presenters.staged import CellEdit
from screens.services.session import SessionLog, SessionStore
from tests.support.depth import examples

TABLE, FIELDS = "things", ("a", "b")
Picture = dict[str, dict[str, object]]
values = st.sampled_from([None, "", "x", "y", 1, True, 0])


class Database:
    """Rows, and a trash; answers commits as the server does."""

    def __init__(self) -> None:
        self.rows: Picture = {str(n): {"a": n, "b": None} for n in range(3)}
        self.trash: Picture = {}
        self.stamps = dict.fromkeys(self.rows, 0)
        self.next = 10

    def commit(self, request):
        outcomes = []
        for change in request["changes"]:
            key = change.get("id", change["ref"])
            if change["op"] == "create":
                key, self.next = str(self.next), self.next + 1
                self.rows[key] = dict.fromkeys(FIELDS) | change["fields"]
                self.stamps[key] = -1
            elif change["op"] == "update":
                assert change.get("updatedAt") in (None, f"{self.stamps[key]:04d}")
                self.rows[key].update(change["fields"])
            elif change["op"] == "delete":
                self.trash[key] = self.rows.pop(key)
            else:
                self.rows[key] = self.trash.pop(key)
            self.stamps[key] += 1
            record = {
                "id": key,
                "fields": dict(self.rows.get(key) or self.trash[key]),
                "createdAt": "",
                "updatedAt": f"{self.stamps[key]:04d}",
            }
            outcomes.append({"ref": change["ref"], "status": "ok", "id": key, "record": record})
        return {"committed": True, "outcomes": outcomes, "statements": []}


class PendingMachine(RuleBasedStateMachine):
    """The model: a list of pictures of all rows, and a place in it."""

    def __init__(self) -> None:
        super().__init__()
        self.database = Database()
        self.journal = SessionLog(SessionStore(None), "pending")
        self.pending = PendingChanges(self.journal)
        self.pictures = [copy.deepcopy(self.database.rows)]
        self.here = 0
        self.at_once: list[tuple[int, int]] = []
        """Pictures between which undo and redo do not stop."""

    def view(self) -> Picture:
        """What a grid shows."""
        shown: Picture = {}
        for key, row in self.database.rows.items():
            if self.pending.row_mark(TABLE, key) != "deleted":
                staged = {name: self.pending.cell(TABLE, key, name) for name in FIELDS}
                shown[key] = {name: staged[name].value if staged[name] else row[name] for name in FIELDS}
        for change in self.pending.rows(TABLE):
            if change.op == "restore":
                staged = {cell.field: cell.new for cell in change.cells}
                shown[change.key] = self.database.trash[change.key] | staged
        for ref, fields in self.pending.new_rows(TABLE):
            shown[ref] = dict.fromkeys(FIELDS) | fields
        return shown

    def show(self, picture: Picture, behind: bool) -> None:
        """A new picture; after undo behind a save, the undone pictures count as steps of their own."""
        if behind:
            back = self.pictures[self.here : self.anchor][::-1]
            self.pictures = [*self.pictures[: self.anchor + 1], *back, picture]
            self.at_once = [pair for pair in self.at_once if pair[1] <= self.anchor]
            self.at_once.append((self.anchor, self.anchor + len(back)))
        else:
            self.pictures = [*self.pictures[: self.here + 1], picture]
            self.at_once = [pair for pair in self.at_once if pair[1] <= self.here]
        self.here = len(self.pictures) - 1

    anchor = 0
    """The picture that is saved."""

    @rule(pick=st.integers(0, 5), field=st.sampled_from(FIELDS), value=values)
    def set(self, pick, field, value):
        now = self.view()
        if now:
            key = sorted(now)[pick % len(now)]
            row = self.database.rows.get(key) or self.database.trash.get(key) or {}
            stamp = f"{self.database.stamps.get(key, 0):04d}"
            behind = self.here < self.anchor
            if self.pending.set(TABLE, [CellEdit(key, field, row.get(field), value, stamp)]):
                self.show(copy.deepcopy(now) | {key: now[key] | {field: value}}, behind)

    @rule(value=values)
    def insert(self, value):
        now, behind = self.view(), self.here < self.anchor
        (ref,) = self.pending.insert(TABLE, [{"a": value}])
        self.show(copy.deepcopy(now) | {ref: {"a": value, "b": None}}, behind)

    @rule(pick=st.integers(0, 5))
    def delete(self, pick):
        now = self.view()
        if now:
            key = sorted(now)[pick % len(now)]
            behind = self.here < self.anchor
            self.pending.delete(TABLE, [(key, f"{self.database.stamps.get(key, 0):04d}")])
            self.show({k: v for k, v in copy.deepcopy(now).items() if k != key}, behind)

    @rule()
    def undo(self):
        assert self.pending.undo() == (self.here > 0)
        firsts = [first for first, last in self.at_once if first < self.here <= last]
        self.here = min(firsts) if firsts else max(0, self.here - 1)

    @rule()
    def redo(self):
        assert self.pending.redo() == (self.here < len(self.pictures) - 1)
        lasts = [last for first, last in self.at_once if first <= self.here < last]
        self.here = max(lasts) if lasts else min(len(self.pictures) - 1, self.here + 1)

    @rule()
    def commit(self):
        before = set(self.database.rows) | set(self.database.trash)
        refs = [ref for ref, _ in self.pending.new_rows(TABLE)]
        request = self.pending.begin()
        answer = self.database.commit(request)
        self.pending.apply(answer)
        ids = {o["ref"]: o["id"] for o in answer["outcomes"] if o["ref"] in refs}
        assert set(ids.values()).isdisjoint(before)
        self.pictures = [{ids.get(k, k): v for k, v in picture.items()} for picture in self.pictures]
        if self.here > self.anchor:
            self.at_once.append((self.anchor, self.here))
        self.anchor = self.here
        assert self.pending.count() == 0

    @rule()
    def restart(self):
        self.pending = PendingChanges(self.journal)

    @invariant()
    def agrees(self):
        picture = self.pictures[self.here]
        view = self.view()
        assert {k: list(map(repr, v.values())) for k, v in view.items()} == {
            k: [repr(v[name]) for name in FIELDS] for k, v in picture.items()
        }


PendingMachine.TestCase.settings = settings(max_examples=examples(30), stateful_step_count=40, deadline=None)
TestPendingModel = PendingMachine.TestCase
