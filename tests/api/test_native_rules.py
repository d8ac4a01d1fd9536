"""The rules of an app as PostgreSQL's own, beside what the server answers to the same people."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sovrium_tui.cli.main import execute
from tests.support.databases import postgresql_schema
from tests.support.principals import by_header, headers
from tests.support.server import RunningServer

NAME = f"desk-{os.getpid()}"  # roles belong to the whole server of PostgreSQL
PREFIX = NAME.replace("-", "_")
APP = (
    f"""
name: {NAME}
auth:
  strategies: [{{type: emailAndPassword}}]
  roles: [{{name: editor, level: 30}}, {{name: auditor, level: 20}}]
  groups: [{{name: finance}}]
  scopeTables: [teams]
"""
    + """
tables:
  - name: teams
    primaryKey: {type: text}
    fields: [{name: label, type: single-line-text}]
    permissions: {read: all}
  - name: members
    fields: [{name: team, type: single-line-text}, {name: person, type: single-line-text}]
    permissions: {read: [admin]}
  - name: tickets
    fields:
      - {name: title, type: single-line-text}
      - {name: owner_id, type: single-line-text}
      - {name: team, type: single-line-text}
      - {name: status, type: single-line-text}
      - {name: cost, type: integer}
      - {name: due, type: datetime}
      - {name: flags, type: multi-select, options: [red, blue]}
      - {name: double, type: formula, formula: "cost * 2", resultType: integer}
    permissions:
      read: all
      create: authenticated
      update: [editor, member]
      delete: [editor]
      permanentDelete: [editor]
      fields: [{field: cost, read: [editor, "group:finance"], write: [editor]}]
    rls:
      policies:
        - {name: own, to: [member], using: "owner_id = auth.uid()"}
        - {name: editors, to: [editor], using: "true"}
        - {name: team, for: select, to: [authenticated],
           using: "exists (select 1 from members m where m.team = tickets.team and m.person = auth.uid())"}
        - {name: public, for: select, to: [anon], using: "status = 'it''s \\\\ public'"}
        - {name: fresh, for: select, as: restrictive, to: [viewer, auditor],
           using: "due > now() - interval '7 days' or due is null"}
        - {name: by_role, for: select, to: [auditor],
           using: "auth.app_role() = 'auditor' and 'auditor' = any(auth.roles()) and 'blue' = any(flags)"}
        - {name: by_claim, for: select, to: [viewer], using: "owner_id = auth.jwt() ->> 'email'"}
  - name: notes
    fields:
      - {name: text, type: single-line-text}
      - {name: owner, type: single-line-text}
      - {name: n, type: integer}
      - {name: team, type: relationship, relatedTable: teams}
    permissions: {read: authenticated, create: authenticated, update: authenticated, delete: [editor]}
    rowLevelPermissions:
      read:
        when:
          logic: or
          conditions:
            - {field: owner, operator: eq, value: $currentUser.id}
            - {field: owner, operator: in, value: $currentUser.role}
            - {field: n, operator: in, value: [1, 2]}
            - {field: team, operator: in, value: $currentUser.assignments.teams}
      write: {when: {field: owner, operator: eq, value: $currentUser.id}}
      create: {when: {field: owner, operator: neq, value: $currentUser.email}}
  - name: plain
    fields: [{name: text, type: single-line-text}]
"""
)
STORED = ("id", "created_at", "updated_at", "deleted_at")
TICKETS = [
    ("adas", "ada", None, "open", 1, None, ["red"]),
    ("bobs", "bob", "red", "open", 2, "2020-01-01T00:00:00Z", ["blue"]),
    ("late", "eve", "red", "open", 3, "2020-01-01T00:00:00Z", ["blue", "red"]),
    ("soon", "eve", "red", "open", 4, "2999-01-01T00:00:00Z", ["blue"]),
    ("public", None, "blue", "it's \\ public", 5, None, None),
    ("viewers", f"vic.{PREFIX}@x.org", None, "open", 6, None, []),
]
NOTES = [
    ("a", "ada", 5, None),
    ("b", "bob", 1, None),
    ("c", "member", 6, None),
    ("d", None, 7, "t1"),
    ("e", None, 8, "t2"),
]
PEOPLE: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "ada": ("member", (), ("t1",)),
    "bob": ("member", ("finance",), ()),
    "eve": ("editor", (), ()),
    "vic": ("viewer", (), ("t2",)),
    "aud": ("auditor", (), ()),
    "both": ("admin member", (), ()),
    "boss": ("admin", (), ()),
}


def address(who: str) -> str:
    return f"{who}.{PREFIX}@x.org"


def header(who: str | None) -> Mapping[str, str]:
    if who is None:
        return headers()
    roles, groups, teams = PEOPLE[who]
    return headers(who, roles, groups=list(groups), email=address(who), assignments={"teams": list(teams)})


@pytest.fixture
def server(postgresql_address: str, tmp_path: Path) -> Iterator[RunningServer]:
    """With its rows; it keeps the address of its schema in `folder`."""
    with (
        postgresql_schema(postgresql_address) as settings,
        RunningServer(APP, tmp_path, database_url=settings.url, authenticate=by_header) as running,
    ):
        (tmp_path / "url").write_text(settings.url)
        names = {
            "members": [{"team": "red", "person": each} for each in ("ada", "aud", "vic")],
            "tickets": [
                dict(zip(("title", "owner_id", "team", "status", "cost", "due", "flags"), row, strict=True))
                for row in TICKETS
            ],
            "notes": [dict(zip(("text", "owner", "n", "team"), row, strict=True)) for row in NOTES],
            "plain": [{"text": "x"}],
        }
        with psycopg.connect(settings.url) as connection:
            connection.execute("INSERT INTO teams (id, label) VALUES ('t1', 'one'), ('t2', 'two')")
        for table, rows in names.items():
            body = {"records": [{"fields": row} for row in rows]}
            answer = running.local.post(f"/api/tables/{table}/records/batch", json=body)
            assert answer.status_code == 201, answer.text
        yield running


@pytest.fixture
def database(server: RunningServer) -> Iterator[psycopg.Connection[Any]]:
    """The owner's connection to the same tables, with a login and an account for everybody."""
    url = (server.folder / "url").read_text()
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection
        connection.execute("RESET SESSION AUTHORIZATION")
        run(connection, export(server, "--undo"))
        names = [
            row[0] for row in connection.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE %s", [f"%{PREFIX}%"])
        ]
        for name in names:
            connection.execute(f'DROP ROLE "{name}"')  # which nothing must be granted to any more


def export(server: RunningServer, *options: str) -> str:
    """What the command line writes."""
    file = server.folder / "rules.sql"
    schema = psycopg.conninfo.conninfo_to_dict((server.folder / "url").read_text())["options"].partition("=")[2]
    arguments = ["roles", "export-rls", str(server.app_file), "--schema", schema, "--output", str(file), *options]
    assert execute(arguments) == 0
    return file.read_text()


def run(connection: psycopg.Connection[Any], script: str) -> None:
    connection.execute(script.encode())


def admit(connection: psycopg.Connection[Any]) -> None:
    """Logins and accounts of everybody."""
    for who, (roles, groups, teams) in PEOPLE.items():
        names = [f"{PREFIX}_{role}" for role in roles.split()] + [f"{PREFIX}_group_{group}" for group in groups]
        connection.execute(f'CREATE ROLE "{address(who)}" LOGIN IN ROLE {", ".join(names)}')
        connection.execute(
            "INSERT INTO auth_user (id, email, email_verified, name, banned, created_at, updated_at) "
            "VALUES (%s, %s, true, %s, false, now(), now())",
            [who, address(who), who],
        )
        if teams:
            connection.execute(
                "INSERT INTO auth_user_access (id, user_id, table_slug, record_ids, role, created_at) "
                "VALUES (%s, %s, 'teams', %s, %s, now())",
                [who, who, json.dumps(teams), roles],
            )
    connection.execute(f'CREATE ROLE "{address("nobody")}" LOGIN IN ROLE {PREFIX}_anon')


def become(connection: psycopg.Connection[Any], who: str | None) -> None:
    connection.execute("RESET SESSION AUTHORIZATION")
    connection.execute(f'SET SESSION AUTHORIZATION "{address(who or "nobody")}"')


def native(connection: psycopg.Connection[Any], table: str) -> tuple[set[str], list[str]] | None:
    """Columns and rows that the one who is connected sees; None: nothing may be read."""
    listed = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
        "AND has_column_privilege(attrelid, attnum, 'SELECT')",
        [table],
    ).fetchall()
    columns = {row[0] for row in listed}
    if not columns:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"SELECT id FROM {table}")
        return None
    found = sorted(str(row[0]) for row in connection.execute(f"SELECT id FROM {table}"))
    return (columns - set(STORED) if found else set()), found


def served(server: RunningServer, table: str, who: str | None) -> tuple[set[str], list[str]] | None:
    """The same by the API."""
    answer = server.http.get(f"/api/tables/{table}/records", params={"limit": "100"}, headers=header(who))
    if answer.status_code in (401, 404):
        return None
    found = answer.json()["records"]
    columns = {name for each in found for name in each["fields"]} - {"double"}
    return columns, sorted(str(each["id"]) for each in found)


def test_what_each_sees(
    server: RunningServer, database: psycopg.Connection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """P-035: rows and columns that PostgreSQL shows by itself are those of the API, for every role, table and rule; what an
    export leaves out is told, and it can be run again and taken away."""
    server.local.post(
        "/api/tables/user_access/records",
        json={"user_id": "x", "table_slug": "teams", "record_ids": ["t1"], "role": "viewer"},
    )
    script = export(server, "--writes")
    told = capsys.readouterr().err
    assert "left out: tickets: double" in told
    assert "-- Left out: tickets: double" in script
    run(database, script)
    run(database, script)
    admit(database)
    seen = {}
    for who in (*PEOPLE, None):
        for table in ("teams", "members", "tickets", "notes", "plain"):
            become(database, who)
            seen[who, table] = found = native(database, table)
            assert found == served(server, table, who), (who, table)
    rows = {key: len(found[1]) for key, found in seen.items() if found is not None}
    assert [rows[who, "tickets"] for who in PEOPLE] == [4, 1, 6, 2, 1, 6, 6]
    assert [rows[who, "notes"] for who in PEOPLE] == [4, 2, 1, 2, 1, 5, 5]
    assert rows[None, "tickets"] == 1
    assert (None, "notes") not in rows

    # Who writes what, and the rows that it changes; None: it is refused.
    title, note = "INSERT INTO tickets (title, owner_id) VALUES", "UPDATE notes SET text = 'x'"
    cases = [
        ("ada", f"{title} ('t', 'ada')", 1),
        ("ada", f"{title} ('t', 'bob')", None),
        ("aud", f"{title} ('t', 'aud')", None),
        ("ada", "INSERT INTO tickets (cost) VALUES (1)", None),
        ("eve", "INSERT INTO tickets (cost) VALUES (1)", 1),
        ("ada", "UPDATE tickets SET status = 'x'", 2),  # the own one, and the one that was added
        ("ada", "UPDATE tickets SET owner_id = 'bob' WHERE title = 't'", None),
        ("ada", "DELETE FROM tickets", None),
        ("vic", "UPDATE tickets SET status = 'x'", None),
        ("eve", "DELETE FROM tickets WHERE title = 't'", 1),
        ("ada", note, 1),
        ("bob", note, 1),
        ("eve", note, 0),
        ("ada", "UPDATE notes SET owner = 'bob' WHERE text = 'x' AND owner = 'ada'", None),
        ("ada", f"INSERT INTO notes (text, owner) VALUES ('n', '{address('ada')}')", None),
        ("ada", "INSERT INTO notes (text, owner) VALUES ('n', 'else')", 1),
        (None, "INSERT INTO notes (text) VALUES ('n')", None),
        ("boss", "UPDATE notes SET n = n", 6),
    ]
    for who, statement, changed in cases:
        become(database, who)
        if changed is None:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                database.execute(statement)
        else:
            assert database.execute(statement).rowcount == changed, (who, statement)

    database.execute("RESET SESSION AUTHORIZATION")
    database.execute("UPDATE auth_user SET banned = true WHERE id = 'ada'")
    become(database, "ada")
    assert native(database, "notes") == ({"text", "owner", "n", "team"}, ["2", "3"]), (
        "an account that is banned is nobody's"
    )

    database.execute("RESET SESSION AUTHORIZATION")
    run(database, export(server, "--undo"))
    assert not database.execute("SELECT 1 FROM pg_policies WHERE policyname LIKE 'sovrium %'").fetchall()
    become(database, "eve")
    with pytest.raises(psycopg.errors.UndefinedTable):
        database.execute("SELECT id FROM tickets")


def ruled(field: str, value: str, using: str = "true") -> str:
    """An app with a rule of rows and a policy to read."""
    return f"""
name: {NAME}
auth:
  strategies: [{{type: emailAndPassword}}]
  roles: [{{name: top, level: 90}}, {{name: group-x, level: 5}}]
  groups: [{{name: x}}]
tables:
  - name: notes
    fields:
      - {{name: text, type: single-line-text}}
      - {{name: day, type: date}}
      - {{name: up, type: relationship, relatedTable: notes}}
      - name: others
        type: count
        relationshipField: up
        filters: {{field: text, operator: notEquals, value: $currentUser.email}}
    rowLevelPermissions: {{read: {{when: {{field: {field}, operator: eq, value: {value}}}}}}}
    rls: {{policies: [{{name: seen, for: select, using: "{using}"}}]}}
"""


def test_what_cannot_be_said_is_closed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """P-035: a rule that PostgreSQL cannot ask lets nothing through, and is told; names that are no roles are refused."""
    app = tmp_path / "app.yaml"

    def exported(text: str, *roles: str) -> tuple[str, str]:
        app.write_text(text)
        named = [word for role in roles for word in ("--role", role)]
        assert execute(["roles", "export-rls", str(app), *named]) == 0
        out, err = capsys.readouterr()
        return out, err

    left_out = "left out: notes: SELECT by viewer, which is closed: "
    for text, why in (
        (ruled("text", "$currentUser.activeAssignment"), "$currentUser.activeAssignment"),
        (ruled("text", "$currentUser.id", "day = auth.email()"), "a date compared with what is asked of the caller"),
        (ruled("others", "0"), "a day that is reckoned from today, or the caller, in the filter of a computed field"),
    ):
        script, told = exported(text, "viewer", "top")
        assert left_out + why in told
        assert f'TO "{PREFIX}_viewer"\n  USING ((SELECT "{PREFIX}_rls".is_above()) OR (false))' in script
        assert f'"notes" AS PERMISSIVE FOR SELECT TO "{PREFIX}_top"\n  USING (true);' in script
        statements = [line for line in script.splitlines() if line.startswith(("CREATE POLICY", "GRANT"))]
        assert not any("member" in line for line in statements)

    plain = ruled("text", "a")
    assert left_out not in exported(plain, "viewer")[1]
    script, _ = exported(plain, "group-x", "group:x")
    assert f'CREATE ROLE "{PREFIX}_group_x" NOLOGIN' in script
    assert f'CREATE ROLE "{PREFIX}_group:x" NOLOGIN' in script
    assert execute(["roles", "export-rls", str(app), "--role", "wiever"]) == 2
    assert "did you mean `viewer`?" in capsys.readouterr().err
    app.write_text(f"name: {NAME}\ntables: [{{name: notes, fields: [{{name: text, type: single-line-text}}]}}]\n")
    assert execute(["roles", "export-rls", str(app)]) == 2
    assert "has no accounts" in capsys.readouterr().err
