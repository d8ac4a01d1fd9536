"""The section `auth` of an app file: what is read, and every sentence about what is wrong."""

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from core.fields.registry import FIELD_TYPES
from core.schema.auth import (
    AnonymousStrategy,
    AuthSpec,
    MagicLinkStrategy,
    OAuthStrategy,
    PasswordStrategy,
    PhoneStrategy,
    RateRule,
    SamlStrategy,
    SessionSpec,
    Template,
    TwoFactorSpec,
)
from core.schema.auth_form import STRATEGIES, AuthForm
from core.schema.jsonschema import json_schema
from core.schema.loader import check_text, load_text
from core.schema.problem import Problem
from core.schema.redirect import origin_problem, redirect_problem
from core.schema.role import Roles
from sovrium_tui.cli.main import execute

FULL = Path(__file__).parent / "full.yaml"
EVERY_KEY = Path(__file__).parent / "every_key.yaml"
CORPUS = Path(__file__).parent.parent / "corpora" / "auth_sections.txt"
PASSWORD = "{type: emailAndPassword}"
SCHEMA = Draft202012Validator(json_schema(FIELD_TYPES))


def with_password(rest: str) -> str:
    return f"{{strategies: [{PASSWORD}], {rest}}}"


def cases() -> list[tuple[str, str]]:
    """Sections of the corpus, and the one error of each."""
    lines = [line for line in CORPUS.read_text().splitlines() if line and not line.startswith("#")]
    sections = (f"{{{line}}}" if line.startswith("strategies:") else with_password(line) for line in lines[::2])
    return list(zip(sections, (line.strip() for line in lines[1::2]), strict=True))


CASES = cases()


def problems(auth: str) -> list[Problem]:
    text = f"name: x\nauth: {auth}\ntables: [{{name: clients, fields: []}}]\n"
    return check_text(text, FIELD_TYPES)[1]


def told(auth: str) -> list[str]:
    """The errors, as `path: message`."""
    return [f"{each.path}: {each.message}" for each in problems(auth) if each.severity == "error"]


def spec(auth: str) -> AuthSpec:
    found = load_text(f"name: x\nauth: {auth}\ntables: [{{name: clients, fields: []}}]\n", FIELD_TYPES).auth
    assert found is not None
    return found


def test_a_006_a_007_all_types_of_strategies_are_taken() -> None:
    """A-006, A-007, and the whole example of §2.1."""
    found = load_text(FULL.read_text(), FIELD_TYPES).auth
    assert found is not None
    kinds = [type(each) for each in found.strategies]
    wanted = [PasswordStrategy, MagicLinkStrategy, OAuthStrategy, PhoneStrategy, SamlStrategy, AnonymousStrategy]
    assert kinds == wanted
    assert found.password == PasswordStrategy(min_length=10, require_verification=True)
    assert found.magic_link == MagicLinkStrategy(seconds=900)
    assert found.oauth is not None
    assert [(each.name, each.variable) for each in found.oauth.providers] == [
        ("google", "GOOGLE"),
        ("github", "GITHUB"),
        ("acme-id", "ACME_ID"),
    ]
    assert found.phone is not None
    assert found.phone.provider == "http"
    assert (found.phone.reaches("4915100000"), found.phone.reaches("33600000000")) == (True, False)
    assert found.saml == SamlStrategy(sp_key_ref="saml-sp")
    assert found.anonymous == AnonymousStrategy()
    assert found.two_factor == TwoFactorSpec(issuer="Harbour Desk")
    assert found.invitation_seconds == 72 * 3600
    assert found.enumeration_safe
    assert found.redirects.allow == ("https://*.desk.example.org/**", "deskapp://**")
    assert (found.mfa.totp, found.mfa.phone, found.mfa.require_for) == ("on", "off", ("admin", ">=60"))
    assert found.templates == {"magicLink": Template(subject="Sign in to Harbour", text="Open $url")}
    assert found.rate.rules == {"/sign-in/*": RateRule(20, 30)}
    assert "123456" not in repr(found)


@pytest.mark.parametrize(("section", "expected"), CASES, ids=[each[1].partition(":")[0] for each in CASES])
def test_a_008_to_a_014_the_sentences_about_what_is_wrong(section: str, expected: str) -> None:
    """A-008, A-009, A-010, A-011, A-013, A-014 and the tables of §2.3 and §2.4: the sentence, and no other."""
    assert told(section) == [expected]


def test_a_009_a_missing_list_is_an_error() -> None:
    """A-009"""
    assert told("{}") == ["auth.strategies: at least one strategy is required"]


def test_a_014_a_second_factor_needs_a_password() -> None:
    """A-014"""
    assert told("{strategies: [{type: magicLink}], twoFactor: true}") == [
        "auth.twoFactor: needs the emailAndPassword strategy"
    ]
    assert spec(with_password("twoFactor: true")).two_factor == TwoFactorSpec()
    assert spec(with_password("twoFactor: false")).two_factor is None


def test_a_012_a_015_defaults() -> None:
    """A-012, A-015: one strategy is enough; every other key has a default, the one of the file's form."""
    found = spec("{strategies: [{type: emailAndPassword}, {type: magicLink}, {type: phone}]}")
    assert found == AuthSpec(strategies=(PasswordStrategy(), MagicLinkStrategy(), PhoneStrategy()))
    password, link = found.password, found.magic_link
    assert password is not None
    assert (password.min_length, password.max_length, password.auto_sign_in, password.require_verification) == (
        8,
        128,
        True,
        False,
    )
    assert link is not None
    assert link.seconds == 15 * 60
    assert found.session == SessionSpec(expires_in=604_800, update_age=86_400, fresh_age=86_400)
    assert not found.enumeration_safe
    assert spec("{strategies: [{type: emailAndPassword, requireEmailVerification: true}]}").enumeration_safe
    assert not spec(
        "{strategies: [{type: emailAndPassword, requireEmailVerification: true}], enumerationSafe: false}"
    ).enumeration_safe


def test_a_016_everything_that_is_wrong_is_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A-016, T-030: `validate` lists all errors with line and column, ends with 2; none brings a second one along."""
    path = tmp_path / "app.yaml"
    path.write_text(
        "name: x\n"
        "auth:\n"
        "  strategies:\n"
        "    - {type: emailAndPassword, minPasswordLength: 4}\n"
        "    - {type: ldap}\n"
        "  twoFactor: {digits: 9}\n"
        "  roles:\n"
        "    - {name: editor, level: 101}\n"
        "    - {name: member}\n"
        "  defaultRole: author\n"
        "  session: {expiresin: 4}\n"
        "tables:\n"
        "  - {name: notes, fields: [], permissions: {read: [editor, editr]}}\n"
    )
    assert execute(["validate", str(path), "--json"]) == 2
    found = [(each["line"], each["column"], each["path"]) for each in json.loads(capsys.readouterr().out)["problems"]]
    assert found == [
        (4, 51, "auth.strategies[0].minPasswordLength"),
        (5, 14, "auth.strategies[1].type"),
        (6, 23, "auth.twoFactor.digits"),
        (8, 29, "auth.roles[0].level"),
        (9, 14, "auth.roles[1].name"),
        (10, 16, "auth.defaultRole"),
        (11, 13, "auth.session.expiresin"),
        (13, 60, "tables[0].permissions.read[1]"),
    ]


@pytest.mark.parametrize(
    ("auth", "path", "variable"),
    [
        (
            "{strategies: [{type: oauth, providers: [google], clientSecret: s3cret}]}",
            "auth.strategies[0].clientSecret",
            "<PROVIDER>_CLIENT_SECRET",
        ),
        (
            "{strategies: [{type: oauth, providers: [{custom: my-id, issuer: 'https://a.test', clientSecret: s3cret}]}]}",
            "auth.strategies[0].providers[0].clientSecret",
            "MY_ID_CLIENT_SECRET",
        ),
        (with_password("jwt: {jwtSecret: s3cret}"), "auth.jwt.jwtSecret", "JWT_SECRET"),
        (with_password("secret: s3cret"), "auth.secret", "AUTH_SECRET"),
    ],
)
def test_a_017_secrets_do_not_belong_in_the_file(auth: str, path: str, variable: str) -> None:
    """A-017: refused with the place where they belong, and not repeated."""
    (problem,) = problems(auth)
    assert (problem.path, problem.severity, problem.code) == (path, "error", "auth.secret")
    assert problem.hint is not None
    assert variable in problem.hint
    assert "keyring" in problem.hint
    assert "s3cret" not in str(problem)


def test_printing_the_file_shows_no_code(capsys: pytest.CaptureFixture[str]) -> None:
    """CL-010, A-017: codes that always hold are masked as secrets are; nothing else of the section is."""
    assert execute(["validate", str(FULL), "--print"]) == 0
    shown = capsys.readouterr().out
    assert "123456" not in shown
    assert "spKeyRef: saml-sp" in shown
    assert "invitationTokenExpiry: 72h" in shown


@pytest.mark.parametrize("auth", ["auth: {enabled: false}\n", "auth: false\n", "auth: null\n", ""])
def test_a_151_without_accounts_only_all_admits(auth: str) -> None:
    """A-151: `authenticated` admits nobody there, which is a warning; `all` is right."""
    rules = "permissions: {read: all, create: authenticated, update: {minRole: member}}"
    text = f"name: x\n{auth}tables: [{{name: notes, fields: [], {rules}}}]\n"
    app, found = check_text(text, FIELD_TYPES)
    assert app is not None
    assert app.auth is None
    assert app.roles == Roles()
    assert [(each.severity, each.path) for each in found] == [
        ("warning", "tables[0].permissions.create"),
        ("warning", "tables[0].permissions.update"),
    ]


def test_mails_that_would_be_of_no_use_are_a_warning() -> None:
    """§2.2: a link without its address, and variables that there are not."""
    templates = "{magicLink: {subject: Hi $nmae, text: Press here}, welcome: {subject: Hi, html: '<b>$name</b>'}}"
    found = problems(with_password(f"emailTemplates: {templates}"))
    assert [(each.severity, each.path, each.message, each.hint) for each in found] == [
        (
            "warning",
            "auth.emailTemplates.magicLink.subject",
            "'$nmae' is no variable and stays as it is",
            "did you mean `name`?",
        ),
        ("warning", "auth.emailTemplates.magicLink.text", "has no '$url': the mail is of no use", None),
    ]


@pytest.mark.parametrize("more", ["", "twoFactor: false, ", "twoFactor: true, "])
def test_roles_that_need_a_factor_which_nobody_can_set_up_are_a_warning(more: str) -> None:
    """A-119: they would be shut out."""
    totp = "off" if more == "twoFactor: true, " else "on"
    found = problems(with_password(f"{more}mfa: {{totp: {totp}, requireFor: [admin]}}"))
    assert [(each.severity, each.code, each.path) for each in found] == [
        ("warning", "auth.no-factor", "auth.mfa.requireFor")
    ]
    assert problems(with_password("twoFactor: true, mfa: {requireFor: [admin]}")) == []


def test_a_phone_without_a_country_is_a_warning() -> None:
    """A-109: by default nothing leaves but to the home country; the outbox takes any number."""
    found = problems("{strategies: [{type: phone, smsProvider: twilio}]}")
    assert [(each.severity, each.code) for each in found] == [("warning", "auth.no-country")]
    assert not PhoneStrategy(provider="twilio").reaches("4915100000")
    assert PhoneStrategy().reaches("4915100000")
    assert PhoneStrategy(provider="http", home_prefix="49").prefixes == ("49",)


@pytest.mark.parametrize(
    ("expiry", "seconds"),
    [("90s", 90), ("30m", 1800), ("72h", 259_200), ("7d", 604_800), ("1500", 0), (1500, 2), (60_000, 60)],
)
def test_how_long_invitations_hold(expiry: Any, seconds: int) -> None:
    """§2.2: with a unit, or milliseconds; kept as whole seconds, never none."""
    auth = with_password(f"invitationTokenExpiry: {json.dumps(expiry)}")
    assert spec(auth).invitation_seconds == seconds if seconds else len(told(auth)) == 1


@pytest.mark.parametrize(
    ("pattern", "is_allowed"),
    [
        ("https://app.example.org", True), ("https://app.example.org/**", True), ("https://*.example.org/**", True),
        ("https://app-*.example.org/*", True), ("http://localhost:*/**", True), ("http://127.0.0.1:3000", True),
        ("http://[::1]:3000/**", True), ("deskapp://**", True), ("com.example.app://done", True),
        ("*", False), ("**", False), ("*://*", False), ("https://*", False), ("https://**", False), ("https://*/**", False),
        ("https://**.example.org", False), ("https://example.org**", False), ("https://example.*/**", False),
        ("https://*.org/**", False), ("https://*example.org/**", False), ("http*://example.org", False),
        ("javascript://x", False), ("data://x", False), ("/home", False), ("example.org", False), ("https://", False),
        ("https://a@example.org", False), ("https://example.org:port", False), ("https://ex ample.org", False),
        ("https://example.org\\@evil.test", False), ("https://example.org/\n", False),
    ],
)  # fmt: skip
def test_patterns_of_redirects(pattern: str, is_allowed: bool) -> None:
    """§2.3, §17.4: a pattern that others could have a site under is refused when the file is read."""
    assert (redirect_problem(pattern) is None) == is_allowed


def test_trusted_proxies_of_both_places_count() -> None:
    """A-141, D10: the address of a caller is one, whoever limits it."""
    section = with_password("rateLimit: {trustedProxies: ['::1']}")
    text = f"name: x\nrateLimit: {{trustedProxies: [10.0.0.1]}}\nauth: {section}\n"
    assert load_text(text, FIELD_TYPES).trusted_proxies == ("10.0.0.1", "::1")


def test_origins_have_no_path() -> None:
    """§17.2"""
    assert origin_problem("https://desk.example.org") is None
    assert origin_problem("http://localhost:5173") is None
    wrong = ("https://desk.example.org/", "*", "https://*.example.org", "https://u@a.test", "null", "ftp://a.test")
    assert all(origin_problem(each) is not None for each in wrong)


@pytest.mark.parametrize(
    ("auth", "unfit"),
    [
        (with_password("allowSignUp: true"), []),
        ("{strategies: [{type: phone}]}", ["auth.strategies[0].smsProvider"]),
        (
            "{strategies: [{type: magicLink}, {type: phone, smsProvider: http, countries: ['+49'], "
            "testOtps: {'4915100000': '123456'}}]}",
            ["auth.strategies[1].testOtps"],
        ),
        (with_password("rateLimit: {enabled: false}"), ["auth.rateLimit.enabled"]),
    ],
)
def test_what_other_machines_must_not_reach(auth: str, unfit: list[str]) -> None:
    """§2.2: codes on the screen, codes that are known, no limits."""
    assert [each.split(":")[0] for each in spec(auth).unfit_for_public()] == unfit


def test_the_json_schema_covers_the_section() -> None:
    """C-006: what the loader takes is valid there; what is wrong in form is not."""
    import yaml

    full = yaml.safe_load(FULL.read_text().replace("totp: on, phone: off", "totp: 'on', phone: 'off'"))
    assert [each.message for each in SCHEMA.iter_errors(full)] == []
    good = (
        {"enabled": False},
        False,
        None,
        {"strategies": ["emailPassword"]},
        {"strategies": ["magicLink"], "twoFactor": True},
    )
    assert all(SCHEMA.is_valid({"name": "x", "auth": each}) for each in good)
    strategies = {"strategies": ["magicLink"]}
    wrong = (
        {},
        {"strategies": []},
        {"strategies": [{"type": "oauth"}]},
        {"strategies": [{"type": "ldap"}]},
        {"strategies": [{"type": "magicLink", "providers": ["google"]}]},
        {**strategies, "twoFactor": {"digits": 9}},
        {**strategies, "scopeTables": []},
        {**strategies, "roles": [{"name": "A"}]},
        {**strategies, "plugins": {}},
    )
    assert [each for each in wrong if SCHEMA.is_valid({"name": "x", "auth": each})] == []


JUNK = ({}, [], "x", -1, None, [[]], {"a": {}}, [7], "\x1b[31m", 10**30)


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key, each in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield (*path, key)
        yield from places(each, (*path, key))


def test_nothing_in_any_place_gives_more_than_problems() -> None:
    """A-013, A-016: whatever stands there, the file is read or told what is wrong, with its place, and no terminal is told
    to do anything; what the loader takes, the JSON Schema takes as well."""
    app = load_text(EVERY_KEY.read_text(), FIELD_TYPES)
    assert app.auth is not None
    plain = json.dumps(app.auth.data)
    for number, path in enumerate(places(app.auth.data)):
        section = json.loads(plain)
        node = section
        for step in path[:-1]:
            node = node[step]
        node[path[-1]] = JUNK[number % len(JUNK)]
        tree = {"name": "x", "auth": section}
        found, wrong = check_text(json.dumps(tree), FIELD_TYPES, "app.json")
        assert (found is None) == any(each.severity == "error" for each in wrong)
        assert all(each.position and each.message and "\x1b" not in str(each) for each in wrong)
        assert found is None or SCHEMA.is_valid(tree), path


def test_every_key_of_the_form_reaches_the_engine() -> None:
    """A-015: a key that is read and then lost would be a promise that nobody keeps."""
    changed = load_text(EVERY_KEY.read_text(), FIELD_TYPES).auth
    assert changed is not None
    defaults: dict[type, Any] = {PasswordStrategy: PasswordStrategy(), Template: Template(subject="")}
    same: list[str] = []

    def compare(one: Any, name: str) -> None:
        kind = type(one)
        plain = defaults.get(kind) or (kind(providers=()) if kind is OAuthStrategy else None)
        plain = plain or (AuthSpec(strategies=()) if kind is AuthSpec else kind())
        for each in fields(one):
            value = getattr(one, each.name)
            if is_dataclass(value):
                compare(value, f"{name}.{each.name}")
            elif value == getattr(plain, each.name) and each.name != "data":
                same.append(f"{name}.{each.name}")

    compare(changed, "auth")
    for each in changed.strategies:
        compare(each, type(each).__name__)
    assert same == []
    assert {field.alias or name for name, field in AuthForm.model_fields.items()} >= changed.data.keys()
    assert set(STRATEGIES) == {"anonymous", *(each["type"] for each in changed.data["strategies"])}
