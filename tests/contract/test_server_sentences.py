"""What the server says to people is known in every other language of the console."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

from core.auth.error import CODES
from core.errors import error_from_body
from core.fields.base import ValueProblem
from core.fields.number import decimal_of
from core.formulas.kind import KINDS, capital
from core.records.validate import Problems
from core.schema.auth_setting import auth_keys
from core.sentence import say, with_patterns, with_sentences
from core.sql.problem import NO_DEFAULTS
from core.sql.statement import REFUSALS
from screens.services.text import languages, set_language
from screens.services.wording import sentences, worded

ROOT = Path(__file__).parents[2]
SAYING: dict[str, tuple[int, ...]] = {
    "say": (0,), "ValueProblem": (1,), "AuthError": (1,), "BadRequest": (0,), "Conflict": (0,), "NotFound": (0,),
    "TooLarge": (0,), "Busy": (0,), "DiskFull": (0,), "Refused": (1, 2), "FormulaProblem": (1, 3), "Refusal": (1,),
    "MigrationRefused": (0,), "OptionProblem": (2, 3), "PolicyProblem": (0, 2),
}  # fmt: skip
"""Who takes sentences, and at which places; `hint=` is one everywhere."""
HEARD: dict[str, dict[str, tuple[int, ...]]] = {
    "auth": {}, "client": {}, "comments": {}, "fields": {}, "files": {}, "jobs": {}, "records": {},
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
"""Folders of `core` whose refusals a person at the console meets, with who takes sentences there alone."""
IN_PIECES = {
    "f'min {low} is above max {high}'", "f'minLength {options.min_length} is above {longest}'",
    "f'not a regular expression: {error}'",
}  # fmt: skip
"""What is wrong with bounds and patterns of a field is told in English still."""
_SMALL_LETTER = re.compile("[a-z]")
"""What has none is a word or sign of SQL, the same in all languages."""
OTHERS = [language for language in languages() if language != "en"]


@cache
def trees(folder: str) -> list[tuple[Path, ast.Module]]:
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in sorted((ROOT / folder).rglob("*.py"))]


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
    for path, tree in trees(f"core/{folder}"):
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
                case ast.Assign(targets=[ast.Name(id="pattern")]):
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
    heard += [(capital(kind), f"capital {kind}") for kind in KINDS if kind != "null"]
    missing = [f"{where}: {text}" for text, where in heard if text not in known and text not in IN_PIECES]
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_is_of_something_and_fills_its_places(language: str) -> None:
    spoken = {
        node.value
        for folder in ("core", "screens")
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
