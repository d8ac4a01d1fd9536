"""The few pages that accounts need in a browser: a heading, some sentences, at most one form (auth §7). Whole without
scripts, pictures or styles, in the language that the browser asks for.

Their words are in `text/<language>.json`, by the key of the page and by the code of what went wrong.
"""

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, Literal
from urllib.parse import urlencode

import orjson

from core.auth.redirect import origin_of
from core.errors import Invalid, SovriumError
from core.http.answer import Answer, Header
from core.http.call import Call
from core.http.language import languages_of

LANGUAGES = ("en", "fr")
VISIT_SCRIPT = "/api/analytics/script.js"
HTML: Header = (b"content-type", b"text/html; charset=utf-8")
_STYLE = (
    "body{margin:0;padding:3rem 1rem;background:#f4f4f5;color:#18181b;font:1rem/1.5 system-ui,sans-serif}"
    "main{max-width:26rem;margin:0 auto;padding:2rem;background:#fff;border:1px solid #e4e4e7;border-radius:.5rem}"
    "header{font-weight:600;color:#52525b}h1{margin:.25rem 0 1rem;font-size:1.4rem;line-height:1.25}"
    "label{display:block;margin:1rem 0 .25rem;font-weight:600}"
    "input{box-sizing:border-box;width:100%;padding:.6rem .7rem;border:1px solid #71717a;border-radius:.35rem;font:inherit}"
    "button{margin-top:1.25rem;padding:.65rem 1.2rem;border:0;border-radius:.35rem;background:#1d4ed8;color:#fff;"
    "font:inherit;font-weight:600;cursor:pointer}"
    "input:focus-visible,button:focus-visible,a:focus-visible{outline:3px solid #60a5fa;outline-offset:2px}"
    "a{color:#1d4ed8}[role=alert]{padding:.6rem .8rem;border-left:4px solid #b91c1c;background:#fef2f2;color:#7f1d1d}"
    "@media(prefers-color-scheme:dark){body{background:#18181b;color:#f4f4f5}main{background:#27272a;border-color:#3f3f46}"
    "header{color:#a1a1aa}input{background:#18181b;color:inherit}a{color:#93c5fd}"
    "[role=alert]{background:#450a0a;color:#fecaca}}"
)
_STYLE_HASH = base64.b64encode(sha256(_STYLE.encode()).digest()).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One line to type into. Its label is the word of its name."""

    name: str
    kind: Literal["text", "email", "password"]
    autocomplete: str
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What is sent to `action`, a path of this server. `leads_to` is where its answers may send the browser on to."""

    action: str
    hidden: Mapping[str, str] = field(default_factory=dict)
    inputs: Sequence[Input] = ()
    leads_to: Sequence[str] = ()


def wants_json(call: Call) -> bool:
    """A program asks, not a person's browser: nothing stands between it and what the address does."""
    return "application/json" in (call.header(b"accept") or "")


def page(
    call: Call,
    key: str,
    *,
    form: Form | None = None,
    values: Mapping[str, str] | None = None,
    link: tuple[str, str] | None = None,
    problem: SovriumError | None = None,
    status: int | None = None,
) -> Answer:
    """A page of that key. `values` are put into its sentences; `link` is the key of a word and an address to go on to;
    `problem` is told above the form."""
    language = language_of(call.header(b"accept-language") or "")
    words = words_of(language)
    own: Mapping[str, Any] = words["pages"][key]
    app = call.engine.app.name
    known = {"app": app, **(values or {})}
    title = html.escape(_filled(own["title"], known))
    parts = [f"<h1>{title}</h1>"]
    if problem is not None:
        parts.append(f'<p role="alert">{html.escape(_told(problem, words))}</p>')
    if problem is None or form is not None:
        parts += [f"<p>{html.escape(_filled(each, known))}</p>" for each in own.get("text", ())]
    if form is not None:
        parts.append(_form(form, words, own.get("button", "")))
    if link is not None:
        parts.append(f'<p><a href="{html.escape(link[1])}">{html.escape(words["links"][link[0]])}</a></p>')
    body = (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="robots" content="noindex">\n'
        f"<title>{title} · {html.escape(app)}</title>\n<style>{_STYLE}</style>\n{_counting(call, form)}"
        "</head>\n<body>\n<main>\n"
        f"<header>{html.escape(app)}</header>\n" + "\n".join(parts) + "\n</main>\n</body>\n</html>\n"
    )
    status = status or (problem.status if problem else 200)
    return Answer(status, body.encode(), [HTML, *_guards(form)])


def to_page(path: str, **query: str) -> Answer:
    """303 to another of the pages, so that going back or reloading sends nothing twice."""
    location = f"{path}?{urlencode(query)}" if query else path
    return Answer(303, b"", [(b"location", location.encode()), (b"referrer-policy", b"no-referrer")])


def language_of(accepted: str) -> str:
    """The language of ours that the browser likes best, English where it likes none."""
    liked = (each.lower().partition("-")[0] for each in languages_of(accepted))
    return next((each for each in liked if each in LANGUAGES), "en")


@cache
def words_of(language: str) -> Mapping[str, Any]:
    """All words of the pages in one language."""
    found: Mapping[str, Any] = orjson.loads(files("core.http").joinpath(f"text/{language}.json").read_bytes())
    return found


def _counting(call: Call, form: Form | None) -> str:
    """The script that counts visits, where the app wants that (A-255). Only for a page that cannot hold a secret: asked for
    by a plain address, without a hidden value in its form."""
    analytics = call.engine.analytics
    path = call.scope["path"]
    may_hold_secret = (
        call.scope["method"] != "GET" or call.scope["query_string"] or call.segments or (form and form.hidden)
    )
    if analytics is None or may_hold_secret or analytics.spec.excludes(path):
        return ""
    return f'<script src="{VISIT_SCRIPT}" defer></script>\n'


def _form(form: Form, words: Mapping[str, Any], button: str) -> str:
    lines = [f'<form method="post" action="{html.escape(form.action)}">']
    for name, value in form.hidden.items():
        lines.append(f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">')
    for each in form.inputs:
        lines += [
            f'<label for="{each.name}">{html.escape(words["inputs"][each.name])}</label>',
            f'<input id="{each.name}" name="{each.name}" type="{each.kind}" autocomplete="{each.autocomplete}"'
            f' value="{html.escape(each.value)}" required>',
        ]
    lines += [f'<button type="submit">{html.escape(button)}</button>', "</form>"]
    return "\n".join(lines)


def _told(problem: SovriumError, words: Mapping[str, Any]) -> str:
    code = problem.errors[0].code if isinstance(problem, Invalid) and problem.errors else problem.code
    return str(words["problems"].get(code) or words["problems"].get(problem.code) or problem.message)


def _filled(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text


def _guards(form: Form | None) -> list[Header]:
    """Browsers hold `form-action` against where the answer to a form leads as well."""
    origins = dict.fromkeys(origin_of(each) for each in form.leads_to) if form else {}
    onward = " ".join(each for each in origins if each)
    policy = (
        f"default-src 'self'; script-src 'self'; style-src 'sha256-{_STYLE_HASH}'; img-src 'none'; "
        f"frame-ancestors 'none'; object-src 'none'; base-uri 'self'; form-action 'self'{' ' + onward if onward else ''}"
    )
    return [(b"content-security-policy", policy.encode()), (b"referrer-policy", b"no-referrer")]
