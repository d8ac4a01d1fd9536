"""Reads the `auth` section of an app file and checks it (auth §2.3, §2.4): everything that is wrong, not only the first."""

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Any

from core.schema.auth import (
    AT_LEAST,
    INVITATION_SECONDS,
    TEMPLATE_VARIABLES,
    AuditSpec,
    AuthSpec,
    EmailOtp,
    ImpersonationSpec,
    JwtSpec,
    MfaSpec,
    OAuthProvider,
    PasswordStrategy,
    RateRule,
    RateSpec,
    RedirectSpec,
    SessionSpec,
    Strategy,
    Template,
    TemplateName,
    TwoFactorSpec,
)
from core.schema.auth_form import AuthForm, RolesForm, TemplateForm, TwoFactorForm
from core.schema.auth_strategy import read_strategies
from core.schema.name import nearest, sql_name
from core.schema.redirect import origin_problem, redirect_problem, site_problem
from core.schema.role import Roles
from core.schema.role_check import is_signed_in_to
from core.schema.shape import Findings, show
from core.schema.source import is_broken
from core.schema.tree import Path, plain
from core.sentence import say

HERE: Path = ("auth",)

MOVED = {
    ("emailAndPassword",): "auth.strategies",
    ("magicLink",): "auth.strategies",
    ("oauth",): "auth.strategies",
    ("adminPlugin",): "auth.adminApi",
    ("plugins", "admin"): "auth.adminApi",
    ("plugins", "twoFactor"): "auth.twoFactor",
    ("plugins", "magicLink"): "auth.strategies",
    ("plugins", "emailOtp"): "auth.emailOtp",
    ("plugins", "emailOTP"): "auth.emailOtp",
    ("plugins", "phoneNumber"): "auth.strategies",
    ("plugins", "anonymous"): "auth.strategies",
    ("plugins", "sso"): "auth.strategies",
    ("plugins", "organization"): "auth.groups",
    ("plugins", "jwt"): "auth.jwt",
    ("plugins", "bearer"): "auth.session",
    ("plugins", "multiSession"): "auth.session",
}
"""Keys of earlier layouts, and where what they say is said today (§2.4)."""

SECRETS = frozenset(
    "clientSecret secret authSecret jwtSecret password apiKey authToken accessToken privateKey encryptionKey".split()
)
"""Keys under which people write a secret (A-017)."""

MOST_SECONDS = 10 * 365 * 86_400
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

NEEDED: Mapping[TemplateName, str] = {
    "verification": "url",
    "resetPassword": "url",
    "magicLink": "url",
    "invitation": "url",
    "emailOtp": "otp",
    "phoneOtp": "otp",
    "twoFactorBackupCodes": "codes",
}
"""Without which a mail is of no use."""


def read_auth(node: Any, roles: Roles, findings: Findings) -> AuthSpec | None:
    """The section, with what is wrong in the findings; None when the app has no accounts. Roles, groups and scope tables
    are read in `role_check`."""
    if not is_signed_in_to(node):
        return None
    section = {key: value for key, value in node.items() if not is_broken(value)}
    section = _without_secrets(_without_moved(section, findings), findings)
    form = findings.read_parts(AuthForm, {k: v for k, v in section.items() if k not in _READ_ELSEWHERE}, HERE)
    nodes = section.get("strategies", [])
    if not isinstance(nodes, list):
        findings.error(
            "schema.wrong-type", say("a list is expected, not {value}", value=show(nodes)), (*HERE, "strategies")
        )
    strategies: tuple[Strategy, ...] = ()
    if isinstance(nodes, list) and not is_broken(node.get("strategies")):
        strategies, named = read_strategies(nodes, (*HERE, "strategies"), findings)
        if form.two_factor and named and "emailAndPassword" not in named:
            findings.error("auth.two-factor", "needs the emailAndPassword strategy", (*HERE, "twoFactor"))
    for path, problem in _problems(form):
        findings.error("auth.bad-value", problem, (*HERE, *path))
    _check_required_factors(form, roles, findings)
    _check_landing(form, roles, node.get("roles"), findings)
    _check_templates(form, findings)
    return _spec(form, strategies, plain(node))


_READ_ELSEWHERE = {"strategies", *(field.alias or name for name, field in RolesForm.model_fields.items())}


# ── What does not belong there ──


def _without_moved(section: Mapping[str, Any], findings: Findings) -> dict[str, Any]:
    """§2.4: one error per key."""
    left = dict(section)
    plugins = left.pop("plugins", None)
    if isinstance(plugins, Mapping):
        for key in plugins:
            target = MOVED.get(("plugins", key))
            text = say("moved to {target}", target=target) if target else "there are no plugins any more"
            findings.error("auth.moved", text, (*HERE, "plugins", key), key=True)
    if "plugins" in section and not (isinstance(plugins, Mapping) and plugins):
        findings.error("auth.moved", "there are no plugins any more", (*HERE, "plugins"), key=True)
    for (key, *more), target in MOVED.items():
        if not more and key in left:
            del left[key]
            findings.error("auth.moved", say("moved to {target}", target=target), (*HERE, key), key=True)
    return left


def _without_secrets(section: dict[str, Any], findings: Findings) -> dict[str, Any]:
    """The section without secrets, each of which is an error."""

    def cleaned(node: Any, path: Path) -> Any:
        if isinstance(node, list):
            return [cleaned(each, (*path, number)) for number, each in enumerate(node)]
        if not isinstance(node, dict):
            return node
        for key in SECRETS & node.keys():
            hint = say(
                "set {variable} in the environment, or keep it in the keyring", variable=_variable_for(node, key)
            )
            findings.error(
                "auth.secret", say("`{key}` does not belong in the file", key=key), (*path, key), hint=hint, key=True
            )
        return {key: cleaned(value, (*path, key)) for key, value in node.items() if key not in SECRETS}

    found: dict[str, Any] = cleaned(section, HERE)
    return found


def _variable_for(node: Mapping[str, Any], key: str) -> str:
    custom = node.get("custom")
    if key == "clientSecret":
        provider = OAuthProvider(name=custom).variable if isinstance(custom, str) else "<PROVIDER>"
        return f"{provider}_CLIENT_SECRET"
    return {"jwtSecret": "JWT_SECRET", "encryptionKey": "SOVRIUM_ENCRYPTION_KEY"}.get(key, "AUTH_SECRET")


# ── What a form cannot say ──


def _problems(form: AuthForm) -> Iterator[tuple[Path, str]]:
    """Values whose form is right and which still mean nothing, each with its place."""
    if seconds_of(form.invitation_token_expiry) is None:
        text = say("{value} is no time: 72h, 30m, 7d, 90s, or milliseconds", value=show(form.invitation_token_expiry))
        yield ("invitationTokenExpiry",), text
    if form.redirects.site_url is not None and (problem := site_problem(form.redirects.site_url)):
        yield ("redirects", "siteUrl"), problem
    for number, pattern in enumerate(form.redirects.allow):
        if problem := redirect_problem(pattern):
            yield ("redirects", "allow", number), problem
    for number, origin in enumerate(form.trusted_origins):
        if problem := origin_problem(origin):
            yield ("trustedOrigins", number), problem
    for number, proxy in enumerate(form.rate_limit.trusted_proxies):
        if not _is_network(proxy):
            yield (
                ("rateLimit", "trustedProxies", number),
                say("'{value}' is neither an address nor a network", value=proxy),
            )
    name = form.session.cookie_name
    taken = {
        "two_factor": say("of the second step"),
        "trusted_device": say("of a trusted device"),
        "sid-admin": say("of who acts as another"),
    }
    if name is not None and (whose := taken.get(name.lower().removeprefix("__host-"))) is not None:
        yield ("session", "cookieName"), say("'{name}' is the cookie {whose}", name=name, whose=whose)


def seconds_of(expiry: int | str) -> int | None:
    """`72h`, `30m`, or milliseconds, as whole seconds; None for what is no time above 0."""
    if isinstance(expiry, int):
        return -(-expiry // 1000) if 0 < expiry <= MOST_SECONDS * 1000 else None
    found = re.fullmatch(r"([0-9]{1,9})([smhd])", expiry)
    seconds = int(found[1]) * UNITS[found[2]] if found else 0
    return seconds if 0 < seconds <= MOST_SECONDS else None


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _check_required_factors(form: AuthForm, roles: Roles, findings: Findings) -> None:
    for number, name in enumerate(form.mfa.require_for):
        path = (*HERE, "mfa", "requireFor", number)
        if name.startswith(AT_LEAST):
            level = name.removeprefix(AT_LEAST)
            if not re.fullmatch(r"[0-9]{1,3}", level) or int(level) > 100:
                findings.error("auth.bad-level", say("'{name}' is no level: >=0 to >=100", name=name), path)
        elif name not in roles.by_name:
            text = say("role '{name}' is not defined", name=name)
            findings.error("auth.unknown-role", text, path, hint=nearest(name, roles.by_name))
    if form.mfa.require_for and (not form.two_factor or form.mfa.totp in ("off", False)):
        text = say("nobody can set up the second factor that these roles need: auth.twoFactor is off")
        findings.warning("auth.no-factor", text, (*HERE, "mfa", "requireFor"))


_TOKEN = re.compile(r"\$currentUser\.[A-Za-z_]+(?:\.[A-Za-z0-9_-]+(?:\[[0-9]+\])?)?")
_ASSIGNED = re.compile(r"\$currentUser\.assignments\.(?P<table>[A-Za-z0-9_-]+)\[0\]")


def _check_landing(form: AuthForm, roles: Roles, nodes: Any, findings: Findings) -> None:
    """`defaultLanding` may lead to what is assigned to the user; `pickerLanding` is where one of several is chosen."""
    for number, node in enumerate(nodes if isinstance(nodes, list) else ()):
        role = roles.by_name.get(str(node.get("name"))) if isinstance(node, Mapping) else None
        if role is None or role.built_in:
            continue
        here = (*HERE, "roles", number)
        landing, picker = role.default_landing, role.picker_landing
        if landing is not None and form.landing_path is None:
            text = say("required because role '{role}' sets defaultLanding", role=role.name)
            findings.error("auth.landing", text, (*HERE, "landingPath"))
        tokens = _TOKEN.findall(landing or "")
        assigned = _ASSIGNED.search(landing or "")
        if len(tokens) > 1:
            findings.error("auth.landing", "holds more than one $currentUser token", (*here, "defaultLanding"))
        elif tokens and assigned is None:
            text = say("'{token}' is not of the form $currentUser.assignments.<table>[0]", token=tokens[0])
            findings.error("auth.landing", text, (*here, "defaultLanding"))
        elif assigned is not None and sql_name(assigned["table"]) not in roles.scope_tables:
            text = say("'{table}' is not in auth.scopeTables", table=assigned["table"])
            hint = nearest(assigned["table"], roles.scope_tables)
            findings.error("auth.landing", text, (*here, "defaultLanding"), hint=hint)
        if picker is None:
            continue
        if assigned is None:
            text = say("needs a defaultLanding with a $currentUser.assignments.<table>[0] token")
            findings.error("auth.landing", text, (*here, "pickerLanding"))
        if _TOKEN.search(picker):
            findings.error("auth.landing", "takes no $currentUser token", (*here, "pickerLanding"))


def _check_templates(form: AuthForm, findings: Findings) -> None:
    for name, template in _templates(form).items():
        for part in ("subject", "text", "html"):
            text = getattr(template, part)
            path = (*HERE, "emailTemplates", name, part)
            used = re.findall(r"\$([A-Za-z_][A-Za-z0-9_]*)", text or "")
            for word in dict.fromkeys(used):
                if word not in TEMPLATE_VARIABLES:
                    said = say("'${word}' is no variable and stays as it is", word=word)
                    findings.warning("auth.template-variable", said, path, hint=nearest(word, TEMPLATE_VARIABLES))
            needed = NEEDED.get(name)
            if text is not None and part != "subject" and needed is not None and needed not in used:
                findings.warning(
                    "auth.template-variable", say("has no '${needed}': the mail is of no use", needed=needed), path
                )


def _templates(form: AuthForm) -> dict[TemplateName, TemplateForm]:
    fields = type(form.email_templates).model_fields.items()
    said = ((field.alias, getattr(form.email_templates, attribute)) for attribute, field in fields)
    return {alias: template for alias, template in said if template is not None}  # type: ignore[misc]


# ── The section as the engine has it ──


def _spec(form: AuthForm, strategies: tuple[Strategy, ...], data: Mapping[str, Any]) -> AuthSpec:
    session, rate, mfa = form.session, form.rate_limit, form.mfa
    password = next((each for each in strategies if isinstance(each, PasswordStrategy)), None)
    is_verified = password is not None and password.require_verification
    return AuthSpec(
        strategies=strategies,
        allow_sign_up=form.allow_sign_up,
        two_factor=_two_factor(form.two_factor),
        email_otp=EmailOtp(length=form.email_otp.length, seconds=form.email_otp.expiry_seconds),
        invitation_seconds=seconds_of(form.invitation_token_expiry) or INVITATION_SECONDS,
        landing_path=form.landing_path,
        no_access_path=form.no_access_path,
        session=SessionSpec(**session.model_dump()),
        rate=RateSpec(
            enabled=rate.enabled,
            window=rate.window,
            max_attempts=rate.max_attempts,
            trusted_proxies=tuple(rate.trusted_proxies),
            rules={path: RateRule(rule.max, rule.window) for path, rule in rate.rules.items()},
        ),
        redirects=RedirectSpec(site_url=form.redirects.site_url, allow=tuple(form.redirects.allow)),
        trusted_origins=tuple(form.trusted_origins),
        jwt=JwtSpec(algorithm=form.jwt.algorithm, expiry=form.jwt.expiry_seconds, legacy_secret=form.jwt.legacy_secret),
        mfa=MfaSpec(
            totp=_WORDS.get(mfa.totp, mfa.totp),
            phone=_WORDS.get(mfa.phone, mfa.phone),
            max_factors=mfa.max_factors,
            require_for=tuple(dict.fromkeys(mfa.require_for)),
        ),
        enumeration_safe=is_verified if form.enumeration_safe is None else form.enumeration_safe,
        admin_api=form.admin_api,
        hide_admin_api=form.hide_admin_api,
        confirm_links=form.links.confirm_page,
        local_sign_in=form.local.require_sign_in,
        impersonation=ImpersonationSpec(
            enabled=form.impersonation.enabled,
            duration=form.impersonation.duration_seconds,
            allow_admins=form.impersonation.allow_admins,
        ),
        audit=AuditSpec(retention_days=form.audit.retention_days, hash_chain=form.audit.hash_chain),
        templates={
            name: Template(subject=each.subject, text=each.text, html=each.html)
            for name, each in _templates(form).items()
        },
        data=data,
    )


_WORDS: Mapping[Any, Any] = {True: "on", False: "off"}


def _two_factor(form: bool | TwoFactorForm) -> TwoFactorSpec | None:
    if isinstance(form, bool):
        return TwoFactorSpec() if form else None
    return TwoFactorSpec(issuer=form.issuer, backup_codes=form.backup_codes, digits=form.digits, period=form.period)
