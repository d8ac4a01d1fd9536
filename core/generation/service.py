"""What people see of the fields that a model fills, and may do with them (T-103)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import func, select

from core.contract.console import ModelValue
from core.contract.records import ComputeState
from core.errors import BadRequest, NotFound
from core.fields.address import key_text
from core.fields.model import TableModel
from core.generation.question import is_empty
from core.generation.reason import reason_of
from core.generation.store import FILLS, ask
from core.generation.worker import Filler
from core.principal import Principal
from core.records.key import parse_key
from core.records.service import Records
from core.records.validate import check_changes
from core.sentence import with_patterns
from core.storage.database import Call, Reader, Transaction
from core.storage.journal import CHANGES

NOTHING_SET = "No language model is set, so nothing fills the field but a hand"


@dataclass(frozen=True, slots=True)
class States:
    """What has become of the fields of a record that a model fills; `known` of those that it has filled or is to fill."""

    table: TableModel
    known: Mapping[str, tuple[ComputeState, str | None]]
    open: frozenset[str]
    """Fields whose values the caller may ask for: only they are told why there is none."""

    def told(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """`{_aiCompute, _aiReasons?}` for those of the fields that the record tells. A value, a model's or one written by
        hand, is done; where there is none it waits for a provider, or for a change."""
        names = [name for name in self.table.generated if name in fields]
        found: dict[str, ComputeState] = {name: "pending" if is_empty(fields[name]) else "done" for name in names}
        found |= {name: self.known[name][0] for name in names if name in self.known}
        reasons = {name: self.known[name][1] for name in names if found[name] == "failed" and name in self.open}
        return {"_aiCompute": found, **({"_aiReasons": reasons} if reasons else {})}


class Generated:
    """The fields of one app that a model fills. `worker` None: no provider is set."""

    def __init__(self, records: Records, worker: Filler | None) -> None:
        self._records = records
        self._worker = worker

    async def before(self, principal: Principal, table: TableModel, record: str) -> "States":
        """What is known of a record that is about to be read: of a value that comes meanwhile it is said that it is pending,
        and of none that is not there that it is done. Raises NotFound for what is no key."""
        key = key_text(parse_key(table, record))
        return States(table, (await self._known(table, [key])).get(key, {}), self._open(principal, table))

    async def unsettled(
        self, principal: Principal, table: TableModel, records: Sequence[str], hidden: frozenset[str]
    ) -> dict[str, dict[str, ModelValue]]:
        """By record and field, of those that are not hidden, which are being asked for or could not be filled."""
        if not table.generated or not records:
            return {}
        known, open_ = await self._known(table, records), self._open(principal, table)
        found: dict[str, dict[str, ModelValue]] = {}
        for record, fields in known.items():
            for name, (state, reason) in fields.items():
                if state != "done" and name not in hidden:
                    is_told = state == "failed" and name in open_
                    told: dict[str, Any] = {"state": state}
                    if is_told:
                        told = with_patterns(told | {"reason": reason and reason_of(reason)})
                    found.setdefault(record, {})[name] = cast(ModelValue, told)
        return found

    async def recompute(
        self, principal: Principal, table: TableModel, record: str, fields: Sequence[str] | None, *, force: bool = False
    ) -> dict[str, ComputeState]:
        """Ask for the values anew, whoever wrote what stands there; without `fields` for all that the caller may write. With
        `force` an administrator asks for a locked record, too (T-082). Raises NotFound, NotSignedIn; Invalid (it is locked);
        BadRequest where no provider is set."""
        records = self._records
        target, open_ = records.target(principal, table, "update"), self._open(principal, table)
        if fields is not None and not open_.issuperset(fields):
            raise NotFound
        record = str((await records.get(principal, table, record))["id"])
        worker = self._worker
        if worker is None:
            raise BadRequest(NOTHING_SET, hint="Set AI_PROVIDER, and AI_API_KEY where it needs one")
        names = [name for name in table.generated if name in open_ and (fields is None or name in fields)]
        key, unlocks = parse_key(table, record), force and records.access.sees_all(principal)

        def work(tx: Transaction) -> None:
            row = target.load(tx, [key]).get(key)
            if row is None:
                raise NotFound
            check_changes(table, row, {}, tx.time, unlocks=unlocks)
            ask_anew(tx, table, record, names)

        await records.write(target, Call(work), principal)
        worker.asked(table.sql_name, record)
        return dict.fromkeys(names, "pending")

    def _open(self, principal: Principal, table: TableModel) -> frozenset[str]:
        """The fields whose values the caller may ask for: those that it may write."""
        access = self._records.access.table(principal, table)
        return frozenset(table.generated) - access.hidden - access.locked if access.may("update") else frozenset()

    async def _known(
        self, table: TableModel, records: Sequence[str]
    ) -> dict[str, dict[str, tuple[ComputeState, str | None]]]:
        """By record and field, the state of what is a model's or is to be, and why there is no value."""
        worker, f = self._worker, FILLS.c
        if worker is None:
            return {}
        kept = select(f.record, f.field, f.status, f.reason)
        kept = kept.where(f.table == table.sql_name, f.record.in_(list(records)))

        def work(reader: Reader) -> dict[str, dict[str, tuple[ComputeState, str | None]]]:
            found: dict[str, dict[str, tuple[ComputeState, str | None]]] = {}
            for record, field, status, reason in reader.rows(kept):
                found.setdefault(record, {})[field] = (status, reason)
            return found

        return await self._records.database.read(Call(work), lane="point")


def ask_anew(tx: Transaction, table: TableModel, record: str, fields: Sequence[str]) -> None:
    """Ask for values, whoever wrote what stands there: what was written until now counts for nothing."""
    newest = int(tx.scalar(select(func.max(CHANGES.c.sequence))) or 0)
    ask(tx, table.sql_name, {(record, name): newest for name in fields})
