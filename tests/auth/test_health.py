"""Health, plain for everybody and deep for administrators (auth §16.1)."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from core.messaging.post import MailHealth
from tests.auth.test_admin import admin_of
from tests.support.accounts import Desk

PARTS = {"database", "migrations", "mailer", "keyring", "auditChain", "disk"}


def test_a_241_a_242_a_243_health_for_everybody(duck_desk: Desk) -> None:
    """With an invalid cookie, with a key that is none, without a session."""
    for headers in ({}, {"cookie": "sid=nonsense.x"}, {"authorization": "Bearer svt_nothing"}):
        answer = duck_desk.guest.get("/api/health", params={"deep": "1"}, headers=headers)
        assert answer.status_code == 200
        body = answer.json()
        assert (body["status"], body["app"]) == ("ok", {"name": "desk"})
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["timestamp"])
        told = datetime.fromisoformat(body["timestamp"])
        assert abs((datetime.now(UTC) - told).total_seconds()) < 60
        assert not PARTS & body.keys(), "A-245"


def test_a_245_each_part_for_administrators(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    admin, ana = admin_of(desk), desk.sign_up("ana")

    def deep(client: Any) -> Any:
        return client.get("/api/health", params={"deep": "1"})

    assert not PARTS & deep(ana).json().keys()
    for client in (admin, desk.server.local):
        answer = deep(client)
        assert answer.status_code == 200, answer.text
        assert answer.json().keys() >= PARTS
        assert {answer.json()[part]["status"] for part in PARTS} <= {"ok", "off"}
        assert all(answer.json()[part]["ms"] >= 0 for part in PARTS)

    async def stopped(_: Any) -> MailHealth:
        return MailHealth(status="failed", milliseconds=1.0, note="connection refused")

    monkeypatch.setattr("core.messaging.post.Post.check", stopped)
    answer = deep(admin)
    assert answer.status_code == 503
    assert answer.json()["mailer"]["status"] == "failed"
    assert answer.json()["mailer"]["note"] == "connection refused"
    assert answer.json()["database"]["status"] == "ok"
    assert desk.guest.get("/api/health").status_code == 200, "others are answered as before"
