"""What the server says to people is known in every other language of the console."""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

from core.auth.error import CODES
from core.errors import SchemaError, SecretsError, SovriumError, error_from_body
from core.fields.base import ValueProblem
from core.fields.number import decimal_of
from core.fields.registry import FIELD_TYPES
from core.formulas.check import check
from core.formulas.function import FUNCTIONS
from core.formulas.kind import KINDS, capital
from core.formulas.parse import parse
from core.formulas.problem import FormulaProblem
from core.generation.reason import PATTERNS, reason_of
from core.records.validate import Problems
from core.schema.auth_setting import auth_keys
from core.schema.loader import load_data
from core.sentence import say, with_all_patterns, with_patterns, with_sentences
from core.sql.problem import NO_DEFAULTS, told
from core.sql.statement import REFUSALS, split
from screens.services.text import languages, set_language
from screens.services.wording import in_words, sentences, worded
from sovrium_tui.process.discovery import fail, report_of

ROOT = Path(__file__).parents[2]
SAYING: dict[str, tuple[int, ...]] = {
    "say": (0,), "ValueProblem": (1,), "AuthError": (1,), "BadRequest": (0,), "Conflict": (0,), "NotFound": (0,),
    "TooLarge": (0,), "Busy": (0,), "DiskFull": (0,), "Refused": (1, 2), "FormulaProblem": (1, 3), "Refusal": (1,),
    "MigrationRefused": (0,), "SovriumError": (0,), "Locked": (0,), "SecretsError": (0,), "OptionProblem": (2, 3),
    "PolicyProblem": (0, 2),
}  # fmt: skip
"""Who takes sentences, and at which places; `hint=` is one everywhere."""
HEARD: dict[str, dict[str, tuple[int, ...]]] = {
    "auth": {}, "backup": {}, "client": {}, "comments": {}, "fields": {}, "files": {}, "jobs": {}, "records": {},
    "generation": {},
    "secrets": {}, "sovrium_tui/process": {}, "history": {}, "views": {}, "http/server.py": {}, "http/spool.py": {},
    "storage": {"Damaged": (0,), "StorageError": (0,), "Invalid": (0,), "WriteConflict": (0,)},
    "query": {"refused": (1,)},
    "sql": {"told": (1, 2)},
    "migrations": {
        "Step": (2,), "StorageError": (0,), "Conversion": (2, 3), "_checked": (1, 2), "_text_by_pattern": (2,),
        "NotConvertible": (0,),
    },
    "schema": {
        "error": (1,), "warning": (1,), "note": (1,), "Problem": (1,), "refuse": (0, 2), "stop": (1,), "report": (1, 3),
        "_stop": (1, 3), "_report": (1,), "SchemaError": (0,), "_refused": (1,),
    },
    "formulas": {
        "fail": (1, 2), "unexpected": (0,), "expect": (1,), "close": (1,), "arguments": (0,), "take": (3,), "fit": (4,),
    },
}  # fmt: skip
"""Folders and files, of `core` where no other is named, whose refusals a person at the console meets, with who takes
sentences there alone."""
_SMALL_LETTER = re.compile("[a-z]")
"""What has none is a word or sign of SQL, the same in all languages."""
OTHERS = [language for language in languages() if language != "en"]


@cache
def trees(folder: str) -> list[tuple[Path, ast.Module]]:
    paths = [ROOT / folder] if folder.endswith(".py") else sorted((ROOT / folder).rglob("*.py"))
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


def texts(node: ast.expr, named: dict[str, str]) -> Iterator[str]:
    """The sentences that an argument may be; one that is made of pieces on the spot has no pattern, and is shown as code."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.Name(id=name) if name in named:
            yield named[name]
        case ast.IfExp():
            yield from texts(node.body, named)
            yield from texts(node.orelse, named)
        case ast.JoinedStr():
            yield ast.unparse(node)


def said(folder: str) -> Iterator[tuple[str, str]]:
    """Every sentence of a folder of `core`, and where it stands."""
    saying = SAYING | HEARD[folder]
    for path, tree in trees(folder if folder.startswith("sovrium_tui") else f"core/{folder}"):
        named: dict[str, str] = {}
        for node in tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                    named[name] = text
        for node in ast.walk(tree):
            found: list[ast.expr] = []
            match node:
                case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in saying:
                    found = [node.args[place] for place in saying[name] if place < len(node.args)]
                    found += [each.value for each in node.keywords if each.arg == "hint"]
                case ast.Assign(targets=[ast.Name(id="pattern" | "message" | "hint")]):
                    found = [node.value]
            for each in found:
                for text in filter(_SMALL_LETTER.search, texts(each, named)):
                    yield text, f"{path.relative_to(ROOT)}:{each.lineno}"


@pytest.mark.parametrize("language", OTHERS)
def test_whatever_a_person_may_hear_is_translated(language: str) -> None:
    """A refusal that gives its text by pieces (an f-string) cannot be: it takes `say(pattern, …)`."""
    known = sentences(language)
    heard = [entry for folder in HEARD for entry in said(folder)]
    heard += [(sentence, f"CODES {code}") for code, (_, sentence) in CODES.items()]
    heard += [(key.about, f"auth.{'.'.join(key.path)}") for key in auth_keys() if key.about]
    heard += [(sentence, f"REFUSALS {verb}") for verb, sentence in REFUSALS.items()] + [(NO_DEFAULTS, "NO_DEFAULTS")]
    heard += [(sentence, "PATTERNS") for sentence in PATTERNS]
    heard += [(each.doc, f"FUNCTIONS {each.name}") for each in FUNCTIONS.values() if _SMALL_LETTER.search(each.doc)]
    heard += [(capital(kind), f"capital {kind}") for kind in KINDS if kind != "null"]
    missing = [f"{where}: {text}" for text, where in heard if text not in known]
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_is_of_something_and_fills_its_places(language: str) -> None:
    spoken = {
        node.value
        for folder in ("core", "screens", "sovrium_tui")
        for _, tree in trees(folder)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    wrong = []
    for pattern, own in sentences(language).items():
        if pattern not in spoken and pattern not in map(capital, KINDS):
            wrong.append(f"nobody says: {pattern}")
        elif " " in pattern and "{" in pattern and not names_of(own) <= names_of(pattern):
            wrong.append(f"other places: {own}")
    assert not wrong, "\n".join(wrong)


def names_of(pattern: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(pattern) if name is not None}


@pytest.fixture
def in_french() -> Iterator[None]:
    set_language("fr")
    yield
    set_language("en")


@pytest.mark.usefixtures("in_french")
def test_a_refusal_is_worded_by_who_hears_it() -> None:
    """Over the wire: the answer says it in English, the console in its own language."""
    problems = Problems()
    with pytest.raises(ValueProblem) as number:
        decimal_of("12,5")
    problems.add("amount", number.value.code, number.value.message)
    problems.add("name", "field.required", say("{name} is required", name="name"))
    try:
        problems.raise_if_any()
    except Exception as error:
        body = error.body()  # type: ignore[attr-defined]
    assert body["message"] == "2 values are not valid"
    assert body["errors"][1]["said"] == {"message": {"pattern": "{name} is required", "values": {"name": "name"}}}
    heard = error_from_body(400, body)
    heard.put(worded)
    assert heard.message == "2 valeurs ne conviennent pas"
    assert [each.message for each in heard.errors] == [  # type: ignore[attr-defined]
        '"12,5" n’est pas un nombre ; il s’écrit comme 1234.5',
        "name doit être rempli",
    ]


@pytest.mark.usefixtures("in_french")
def test_numbers_and_sentences_inside_a_sentence_follow_the_language() -> None:
    inner = say("At most {most:,} files are allowed, {count:,} are given", most=1000, count=2000)
    travelled = with_sentences(with_patterns({"message": say("{name}: {problem}", name="scan", problem=inner)}))
    assert worded(travelled["message"]) == "scan : 1\u202f000 fichiers au plus sont permis ; il y en a 2\u202f000"
    assert worded("nobody has translated this") == "nobody has translated this"


@pytest.mark.usefixtures("in_french")
def test_what_is_wrong_with_an_app_file_is_worded_line_by_line() -> None:
    """Also when it ended the start of a server: the report of another process keeps patterns."""
    with pytest.raises(SchemaError) as refused:
        load_data(
            {
                "name": "shop",
                "tables": [{"name": "parts", "colour": 1, "fields": [{"name": "size", "type": "integr"}]}],
            },
            FIELD_TYPES,
        )
    assert "`colour` is not a key here" in str(refused.value.problems)
    with pytest.raises(SchemaError) as reported:
        fail(json.loads(json.dumps(report_of(refused.value))))
    for error in (error_from_body(422, refused.value.body()), reported.value):
        error.put(worded)
        error.put(worded)  # what is in French already stays as it is
        lines = "\n".join(error.problems)  # type: ignore[attr-defined]
        assert "erreur : tables[0].colour : `colour` n’est pas une clé ici" in lines
        assert "`integr` n’est pas un type de champ (vouliez-vous dire `integer` ?)" in lines
        assert "error" not in lines


@pytest.mark.usefixtures("in_french")
def test_a_zone_that_is_none_is_told_where_it_stands() -> None:
    day = {"name": "day", "type": "date", "timeZone": "Europe/Lyon"}
    with pytest.raises(SchemaError) as refused:
        load_data({"name": "shop", "tables": [{"name": "parts", "fields": [day]}]}, FIELD_TYPES)
    refused.value.put(worded)
    assert "« Europe/Lyon » n’est pas un fuseau horaire comme Europe/Paris" in refused.value.problems[0]


@pytest.mark.usefixtures("in_french")
def test_what_ends_the_start_of_a_server_is_worded() -> None:
    """A place within it as well."""
    places = say("{variable}, {file}, {ring}", variable="V", file="/f", ring=say("the keyring of the system"))
    lost = SecretsError(
        say("The master key {key} of this database is not here; looked in {places}", key="k", places=places)
    )
    with pytest.raises(SovriumError) as reported:
        fail(json.loads(json.dumps(report_of(lost))))
    reported.value.put(worded)
    assert (
        reported.value.message
        == "La clé maîtresse k de cette base n’est pas ici ; cherchée dans V, /f, le trousseau du système"
    )


@pytest.mark.usefixtures("in_french")
def test_plans_statements_and_formulas_are_worded() -> None:
    """What an answer that is no error says: at any depth, in lists of texts, with a way out behind it."""
    step = {"text": say("Drop column {table}.{column} with its values", table="parts", column="size")}
    plan = json.loads(json.dumps(with_all_patterns({"steps": [step], "warnings": [say("Change these rows first")]})))
    assert plan["steps"][0]["text"] == "Drop column parts.size with its values"
    assert in_words(plan["steps"][0], "text")["text"] == "Supprimer la colonne parts.size et ses valeurs"
    assert in_words(plan, "warnings")["warnings"] == ["Changez d’abord ces lignes"]
    refusal = split("PRAGMA x")[0].refusal(()) or ("", "")
    problem = json.loads(json.dumps(told("SQL_REFUSED", *refusal)))
    assert problem["message"].startswith("Settings of the database belong to the server; SELECT")
    assert in_words(problem, "message")["message"].startswith("Les réglages de la base sont au serveur ; SELECT")
    with pytest.raises(FormulaProblem) as formula:
        check(parse("UPPER(1, 2"), {})
    assert worded(formula.value.sentence("UPPER(1, 2")) == ("La `(` n’est pas fermée : UPPER (colonne 6)")
    with pytest.raises(FormulaProblem) as kinds:
        check(parse("stock + '1 day'::interval"), {"stock": "text-list"})
    assert "`+` calcule avec des nombres : il faut un nombre, et non une liste de textes" in worded(kinds.value.message)


def test_a_reason_that_was_kept_as_a_text_is_the_sentence_that_it_was() -> None:
    for pattern in PATTERNS:
        text = say(pattern, status="503", reason="a: b", text="t", problem="p: {q}")
        kept = reason_of(str(text))
        assert (str(kept), kept.pattern) == (str(text), pattern)
    assert reason_of("something else").pattern == "something else"
