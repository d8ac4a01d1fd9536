"""What mails and text messages say: built-in words in each language, an app's own in place of them.

A text is paragraphs between blank lines. One that is nothing but `$url`, `$otp` or `$codes` becomes a button, a code in
large letters or a list; so an app that writes a text gets the page that goes with it. What people typed arrives as text:
without control signs, escaped in HTML, and never as an address that a mail program would make a link of.
"""

import html
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any, Final, get_args

import orjson

from core.messaging.mail import Content, clean
from core.schema.auth import TEMPLATE_VARIABLES, Template, TemplateName

NAMES: Final[tuple[str, ...]] = get_args(TemplateName)
"""What an app may word itself. There are more, in our words alone: notices about an account."""
LANGUAGES: Final = ("en", "fr")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_WEB_ADDRESS = re.compile(r"://|www\.|\.[a-z]{2,}/", re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*")
_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")
_ALONE = re.compile(r"\$\{?(url|otp|codes)\}?")
Values = Mapping[str, str]


class Templates:
    """The templates of one app. `own` are those that its file words; `language` where a message names none."""

    def __init__(
        self, organization: str, base_url: str, own: Mapping[TemplateName, Template] | None = None, language: str = "en"
    ) -> None:
        self._organization = organization
        self.base_url = base_url
        self._own: Mapping[str, Template] = dict((own or {}).items())
        self._language = language

    def render(
        self, name: str, variables: Values, *, validity: timedelta | None = None, language: str | None = None
    ) -> Content:
        """The words of a message. `validity` is how long its link or code works.

        Raises ValueError for an unknown template or variable, and for a `url` that does not begin with the base address:
        no header of a request may lead a link elsewhere (A-166).
        """
        spoken = language if language in LANGUAGES else self._language
        words = _words(spoken)
        if name not in words["templates"]:
            raise ValueError(f"there is no template {name!r}")
        values = self._values(words, variables, validity)
        built_in, own = words["templates"][name], self._own.get(name)
        subject = _filled(own.subject if own else built_in["subject"], values)
        action = _filled(built_in.get("action", ""), values)
        if own is not None and own.html is not None:
            page = _filled(own.html, values, html.escape)
            text = _filled(own.text, values) if own.text is not None else text_of(page)
            return Content(subject=clean(subject), text=text, html=page)
        if own is not None and own.text is not None:
            paragraphs = _BLANK_LINES.split(own.text.strip())
        else:
            paragraphs = _told(built_in["text"], values)
        text = _filled("\n\n".join(paragraphs), values)
        if name == "phoneOtp":
            return Content(subject=clean(subject), text=text)
        footer = _filled(words["footer"], values)
        page = _page(spoken, paragraphs, values, action, footer)
        return Content(subject=clean(subject), text=f"{text}\n\n-- \n{footer}\n", html=page)

    def _values(self, words: Mapping[str, Any], variables: Values, validity: timedelta | None) -> Values:
        unknown = set(variables) - set(TEMPLATE_VARIABLES)
        if unknown:
            raise ValueError(f"templates have no variables {sorted(unknown)}")
        url = variables.get("url", "")
        if url and not is_within(url, self.base_url):
            raise ValueError("a link of a message begins with the base address")
        codes = [clean(each) for each in variables.get("codes", "").splitlines()]
        return {
            "name": _person(variables.get("name", "")) or words["name"],
            "inviterName": _person(variables.get("inviterName", "")) or words["inviter"],
            "organizationName": clean(variables.get("organizationName") or self._organization),
            "email": clean(variables.get("email", ""), 254),
            "otp": clean(variables.get("otp", "")),
            "codes": "\n".join(each for each in codes if each),
            "url": url,
            "validity": _span(words["units"], validity) if validity else "",
        }


def language_of(languages: Any) -> str:
    """The language of an app's mails: the default of its `languages` (`fr-CA` is `fr`), English where we have no words."""
    default = languages.get("default") if isinstance(languages, Mapping) else None
    base = default.partition("-")[0].lower() if isinstance(default, str) else ""
    return base if base in LANGUAGES else "en"


def is_within(url: str, base_url: str) -> bool:
    """It leads to the base address or below it, and holds nothing that ends a link early."""
    rest = url.removeprefix(base_url)
    is_below = url.startswith(base_url) and (not rest or rest[0] in "/?#")
    return is_below and url.isascii() and url.isprintable() and not any(sign in url for sign in " \"'<>\\")


def text_of(page: str) -> str:
    """The text of an HTML mail, for those who read no HTML; the targets of links stand behind their words."""
    reader = _TextReader()
    reader.feed(page)
    reader.close()
    lines = [" ".join(line.split()) for line in "".join(reader.parts).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


@cache
def _words(language: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = orjson.loads(files("core.messaging").joinpath(f"text/{language}.json").read_bytes())
    return found


def _person(name: str) -> str:
    """A name that may stand in a mail to somebody else: one that holds a web address is advertising, not a name."""
    line = clean(name, 100)
    return "" if _WEB_ADDRESS.search(line) else line


def _filled(text: str, values: Values, escape: Callable[[str], str] = str) -> str:
    """`$name` and `${name}` replaced; a dollar before anything else stays."""

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        return escape(values[name]) if name in values else found[0]

    return _VARIABLE.sub(value, text)


def _told(paragraphs: list[str], values: Values) -> list[str]:
    """Without the paragraphs that speak of what this mail has not, and those that only lead to them (`…:`)."""
    told: list[str] = []
    is_next_told = False
    for paragraph in reversed(paragraphs):
        is_whole = all(values[found[1] or found[2]] for found in _VARIABLE.finditer(paragraph))
        is_next_told = is_whole and (is_next_told or not paragraph.endswith(":"))
        if is_next_told:
            told.append(paragraph)
    return told[::-1]


def _span(units: Mapping[str, Any], span: timedelta) -> str:
    """`3 days`, `36 hours`, `15 minutes`: in the largest unit that it is whole in."""
    seconds = max(1, round(span.total_seconds()))
    sizes = {"day": 86_400, "hour": 3600, "minute": 60, "second": 1}
    unit = next(unit for unit, size in sizes.items() if seconds % size == 0)
    count = seconds // sizes[unit]
    one, many = units[unit]
    return str(one) if count == 1 else str(many).format(count)


# ── The page ──

_BODY = "margin:0;padding:24px 12px;background:#f4f4f5;color:#18181b;font:16px/1.5 system-ui,sans-serif"
_CARD = "max-width:34em;margin:0 auto;padding:28px;background:#ffffff;border-radius:8px"
_BUTTON = (
    "display:inline-block;padding:12px 22px;border-radius:6px;background:#1d4ed8;color:#ffffff;"
    "text-decoration:none;font-weight:600"
)
_CODE = "font:700 28px/1.4 ui-monospace,monospace;letter-spacing:0.15em"
_CODES = "font:16px/1.8 ui-monospace,monospace;padding:12px 16px;background:#f4f4f5;border-radius:6px"
_SMALL = "font-size:13px;color:#52525b"


def _page(language: str, paragraphs: list[str], values: Values, action: str, footer: str) -> str:
    blocks = "\n".join(_block(each, values, action) for each in paragraphs)
    title = html.escape(values["organizationName"])
    return (
        f'<!doctype html>\n<html lang="{html.escape(language)}">\n<head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title></head>\n'
        f'<body style="{_BODY}"><div style="{_CARD}">\n<p style="margin-top:0;font-weight:600">{title}</p>\n'
        f'{blocks}\n<p style="{_SMALL}">{html.escape(footer)}</p>\n</div></body>\n</html>\n'
    )


def _block(paragraph: str, values: Values, action: str) -> str:
    alone = _ALONE.fullmatch(paragraph.strip())
    if alone is None:
        return f"<p>{_inline(paragraph, values)}</p>"
    value = html.escape(values[alone[1]])
    if not value:
        return ""
    match alone[1]:
        case "url":
            button = f'<p><a href="{value}" style="{_BUTTON}">{html.escape(action)}</a></p>'
            return f'{button}\n<p style="{_SMALL};word-break:break-all">{value}</p>'
        case "otp":
            return f'<p style="{_CODE}">{value}</p>'
        case _:
            return f'<pre style="{_CODES}">{value}</pre>'


def _inline(paragraph: str, values: Values) -> str:
    """Addresses become links where the template has them; never those that came in by a name."""
    parts: list[str] = []
    end = 0
    for found in _VARIABLE.finditer(paragraph):
        name = found[1] or found[2]
        if name in values:
            value = html.escape(values[name])
            parts += [_with_links(paragraph[end : found.start()]), _link(value) if name == "url" and value else value]
            end = found.end()
    return "".join([*parts, _with_links(paragraph[end:])]).replace("\n", "<br>\n")


def _with_links(text: str) -> str:
    parts: list[str] = []
    end = 0
    for found in _LINK.finditer(text):
        parts += [html.escape(text[end : found.start()]), _link(html.escape(found[0]))]
        end = found.end()
    return "".join([*parts, html.escape(text[end:])])


def _link(target: str) -> str:
    return f'<a href="{target}">{target}</a>'


class _TextReader(HTMLParser):
    _BREAKS = frozenset("p div br tr li h1 h2 h3 h4 h5 h6 table ul ol pre blockquote hr section header footer".split())
    _UNSEEN = frozenset(("style", "script", "head", "title"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen = 0
        self._targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._UNSEEN:
            self._unseen += 1
        elif tag in self._BREAKS:
            self.parts.append("\n")
        if tag == "a":
            self._targets.append(dict(attrs).get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag in self._BREAKS:
            self.parts.append("\n")
        target = self._targets.pop() if tag == "a" and self._targets else ""
        if target and not "".join(self.parts).endswith(target):
            self.parts.append(f" ({target})")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(data.replace("\n", " "))
