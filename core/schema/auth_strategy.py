"""Reads `auth.strategies`, each by its `type` (auth §2.3)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from core.schema.auth import (
    AnonymousStrategy,
    MagicLinkStrategy,
    OAuthProvider,
    OAuthStrategy,
    PasswordStrategy,
    PhoneStrategy,
    SamlStrategy,
    Strategy,
)
from core.schema.auth_form import (
    STRATEGIES,
    EmailAndPasswordForm,
    MagicLinkForm,
    OAuthForm,
    PhoneForm,
    SamlForm,
)
from core.schema.name import nearest
from core.schema.redirect import site_problem
from core.schema.shape import Findings, show
from core.schema.tree import Path
from core.sentence import say

PROVIDERS = (
    "google github microsoft slack gitlab apple azure bitbucket discord facebook figma keycloak linkedin_oidc notion "
    "spotify twitch x zoom"
).split()


def read_strategies(
    nodes: Sequence[Any], path: Path, findings: Findings
) -> tuple[tuple[Strategy, ...], frozenset[str]]:
    """The strategies that could be read, and the types of all that are listed."""
    if not nodes:
        findings.error("auth.no-strategy", "at least one strategy is required", path)
    found: dict[str, Strategy] = {}
    named: set[str] = set()
    for number, node in enumerate(nodes):
        here = (*path, number)
        kind = _kind(node, here, findings)
        if kind is None:
            continue
        if kind in named:
            findings.error(
                "auth.duplicate-strategy", say("'{kind}' is listed more than once", kind=kind), (*here, "type")
            )
        named.add(kind)
        form = findings.read(STRATEGIES[kind], node, here)
        if form is not None:
            found.setdefault(kind, _strategy(form, here, findings))
    return tuple(found.values()), frozenset(named)


def _kind(node: Any, path: Path, findings: Findings) -> str | None:
    """The type of a strategy; None for what is none, which is reported."""
    if not isinstance(node, Mapping):
        findings.error("schema.wrong-type", say("a map with a `type` is expected, not {value}", value=show(node)), path)
        return None
    if "type" not in node:
        findings.error("schema.missing-key", "`type` is missing", path)
        return None
    kind = node["type"]
    if isinstance(kind, str) and kind in STRATEGIES:
        return kind
    if isinstance(kind, str):
        text = say("unknown strategy '{kind}' (known: {known})", kind=kind, known=", ".join(STRATEGIES))
        findings.error("auth.unknown-strategy", text, (*path, "type"), hint=nearest(kind, STRATEGIES))
    else:
        findings.error("schema.wrong-type", say("a text is expected, not {value}", value=show(kind)), (*path, "type"))
    return None


def _strategy(form: Any, path: Path, findings: Findings) -> Strategy:
    match form:
        case EmailAndPasswordForm():
            return _password(form, path, findings)
        case MagicLinkForm():
            return MagicLinkStrategy(seconds=form.expiration_minutes * 60)
        case OAuthForm():
            return OAuthStrategy(providers=_providers(form, path, findings), store_tokens=form.store_tokens)
        case PhoneForm():
            return _phone(form, path, findings)
        case SamlForm():
            return SamlStrategy(
                sp_key_ref=form.sp_key_ref,
                allow_encrypted_assertions=form.allow_encrypted_assertions,
                allow_idp_initiated=form.allow_idp_initiated,
            )
        case _:
            return AnonymousStrategy()


def _password(form: EmailAndPasswordForm, path: Path, findings: Findings) -> PasswordStrategy:
    least, most = form.min_password_length, form.max_password_length
    if least > most:
        findings.error(
            "auth.password-length",
            say("minPasswordLength {least} exceeds maxPasswordLength {most}", least=least, most=most),
            path,
        )
    return PasswordStrategy(
        min_length=least,
        max_length=most,
        require_verification=form.require_email_verification,
        auto_sign_in=form.auto_sign_in,
        auto_sign_in_after_verification=form.auto_sign_in_after_verification,
        cost=form.hash_profile,
        require_classes=tuple(dict.fromkeys(form.require_classes)),
        refuse_common=form.refuse_common_passwords,
    )


def _providers(form: OAuthForm, path: Path, findings: Findings) -> tuple[OAuthProvider, ...]:
    if not form.providers:
        findings.error("auth.no-provider", "required, name at least one provider", (*path, "providers"))
    found: dict[str, OAuthProvider] = {}
    for number, each in enumerate(form.providers):
        here = (*path, "providers", number)
        if isinstance(each, str):
            provider = OAuthProvider(name=each)
            if each not in PROVIDERS:
                hint = nearest(each, PROVIDERS) or "one of your own is {custom: name, issuer: https://…}"
                findings.error("auth.unknown-provider", say("unknown provider '{name}'", name=each), here, hint=hint)
        else:
            provider = OAuthProvider(name=each.custom, issuer=each.issuer, scopes=tuple(each.scopes))
            if each.custom in PROVIDERS:
                text = say("'{name}' is a provider that is known already", name=each.custom)
                findings.error("auth.known-provider", text, (*here, "custom"))
            if (problem := site_problem(each.issuer)) is not None:
                findings.error("auth.bad-url", problem, (*here, "issuer"))
        if provider.name in found:
            findings.error(
                "auth.duplicate-provider", say("'{name}' is listed more than once", name=provider.name), here
            )
        found.setdefault(provider.name, provider)
    return tuple(found.values())


def _phone(form: PhoneForm, path: Path, findings: Findings) -> PhoneStrategy:
    codes: dict[str, str] = {}
    for number, code in form.test_otps.items():
        digits = re.sub(r"[\s()./-]", "", number).removeprefix("+")
        if not re.fullmatch(r"[1-9][0-9]{6,14}", digits):
            findings.error(
                "auth.phone-number",
                say("'{number}' is no phone number", number=number),
                (*path, "testOtps", number),
                key=True,
            )
        elif len(code) != form.otp_length:
            text = say("the code has {count} digits, otpLength is {length}", count=len(code), length=form.otp_length)
            findings.error("auth.otp-length", text, (*path, "testOtps", number))
        codes[digits] = code
    strategy = PhoneStrategy(
        provider=form.sms_provider,
        otp_length=form.otp_length,
        otp_seconds=form.otp_expiry_seconds,
        channels=tuple(dict.fromkeys(form.channels)),
        test_otps=codes,
        home_prefix=None if form.home_prefix is None else form.home_prefix.removeprefix("+"),
        countries=tuple(dict.fromkeys(each.removeprefix("+") for each in form.countries)),
    )
    if strategy.provider != "console" and not strategy.prefixes:
        text = say("no number can be reached: neither `homePrefix` nor `countries` names a country")
        findings.warning("auth.no-country", text, path)
    return strategy
