"""Backups of an app with accounts: what is sealed stays sealed, and comes back with the right key alone (auth §4)."""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from core.backup.archive import Archive
from core.errors import SecretsError
from core.jobs import center
from tests.support.accounts import DESK, PASSWORD, Desk
from tests.support.backups import BACKUPS, JOBS, Gate, back_up, ended, put_back
from tests.support.clock import MovingClock
from tests.support.factor import Authenticator, enrol
from tests.support.server import RunningServer
from tests.support.terminal import Terminal

APP = DESK.replace("  roles:", "  twoFactor: true\n  roles:") + "analytics: true\n"
PHRASE = "a passphrase that is long"


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
def server(tmp_path: Path, clock: MovingClock) -> Iterator[RunningServer]:
    (tmp_path / "first").mkdir()
    with RunningServer(APP, tmp_path / "first", clock=clock) as running:
        yield running


@pytest.fixture
def desk(server: RunningServer) -> Iterator[Desk]:
    found = Desk(server)
    yield found
    found.close()


@pytest.fixture
def phone(desk: Desk, clock: MovingClock) -> Authenticator:
    """Of ana, who has a second factor."""
    return enrol(desk.sign_up("ana"), clock)


@pytest.fixture
def phrase(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("BACKUP_PASSPHRASE", PHRASE)
    return PHRASE


def signs_in(folder: Path, phone: Authenticator, clock: MovingClock) -> None:
    """Ana, with password and code, at a server on what was restored."""
    with RunningServer(APP, folder, clock=clock) as again:
        with httpx.Client(base_url=again.url, verify=False, headers={"origin": again.url}) as client:
            begun = client.post("/api/auth/sign-in/email", json={"email": "ana@example.org", "password": PASSWORD})
            assert begun.json()["twoFactorRedirect"], begun.text
            done = client.post("/api/auth/two-factor/verify", json={"code": phone.next()})
            assert done.status_code == 200, done.text
        assert again.local.get("/api/admin/audit-log/verify").json()["ok"] is True


def keys_in(file: Path) -> list[bytes]:
    return [base64.b64decode(each) for each in json.loads(file.read_text())]


def shapes(key: bytes) -> tuple[bytes, ...]:
    """How a key may stand somewhere."""
    plain = base64.b64encode(key)
    return key, key.hex().encode(), plain.rstrip(b"="), base64.urlsafe_b64encode(key).rstrip(b"=")


def test_a_047_no_key_is_in_a_backup_and_without_it_the_server_refuses(
    server: RunningServer, phone: Authenticator, clock: MovingClock, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A-043: it says which key is missing, and with that one everything works."""
    made = back_up(server, tmp_path / "x.tar")
    key_file = server.folder / "data" / "master.key"
    [key] = keys_in(key_file)
    content = made.read_bytes()
    assert b"ana@example.org" in content, "what is no secret is found"
    assert not [shape for shape in shapes(key) if shape in content]
    with Archive(made) as archive:
        assert not archive.has("master.key.sealed")
    folder = put_back(made, tmp_path / "again")
    err = capfd.readouterr().err
    assert f"is needed: put it into {folder / 'data' / 'master.key'} (mode 0600), or into SOVRIUM_ENCRYPTION_KEY" in err
    before = (folder / "data" / "app.duckdb").read_bytes()
    with pytest.raises(SecretsError, match="is not here"), RunningServer(APP, folder):
        pass
    other = folder / "data" / "master.key"
    other.write_text(base64.b64encode(b"x" * 32).decode())
    other.chmod(0o600)
    with pytest.raises(SecretsError, match="does not match this database"), RunningServer(APP, folder):
        pass
    assert (folder / "data" / "app.duckdb").read_bytes() == before
    other.write_bytes(key_file.read_bytes())
    signs_in(folder, phone, clock)


def test_a_047_asked_for_it_is_sealed_with_a_passphrase(
    server: RunningServer,
    phone: Authenticator,
    clock: MovingClock,
    phrase: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    made = back_up(server, tmp_path / "x.tar", passphrase=phrase)
    [key] = keys_in(server.folder / "data" / "master.key")
    content = made.read_bytes()
    assert not [shape for shape in (*shapes(key), phrase.encode()) if shape in content]
    monkeypatch.setenv("BACKUP_PASSPHRASE", "another passphrase")
    put_back(made, tmp_path / "wrong", status=1)
    assert "The passphrase does not open the key" in capfd.readouterr().err
    assert list((tmp_path / "wrong").iterdir()) == []
    monkeypatch.delenv("BACKUP_PASSPHRASE")
    put_back(made, tmp_path / "wrong", status=2)
    assert "Nobody is there to type the passphrase" in capfd.readouterr().err
    assert list((tmp_path / "wrong").iterdir()) == []
    monkeypatch.setenv("BACKUP_PASSPHRASE", phrase)
    folder = put_back(made, tmp_path / "again")
    assert "is needed" not in capfd.readouterr().err
    kept = folder / "data" / "master.key"
    assert (keys_in(kept), kept.stat().st_mode & 0o777) == ([key], 0o600)
    signs_in(folder, phone, clock)


def test_a_047_at_a_terminal_the_passphrase_is_asked_for_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never shown; when it comes back, once."""
    monkeypatch.delenv("BACKUP_PASSPHRASE", raising=False)
    with RunningServer(APP, tmp_path):
        pass
    made, folder = tmp_path / "x.tar", tmp_path / "again"
    data = ("--data-dir", str(tmp_path / "data"))
    terminal = Terminal("backup", "create", str(tmp_path / "app.yaml"), *data, "--with-key", "--output", str(made))
    for question, text in (
        ("Passphrase", PHRASE),
        ("Once more", "a slip"),
        ("Passphrase", PHRASE),
        ("Once more", PHRASE),
    ):
        terminal.answer(question, text)
    output = terminal.end()
    assert (terminal.status, PHRASE.encode() in output) == (0, False), output
    terminal = Terminal("backup", "restore", str(made), str(folder))
    terminal.answer("Passphrase", PHRASE)
    output = terminal.end()
    assert (terminal.status, PHRASE.encode() in output) == (0, False), output
    assert keys_in(folder / ".sovrium" / "master.key") == keys_in(tmp_path / "data" / "master.key")


def test_a_044_a_backup_of_before_comes_back_with_the_old_key_file(
    server: RunningServer, desk: Desk, phone: Authenticator, clock: MovingClock, phrase: str, tmp_path: Path
) -> None:
    """Whichever way the key is kept: as the file of then, as the one of now, or in the backup."""
    key_file = server.folder / "data" / "master.key"
    old = key_file.read_bytes()
    plain, sealed = back_up(server, tmp_path / "a.tar"), back_up(server, tmp_path / "b.tar", passphrase=phrase)
    assert server.local.post("/api/admin/master-key/rotate", json={}).status_code == 200
    new = key_file.read_bytes()
    assert len(keys_in(key_file)) == 2
    for name, archive, content in (("then", plain, old), ("now", plain, new), ("sealed", sealed, None)):
        folder = put_back(archive, tmp_path / name)
        if content is not None:
            (folder / "data" / "master.key").write_bytes(content)
            (folder / "data" / "master.key").chmod(0o600)
        signs_in(folder, phone, clock)
    after = back_up(server, tmp_path / "c.tar", passphrase=phrase)
    signs_in(put_back(after, tmp_path / "after"), phone, clock)


def test_a_key_that_lies_ready_is_kept_beside_the_sealed_one(
    server: RunningServer, phone: Authenticator, phrase: str, tmp_path: Path
) -> None:
    made = back_up(server, tmp_path / "x.tar", passphrase=phrase)
    ready = tmp_path / "again" / "data" / "master.key"
    ready.parent.mkdir(parents=True)
    ready.write_text(base64.b64encode(b"x" * 32).decode())
    ready.chmod(0o600)
    put_back(made, tmp_path / "again")
    assert keys_in(ready) == [*keys_in(server.folder / "data" / "master.key"), b"x" * 32]


def test_whose_rights_go_meanwhile_gets_none(
    server: RunningServer, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(center, "LOOK_SECONDS", 0.01)
    boss = desk.sign_up("boss", roles=("admin",))
    gate = Gate(monkeypatch)
    job = boss.post(BACKUPS).json()
    gate.reached()
    desk.give(boss.id, "editor")
    progress = server.engine.jobs._jobs[job["id"]][1]
    end = time.monotonic() + 20
    while not progress.is_forbidden:
        assert time.monotonic() < end
    gate.open()
    assert ended(server.local, job)["state"] == "failed"
    assert list(server.engine.exchange.iterdir()) == []


def test_a_259_what_visitors_are_hashed_with_is_in_no_backup(server: RunningServer, tmp_path: Path) -> None:
    answer = server.http.post("/api/analytics/collect", json={"p": "/home"}, headers={"user-agent": "Firefox/140.0"})
    assert answer.status_code == 204, answer.text
    found = server.engine.analytics
    assert found is not None
    found.collector.flush()
    salt = found.collector.visitors._salt
    assert len(salt) == 32
    content = back_up(server, tmp_path / "x.tar", passphrase=PHRASE).read_bytes()
    assert b"/home" in content, "the visit is"
    assert not [shape for shape in shapes(salt) if shape in content]


def test_who_may_make_one_and_what_the_log_says(server: RunningServer, desk: Desk, tmp_path: Path) -> None:
    """A-173: administrators; with the key the owner alone; each is one entry, which is in the backup itself."""
    boss, ida = desk.sign_up("boss", roles=("admin",)), desk.sign_up("ida", roles=("editor",))
    assert desk.guest.post(BACKUPS, json={}).status_code == 401
    assert ida.post(BACKUPS).status_code == 404
    refused = boss.post(BACKUPS, {"passphrase": PHRASE})
    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
    assert "backup.started" not in desk.audited()
    made = back_up(server, tmp_path / "x.tar", client=boss.client)
    assert desk.audited().count("backup.started") == 1
    back_up(server, tmp_path / "y.tar", passphrase=PHRASE)
    [entry, _] = server.local.get("/api/admin/audit-log", params={"action": "backup.started"}).json()["items"]
    assert (entry["metadata"], entry["actor"]["type"]) == ({"withKey": True}, "local")
    assert b"backup.started" in made.read_bytes()
    assert PHRASE not in server.local.get("/api/admin/audit-log").text

    job = ended(boss.client, boss.post(BACKUPS).json())
    file = f"{JOBS}/{job['id']}/file"
    assert ida.get(file).status_code == 404
    assert desk.guest.get(file).status_code == 401
    desk.give(boss.id, "editor")
    assert boss.get(file).status_code == 404, "whose rights have gone"
