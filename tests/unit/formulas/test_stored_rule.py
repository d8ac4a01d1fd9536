"""New rules over old rows: a migration looks before they are in force."""

from collections.abc import Callable
from typing import Any

import pytest

from core.errors import Invalid, MigrationRefused
from core.migrations import plan, run
from core.migrations.plan import Plan
from core.principal import OWNER
from core.records.service import Records
from core.records.stored_rule import StoredRules
from core.storage.database import Database
from tests.support.apps import app_model

RULES = StoredRules()


def app(*lines: str, price: str = "type: integer", more: str = "") -> str:
    keys = "".join(f"    {line}\n" for line in lines)
    return f"""
tables:
  - id: 1
    name: Parts
    fields:
      - {{ id: 1, name: title, type: single-line-text }}
      - {{ id: 2, name: price, {price} }}
      - {{ id: 3, name: state, type: single-line-text }}
{more}{keys}"""


CHECK = 'constraints: [{ name: cheap, check: "price < 25" }]'
OPEN = "indexes: [{ name: uq_open, fields: [title], unique: true, where: \"state = 'open'\" }]"
SAME = "unique: [{ name: uq_state, fields: [state], nullsNotDistinct: true }]"
LIVE = ("uniqueIgnoresDeleted: true", "unique: [{ fields: [title] }]")


class Shop:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.change(app())

    def plan(self, text: str) -> Plan:
        return plan(self.database, app_model(text), rules=RULES)

    def change(self, text: str) -> Records:
        self.records = Records(self.database, app_model(text))
        run(self.database, self.plan(text), rules=RULES, allow_destructive=True)
        return self.records

    async def add(self, **values: Any) -> str:
        return str((await self.records.create(OWNER, self.records.model.tables[0], values))["id"])


@pytest.fixture
def shop(open_db: Callable[..., Database]) -> Shop:
    return Shop(open_db())


async def test_a_constraint_over_bad_rows_is_refused(shop: Shop) -> None:
    """D-22, M-028: with the first 20 ids; the plan says it before anything runs; NULL passes, the trash counts."""
    for price in range(49):
        await shop.add(price=price)
    await shop.add(price=None)
    await shop.records.delete(OWNER, shop.records.model.tables[0], "30")
    steps = shop.plan(app(CHECK))
    (refusal,) = steps.refusals
    assert refusal.message == "Parts: 24 rows do not meet the constraint cheap"
    assert refusal.details == tuple(map(str, range(26, 46)))
    with pytest.raises(MigrationRefused, match="24 rows") as failure:
        shop.change(app(CHECK))
    assert "26" in failure.value.details
    shop.change(app("allowUnvalidated: true", CHECK))
    with pytest.raises(Invalid, match="cheap"):
        await shop.add(price=25)


async def test_rows_are_asked_in_their_new_shape(shop: Shop) -> None:
    """D-22, M-028: a constraint over columns that come, or are converted, by the same migration."""
    await shop.add(price=7)
    text = app(
        'constraints: [{ name: dear, check: "price >= 5.5 AND twice > 100" }]',
        price="type: decimal",
        more='      - { id: 4, name: twice, type: formula, formula: "price * 2", resultType: decimal }\n'
        "      - { id: 5, name: extra, type: integer, default: 3 }\n",
    )
    assert not shop.plan(text).refusals
    before = plan(shop.database, app_model(app()), rules=RULES)
    with pytest.raises(MigrationRefused, match="1 row does not meet the constraint dear"):
        shop.change(text)
    assert before.is_empty
    assert plan(shop.database, app_model(app()), rules=RULES).is_empty
    shop.change(text.replace("> 100", "> 10"))


@pytest.mark.parametrize("lines", [(OPEN,), (SAME,), LIVE], ids=["where", "nulls", "trash"])
async def test_unique_keys_over_rows_that_repeat(shop: Shop, lines: tuple[str, ...]) -> None:
    """D-22, T-136, T-139, T-140: `allowUnvalidated` does not let them pass, the key could not be kept."""
    one = await shop.add(title="a", state="open")
    await shop.add(title="a", state="open")
    await shop.add(title="b")
    await shop.add(title="c")
    for text in (app(*lines), app("allowUnvalidated: true", *lines)):
        (refusal,) = shop.plan(text).refusals
        assert "cannot become unique" in refusal.message
        assert refusal.details[0].endswith(": 2 rows")
    table = shop.records.model.tables[0]
    await shop.records.update(OWNER, table, one, {"state": "shut"})
    await shop.records.update(OWNER, table, "3", {"state": "gone"})
    if lines == LIVE:
        await shop.records.delete(OWNER, table, one)
    shop.change(app(*lines))
