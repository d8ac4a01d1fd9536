"""Row policies in the app file: what is read, and what is refused with its place."""

import subprocess
import sys

import pytest

from core.errors import SchemaError
from core.schema.policy_text import PolicyProblem, parse_policy
from tests.support.apps import app_model

APP = """
auth:
  strategies: [{type: emailAndPassword}]
  roles: [{name: editor, level: 30}]
  groups: [{name: finance}]
tables:
  - name: tickets
    fields:
      - {name: title, type: single-line-text}
      - {name: owner_id, type: single-line-text}
      - {name: n, type: integer}
      - {name: meta, type: json}
      - {name: tags, type: multi-select, options: [a, b]}
    rls:
      policies:
        - {POLICY}
  - name: asking
    fields: [{name: word, type: single-line-text}]
    rls:
      policies:
        - {name: x, using: "exists (select 1 from tickets where title = word)"}
  - name: free
    fields: [{name: word, type: single-line-text}]
"""
REFUSED = [
    ('using: "owner = auth.uid()"', "There is no column `owner` (column 1)", "owner_id"),
    ("using: \"n > 1 and nope.title = 'x'\"", "There is no column `nope.title` (column 11)", None),
    ('using: "true", to: [editr]', "the role `editr` is not defined", "editor"),
    ("using: \"true\", to: ['group:sales']", "the group `group:sales` is not in auth.groups", None),
    ('using: "exists (select 1 from tickets t where t.n = n)"', "tickets → tickets", None),
    ('using: "title in (select word from asking)"', "tickets → asking → tickets", None),
    ('using: "title in (select word from nowhere)"', "There is no table `nowhere`", None),
    ("using: \"n = 'many'\"", "'many' is not a number", None),
    ('using: "title > 5"', "A number cannot be compared with a text", None),
    ('using: "title"', "A condition is true or false, this is a text", None),
    ('using: "count(*) > 1"', "count stands in a sub-select only", None),
    ('using: "n ="', "This is not an SQL expression", None),
    ('using: "true; drop table tickets"', "This is not one SQL expression", None),
    ('using: "pg_sleep(9) is null"', "cannot stand in a policy", None),
    ("using: \"(select current_setting('x')) = '1'\"", "cannot stand in a policy", None),
    ("using: \"auth.password() = 'x'\"", "There is no auth.password()", None),
    ("using: \"n = any(auth.assignments('free'))\"", "`free` is not in auth.scopeTables", None),
    ("using: \"tags = 'a'\"", "Lists and json are not compared as a whole", None),
    ("using: \"title ->> 'a' = 'b'\"", "-> and ->> look into json", None),
    ("for: insert", "a policy for insert says `check`", None),
    ("for: select", "a policy for select says `using`", None),
    ('for: insert, check: "true", using: "true"', "new rows are judged by `check`", None),
    ('for: delete, check: "true", using: "true"', "delete makes no new row", None),
    ('for: upsert, using: "true"', '"upsert" is not one of', None),
    ('using: "true", as: strict', '"strict" is not one of', None),
    ('usings: "true", using: "true"', "`usings` is not a key here", "using"),
]


@pytest.mark.parametrize(("policy", "message", "hint"), REFUSED)
def test_refused_with_its_place(policy: str, message: str, hint: str | None) -> None:
    """A-199, A-024: unknown columns and roles, sub-selects that lead back, and what could fail on some row."""
    with pytest.raises(SchemaError) as error:
        app_model(APP.replace("POLICY", f"name: p, {policy}"))
    found = [problem for problem in error.value.problems if message in problem.message]
    assert found, [str(problem) for problem in error.value.problems]
    assert found[0].position is not None
    assert found[0].position.line == 17
    assert found[0].path.startswith("tables[0].rls.policies[0]")
    assert hint is None or hint in str(found[0].hint)


def test_two_policies_of_one_name() -> None:
    with pytest.raises(SchemaError, match="two policies named `p`"):
        app_model(APP.replace("{POLICY}", '{name: p, using: "true"}\n        - {name: p, using: "true"}'))


def test_what_is_not_looked_at_is_refused() -> None:
    """T24: no part of an expression passes without being understood."""
    for text in (
        "trim(both from title) = 'x'",
        "n between symmetric 1 and 2",
        "exists (select 1 from free left join free f on true)",
        "exists (select 1 from free limit 1)",
        "exists (select distinct word from free)",
        "title in (select word from free for update)",
        "title in (select word from free tablesample system (1))",
        "current_timestamp(3) > created_at",
        "count(*) over () > 1",
        "title like 'a' escape 'b'",
        "n::int = 5",
        "title collate \"C\" = 'x'",
        "row(n) = row(1)",
        "title = :name",
        "title = $1",
    ):
        with pytest.raises(PolicyProblem):
            parse_policy(text)
    with pytest.raises(PolicyProblem, match="nested deeper"):
        parse_policy("not " * 45 + "true")


def test_the_parser_comes_with_the_first_policy() -> None:
    """Start-up and memory: an app without policies does without it."""
    code = (
        "import sys; from core.assembly import read_model; from pathlib import Path; import core.sql.run;"
        "read_model(Path(sys.argv[1])); print('sqlglot' in sys.modules)"
    )
    sample = "sample_apps/crm/app.yaml"
    out = subprocess.run([sys.executable, "-c", code, sample], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"
