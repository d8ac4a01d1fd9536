"""Wrong passwords and codes that come at once are all counted (auth §10.2; T2, T33)."""

import pytest

from core.auth.guess import Guesses
from core.auth.lockout import Lockout
from core.auth.store import LOCKOUTS, ensure_accounts
from core.secrets.envelope import MasterKey, Secrets
from core.storage.database import Call
from tests.conftest import OpenDatabase


@pytest.mark.parametrize("kind", [Lockout, Guesses])
def test_t_33_each_of_several_at_once_is_counted(open_db: OpenDatabase, kind: type[Lockout]) -> None:
    """Also the first ones, and from several connections: nobody gets tries for nothing, nobody gets an error."""
    database, counting = open_db(), kind(Secrets(MasterKey(bytes(32))))
    database.submit_write(Call(ensure_accounts)).result()
    waiting = [database.submit_write(Call(lambda tx: counting.failed(tx, "ana"))) for _ in range(9)]
    assert [each.result() for each in waiting] == [False] * 9
    counted = database.submit_read(Call(lambda reader: reader.scalar(f"SELECT failures FROM {LOCKOUTS.name}"))).result()
    assert counted == 9
    assert database.submit_write(Call(lambda tx: counting.failed(tx, "ana"))).result() is True
