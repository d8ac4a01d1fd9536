"""Comments and notifications (tables-records §10.10) through the door, on both databases."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from core.auth.store import ACCOUNTS
from core.comments.judge import Pace, TooFast
from core.storage.database import Call
from tests.support.principals import by_header, headers
from tests.support.server import RunningServer, running_on

APP = """
name: talk
auth: {strategies: [{type: emailAndPassword}]}
tables:
  - id: 1
    name: notes
    fields: [{name: title, type: single-line-text}, {name: owner, type: single-line-text}]
    permissions: {read: [member, viewer], comment: [member], create: [admin], update: [admin], delete: [admin]}
    rowLevelPermissions:
      read: {when: {field: owner, operator: neq, value: nobody}}
    comments: {threading: true, readTracking: true}
  - id: 2
    name: posts
    fields: [{name: title, type: single-line-text}]
    permissions: {read: all, create: [admin]}
    comments:
      guestComments: true
      moderation: manual
      autoApprove: {authenticated: true, previouslyApproved: true}
      spamProtection: {rateLimitPerIp: 4, maxLinksBeforeModeration: 1, blockedWords: [casino]}
  - id: 3
    name: closed
    fields: [{name: title, type: single-line-text}]
    permissions: {read: all, create: [admin]}
    comments: {guestComments: true, moderation: auth-required}
  - id: 4
    name: open
    fields: [{name: title, type: single-line-text}]
    permissions: {read: all, create: [admin]}
    comments: {guestComments: true, guestEmailRequired: false, spamProtection: {maxLinksBeforeModeration: 1}}
"""
ADA, BOB = headers("ada", "member"), headers("bob", "member")
VIC, ROOT = headers("vic", "viewer"), headers("root", "admin")


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("talk")
    with running_on(request, APP, folder, authenticate=by_header) as running:
        with_accounts(running)
        yield running


def with_accounts(server: RunningServer) -> None:
    now = datetime.now(UTC)
    people = [
        {"id": name, "email": f"{name}@x.org", "email_verified": True, "name": f"{name.title()} Long", "image": None}
        | {"roles": None, "banned": False, "created_at": now, "updated_at": now}
        for name in ("ada", "bob", "vic")
    ]

    def work(tx: Any) -> None:
        tx.insert(ACCOUNTS, people)

    server.engine.database.submit_write(Call(work)).result()


def record(server: RunningServer, table: str = "notes", **fields: str) -> str:
    answer = server.local.post(f"/api/tables/{table}/records", json={"fields": {"title": "t", **fields}})
    return f"/api/tables/{table}/records/{answer.json()['id']}"


def say(server: RunningServer, path: str, text: str, who: Any, status: int = 201, **more: Any) -> dict[str, Any]:
    answer = server.http.post(f"{path}/comments", json={"content": text, **more}, headers=who)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def texts(server: RunningServer, path: str, who: Any, **params: Any) -> list[str]:
    answer = server.http.get(f"{path}/comments", params=params, headers=who)
    assert answer.status_code == 200, answer.text
    return [each["content"] for each in answer.json()["comments"]]


def test_comments_are_written_read_edited_deleted(server: RunningServer) -> None:
    """R-068 R-070 R-076 D-19 D-20: author from the session; others neither edit nor delete; the history tells of it."""
    path = record(server)
    made = say(server, path, "  first  ", ADA)
    assert made["status"] == "approved"
    comment = made["comment"]
    assert comment["user"] == {"id": "ada", "name": "Ada Long", "image": None}
    assert (comment["content"], comment["tableId"], comment["parentCommentId"]) == ("first", "1", None)
    say(server, path, "second", BOB)
    assert texts(server, path, VIC) == ["second", "first"]
    assert texts(server, path, VIC, sort="createdAt:asc") == ["first", "second"]
    one = f"{path}/comments/{comment['id']}"
    assert server.http.get(one, headers=VIC).json()["comment"] == comment
    assert server.http.patch(one, json={"content": "hers"}, headers=BOB).status_code == 404
    edited = server.http.patch(one, json={"content": "mine"}, headers=ADA).json()["comment"]
    assert edited["content"] == "mine"
    assert edited["updatedAt"] > comment["updatedAt"]
    assert server.http.patch(one, json={"content": "by admin"}, headers=ROOT).status_code == 200
    assert server.http.delete(one, headers=BOB).status_code == 404
    assert server.http.delete(one + "?permanent=true", headers=ADA).status_code == 404
    assert server.http.delete(one, headers=ADA).status_code == 204
    assert server.http.get(one, headers=ADA).status_code == 404
    assert server.http.delete(one, headers=ADA).status_code == 404
    second = server.http.get(f"{path}/comments", headers=ROOT).json()["comments"][0]["id"]
    assert server.http.delete(f"{path}/comments/{second}?permanent=true", headers=ROOT).status_code == 204
    told = server.http.get(f"{path}/history", headers=ROOT).json()["history"]
    actions = [each["action"] for each in told]
    assert actions == ["create", *["comment_create"] * 2, *["comment_edit"] * 2, *["comment_delete"] * 2]
    assert "mine" not in str(told)


def test_comments_go_with_their_record(server: RunningServer) -> None:
    """R-044: for good, and for good alone"""
    note, other = record(server), record(server)
    for each in (note, other):
        say(server, each, "one", ADA)
        say(server, each, "@bob two", ADA)
    id_ = note.rpartition("/")[2]

    def count() -> list[int]:
        asked = [
            f"SELECT count(*) FROM {name} WHERE record = '{id_}'" for name in ("system_comment", "system_notification")
        ]
        work: Call[list[int]] = Call(lambda reader: [reader.scalar(sql) for sql in asked])
        return server.engine.database.submit_read(work).result()

    assert server.local.delete(note).status_code == 204
    assert count() == [2, 1]
    assert server.local.delete(note, params={"permanent": "true"}).status_code == 200
    assert count() == [0, 0]
    assert texts(server, other, ADA) == ["@bob two", "one"]


def test_pages_of_comments(server: RunningServer) -> None:
    """R-068: `pagination` only with a limit."""
    path = record(server)
    for n in range(5):
        say(server, path, str(n), ADA)
    answer = server.http.get(f"{path}/comments?limit=2&offset=1&sort=createdAt:asc", headers=ADA).json()
    assert [each["content"] for each in answer["comments"]] == ["1", "2"]
    assert answer["pagination"] == {"total": 5, "limit": 2, "offset": 1, "hasMore": True}
    assert "pagination" not in server.http.get(f"{path}/comments", headers=ADA).json()
    assert server.http.get(f"{path}/comments?sort=content", headers=ADA).status_code == 400


def test_what_is_refused(server: RunningServer) -> None:
    """R-069 R-070 R-075: empty and long texts; records and comments that are not there; who may not comment."""
    path = record(server)
    for text in ("", "   ", "x" * 10_001):
        assert say(server, path, text, ADA, 400)["errors"][0]["field"] == "content"
    say(server, path, "x" * 10_000, ADA)
    say(server, "/api/tables/notes/records/99999", "x", ADA, 404)
    say(server, record(server, owner="nobody"), "x", ADA, 404)
    say(server, path, "x", VIC, 404)
    say(server, path, "x", {}, 401)
    gone = record(server)
    kept = say(server, gone, "x", ADA)["comment"]["id"]
    server.local.delete(gone)
    for answer in (
        server.http.get(f"{gone}/comments", headers=ADA),
        server.http.get(f"{gone}/comments/{kept}", headers=ADA),
    ):
        assert answer.status_code == 404
    assert server.http.get(f"{path}/comments/nothing", headers=ADA).status_code == 404
    assert server.http.get(f"{path}/comments/{kept}", headers=ADA).status_code == 404
    assert server.http.patch(f"{path}/comments/nothing", json={}, headers=ADA).status_code == 400
    closed = record(server, "closed")
    answer = server.http.post(f"{closed}/comments", json={"content": "x", "guestEmail": "a@b.de"})
    assert (answer.status_code, answer.json()["code"]) == (401, "AUTH_REQUIRED")


def test_replies_are_one_level_deep(server: RunningServer) -> None:
    """R-072"""
    path = record(server)
    first = say(server, path, "question", ADA)["comment"]["id"]
    reply = say(server, path, "answer", BOB, parentCommentId=first)["comment"]
    assert reply["parentCommentId"] == first
    nested = say(server, path, "deeper", ADA, 422, parentCommentId=reply["id"])
    assert nested["code"] == "NESTED_REPLY_REJECTED"
    say(server, path, "to nobody", ADA, 404, parentCommentId="nothing")
    flat = record(server, "open")
    own = say(server, flat, "x", ADA)["comment"]["id"]
    say(server, flat, "y", ADA, 400, parentCommentId=own)
    notes = server.http.get("/api/notifications", headers=ADA).json()["notifications"]
    assert [(each["kind"], each["excerpt"]) for each in notes if each["commentId"] == reply["id"]] == [
        ("reply", "answer")
    ]


def test_a_guest_mentions_nobody_and_nobody_the_whole_world(server: RunningServer) -> None:
    """R-073, auth §17.3: who has no session does not learn which accounts there are; others wait for a long list."""
    path = record(server, "open")
    names = {"content": "@ada", "mentions": ["bob@x.org", "nobody@x.org"]}
    assert server.http.post(f"{path}/comments", json=names).json()["comment"]["mentions"] == []
    assert len(server.http.post(f"{path}/comments", json=names, headers=BOB).json()["comment"]["mentions"]) == 2
    many = {"content": "x", "mentions": [f"n{number}" for number in range(101)]}
    refused = server.http.post(f"{path}/comments", json=many, headers=BOB)
    assert (refused.status_code, refused.json()["field"]) == (400, "mentions")


def test_mentions_are_found_and_told(server: RunningServer) -> None:
    """R-073: names in the text with their places, ids beside it; who is mentioned is told, of what they may see."""
    path = record(server)
    text = "ask @bob, or @Ada.long@x or @adalong. mail a@bob.de, @nobody"
    made = say(server, path, text, VIC, 404) or {}
    made = say(server, path, text, BOB, mentions=["vic", "ghost"])["comment"]
    places = {each["userId"]: each for each in made["mentions"]}
    assert set(places) == {"bob", "ada", "vic"}
    assert text[places["bob"]["start"] : places["bob"]["end"]] == "@bob"
    assert text[places["ada"]["start"] : places["ada"]["end"]] == "@adalong"
    assert "start" not in places["vic"]

    def told(who: Any, **params: Any) -> list[dict[str, Any]]:
        answer = server.http.get("/api/notifications", params=params, headers=who).json()["notifications"]
        return [each for each in answer if each["commentId"] == made["id"]]

    assert [(each["kind"], each["from"]["id"], each["readAt"]) for each in told(ADA)] == [("mention", "bob", None)]
    assert len(told(VIC)) == 1
    assert told(BOB) == []
    ids = [each["id"] for each in told(ADA)]
    read = server.http.post("/api/notifications/read", json={"ids": ids}, headers=ADA)
    assert read.json() == {"success": True, "read": 1}
    assert told(ADA, unread="true") == []
    assert told(ADA)[0]["readAt"] is not None
    assert server.http.post("/api/notifications/read", json={"ids": ids}, headers=ADA).json()["read"] == 0
    unread = server.http.get("/api/notifications", headers=VIC).json()["unreadCount"]
    server.local.patch(path, json={"owner": "nobody"})
    assert told(VIC) == []
    assert server.http.get("/api/notifications", headers=VIC).json()["unreadCount"] == unread - 1
    assert server.http.get("/api/notifications").status_code == 401


def test_guests_are_judged(server: RunningServer) -> None:
    """R-074 R-071: address needed and told to administrators alone; robots, words, links, pace."""
    path = record(server, "posts")
    say(server, path, "hello", {}, 400)
    say(server, path, "hello", {}, 400, guestEmail="nonsense")
    trap = server.http.post(f"{path}/comments", json={"content": "buy", "guestEmail": "r@x.org", "honeypot": "yes"})
    assert (trap.status_code, trap.json()) == (200, {"success": True, "discarded": True})
    made = say(server, path, "hello", {}, guestEmail="Gus@X.org", guestName=" Gus ")
    assert (made["status"], made["comment"]["guestName"], made["comment"]["user"]) == ("pending", "Gus", None)
    assert "guestEmail" not in made["comment"]
    assert say(server, path, "best Casino!", {}, guestEmail="c@x.org")["status"] == "rejected"
    assert say(server, path, "casinos are fine", ADA)["status"] == "approved"
    assert say(server, path, "http://a.b and www.c.d", ADA)["status"] == "pending"
    assert texts(server, path, {}) == ["casinos are fine"]
    assert texts(server, path, ADA) == ["http://a.b and www.c.d", "casinos are fine"]
    queue = server.http.get("/api/tables/posts/comments?status=pending&sort=createdAt:asc", headers=ROOT).json()[
        "comments"
    ]
    assert [(each["content"], each.get("guestEmail")) for each in queue] == [
        ("hello", "gus@x.org"),
        ("http://a.b and www.c.d", None),
    ]
    assert server.http.get("/api/tables/posts/comments", headers=ADA).status_code == 404
    one = f"{path}/comments/{queue[0]['id']}"
    assert server.http.patch(one, json={"status": "approved"}, headers=ADA).status_code == 404
    assert server.http.patch(one, json={"status": "praised"}, headers=ROOT).status_code == 400
    assert server.http.patch(one, json={"status": "approved"}, headers=ROOT).json()["comment"]["status"] == "approved"
    assert "hello" in texts(server, path, {})
    assert say(server, path, "again", {}, guestEmail="gus@x.org")["status"] == "approved"
    say(server, path, "fourth", {}, guestEmail="new@x.org")
    answer = server.http.post(f"{path}/comments", json={"content": "fifth", "guestEmail": "new@x.org"})
    assert (answer.status_code, answer.json()["code"]) == (429, "RATE_LIMITED")
    assert 0 < int(answer.headers["retry-after"]) <= 61
    other = record(server, "open")
    assert say(server, other, "no address", {})["comment"]["userId"] is None


def test_an_edited_comment_is_judged_again(server: RunningServer) -> None:
    """R-071: what was approved was another text."""
    path = record(server, "open")
    own = say(server, path, "harmless", ADA)["comment"]["id"]
    changed = server.http.patch(f"{path}/comments/{own}", json={"content": "http://a http://b"}, headers=ADA)
    assert changed.json()["comment"]["status"] == "pending"
    assert texts(server, path, {}) == []


def test_unread_comments_are_counted(server: RunningServer) -> None:
    """R-077: of others, since the record was last read; own ones count as read."""
    path = record(server)

    def unread(who: Any) -> int:
        return int(server.http.get(f"{path}/comments", headers=who).json()["unreadCount"])

    assert unread(BOB) == 0
    say(server, path, "one", ADA)
    say(server, path, "two", BOB)
    assert (unread(ADA), unread(BOB), unread(VIC)) == (1, 1, 2)
    assert server.http.post(f"{path}/comments/read", headers=BOB).json() == {"success": True}
    assert (unread(ADA), unread(BOB)) == (1, 0)
    say(server, path, "three", ADA)
    assert unread(BOB) == 1
    assert server.http.post(f"{path}/comments/read", headers=BOB).status_code == 200
    assert unread(BOB) == 0
    untracked = record(server, "posts")
    assert server.http.post(f"{untracked}/comments/read", headers=BOB).status_code == 404
    assert "unreadCount" not in server.http.get(f"{untracked}/comments", headers=BOB).json()


def test_a_window_slides() -> None:
    """R-074: the pace of an address."""
    now = [0.0]
    pace = Pace(lambda: now[0])
    pace.take("t", "a", 2, 60)
    now[0] = 30
    pace.take("t", "a", 2, 60)
    pace.take("t", "b", 2, 60)
    with pytest.raises(TooFast) as refused:
        pace.take("t", "a", 2, 60)
    assert refused.value.retry_after == 31
    now[0] = 61
    pace.take("t", "a", 2, 60)
