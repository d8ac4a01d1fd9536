"""No secret stands as it is in what lies on the disk (auth §4, A-041; T5)."""

from pathlib import Path

import httpx

from tests.support.accounts import DESK, PASSWORD, Desk
from tests.support.mailbox import Mailbox
from tests.support.server import RunningServer

APP = DESK.replace("  roles:", "  twoFactor: true\n  roles:").replace(
    "[{type: emailAndPassword}]", "[{type: emailAndPassword}, {type: magicLink}]"
)


def test_a_041_t_5_no_secret_is_found_in_the_data_folder(tmp_path: Path) -> None:
    """One of each is made, the server ended, every byte of every file looked at, the master key's aside."""
    with RunningServer(APP, tmp_path) as server:
        desk = Desk(server)
        mails = Mailbox(desk)
        ana = desk.sign_up("ana")
        desk.guest.post("/api/auth/request-password-reset", json={"email": "ana@example.org"})
        desk.guest.post("/api/auth/sign-in/magic-link", json={"email": "ana@example.org"})
        ana.post("/api/auth/send-verification-email", {"callbackURL": "/"})
        secrets = {
            template: httpx.URL(mails.link(template, "ana")).params["token"]
            for template in ("resetPassword", "magicLink", "verification")
        }
        secrets |= {"password": PASSWORD, "session": ana.token, "cookie": ana.client.cookies["sid"]}
        secrets["API key"] = ana.post("/api/auth/api-keys", {"name": "nightly"}).json()["key"]
        enabled = ana.post("/api/auth/two-factor/enable", {"password": PASSWORD}).json()
        secrets |= {"second factor": enabled["secret"], "backup code": enabled["backupCodes"][0]}
        desk.close()
    files = [each for each in (tmp_path / "data").rglob("*") if each.is_file() and each.name != "master.key"]
    assert any(each.name == "app.duckdb" for each in files)
    for file in files:
        content = file.read_bytes()
        for name, secret in secrets.items():
            assert len(secret) >= 10, name
            assert secret.encode() not in content, f"{name} in {file.name}"
    assert b"ana@example.org" in (tmp_path / "data" / "app.duckdb").read_bytes(), "what is no secret is found"
