"""Text fields: single-line-text, long-text, rich-text, email, url, phone-number, code, color, barcode.

A text is kept as the person wrote it, except where the type promises more: one line is trimmed, addresses are lower-case,
rich text is cleaned of everything that could run.
"""

import html
import re
from collections.abc import Iterable
from random import Random
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, WithJsonSchema

from core.fields.base import EditorKind, FieldType, Format, ValueProblem
from core.fields.column import ColumnType
from core.schema.model import App, FieldOptions, FieldSpec, TableSpec
from core.schema.pattern import COLOR
from core.schema.shape import show
from core.schema.vocabulary import OptionProblem
from core.sentence import say

SINGLE_LINE_LIMIT = 255
_WORDS = "amber birch cedar delta ember fjord grove harbor island juniper kestrel lagoon meadow north ochre".split()


def text_of(raw: Any) -> str:
    """A raw value as text that every database can keep. Raises ValueProblem."""
    if not isinstance(raw, str):
        raise ValueProblem("text.not-text", say("A text is expected, not {value}", value=show(raw)))
    if "\0" in raw:
        raise ValueProblem("text.bad-character", "A text cannot hold a NUL character")
    if not raw.isascii() and any("\ud800" <= character <= "\udfff" for character in raw):
        raise ValueProblem("text.bad-character", "The text holds half of a character (a lone surrogate)")
    return raw


def _check_length(text: str, limit: int, code: str = "text.too-long") -> None:
    if len(text) > limit:
        raise ValueProblem(
            code, say("At most {most:,} characters are allowed, this has {count:,}", most=limit, count=len(text))
        )


class TextField(FieldType[str]):
    """What all text fields share."""

    family = "text"
    editor: ClassVar[EditorKind] = "line"
    searchable = True

    def column(self) -> ColumnType:
        return ColumnType("text")

    def accept(self, raw: Any) -> str | None:
        return None if raw is None else self.normalise(text_of(raw))

    def normalise(self, text: str) -> str:
        """The text as it is kept. Raises ValueProblem."""
        return text

    def example(self, rng: Random) -> str:
        return " ".join(rng.choice(_WORDS) for _ in range(rng.randint(1, 3)))


class SingleLineOptions(FieldOptions):
    min_length: Annotated[int, Field(ge=0, le=10_000)] | None = None
    max_length: Annotated[int, Field(ge=1, le=10_000)] | None = None
    pattern: str | None = None


class SingleLineTextField(TextField):
    """One line of text, trimmed; 255 characters unless `maxLength` says otherwise."""

    name = "single-line-text"
    Options = SingleLineOptions

    def normalise(self, text: str) -> str:
        text = text.strip()
        if "\n" in text or "\r" in text:
            raise ValueProblem("text.line-break", "A line break is not allowed here")
        shortest, pattern = self.options.min_length, self.options.pattern
        _check_length(text, self.options.max_length or SINGLE_LINE_LIMIT)
        if shortest is not None and len(text) < shortest:
            raise ValueProblem(
                "text.too-short",
                say("At least {least} characters are needed, this has {count}", least=shortest, count=len(text)),
            )
        if pattern is not None and not re.fullmatch(pattern, text):
            raise ValueProblem(
                "text.pattern", say("{value} does not match the pattern {pattern}", value=show(text), pattern=pattern)
            )
        return text

    @classmethod
    def check_spec(cls, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        options = field.options
        assert isinstance(options, SingleLineOptions)
        longest = options.max_length or SINGLE_LINE_LIMIT
        if options.min_length is not None and options.min_length > longest:
            text = say("minLength {least} is above {most}", least=options.min_length, most=longest)
            yield OptionProblem("minLength", "field.bounds", text)
        if options.pattern is not None:
            try:
                re.compile(options.pattern)
            except (re.error, OverflowError, RecursionError) as error:
                text = say("not a regular expression: {reason}", reason=str(error))
                yield OptionProblem("pattern", "field.pattern", text)

    def example(self, rng: Random) -> str:
        if self.options.pattern is not None and self.spec.default is not None:
            return self.normalise(self.spec.default)
        text = super().example(rng)
        return text.ljust(self.options.min_length or 0, "x")[: self.options.max_length].strip()


class LongTextField(TextField):
    """Text of any length, with line breaks."""

    name = "long-text"
    editor = "text"


class RichTextOptions(FieldOptions):
    max_length: Annotated[int, Field(ge=1)] | None = None
    full_text_search: bool = False
    toolbar: tuple[str, ...] = ()
    placeholder: str = ""
    collaborative: bool = False
    format: Literal["html", "markdown"] = "html"


_RAW_TAG = re.compile(r"<[/!?a-zA-Z][^>]*>?")
_SCRIPT_LINK = re.compile(r"(\]\(\s*|\]:\s*|<\s*)(?:(?:javascript|vbscript|data)\s*:\s*)+", re.IGNORECASE)
_PASSES = 5
"""Cleaning can leave a new tag behind (`<<b>script>`). After so many rounds it is on purpose."""


class RichTextField(TextField):
    """HTML or Markdown, cleaned on writing: no scripts, event handlers or script links (T-055)."""

    name = "rich-text"
    editor = "text"
    takes_default = False
    Options = RichTextOptions

    def __init__(self, spec: FieldSpec) -> None:
        super().__init__(spec)
        self.searchable = self.options.full_text_search

    def normalise(self, text: str) -> str:
        clean = clean_html(text) if self.options.format == "html" else clean_markdown(text)
        if self.options.max_length is not None:
            _check_length(clean, self.options.max_length)
        return clean

    def present(self, value: str | None, how: Format) -> str:
        """The text without its marks."""
        if value is None or self.options.format == "markdown":
            return value or ""
        import nh3

        spaced = re.sub(r"<(?=/?(?:p|br|li|h[1-6]|tr|div|blockquote)\b)", " <", value)
        return " ".join(html.unescape(nh3.clean(spaced, tags=set())).split())


def clean_html(text: str) -> str:
    """HTML with formatting only. A text that is already clean stays as it is."""
    import nh3

    for _ in range(_PASSES):
        clean = nh3.clean(text)
        if clean == text:
            break
        text = clean
    return text


def clean_markdown(text: str) -> str:
    """Markdown whose embedded HTML is formatting only and whose links do not run anything."""
    import nh3

    def clean_tag(match: re.Match[str]) -> str:
        tag = match.group()
        if tag.startswith("</"):
            return tag if re.fullmatch(r"</[a-z0-9]+>", tag) and nh3.clean(tag[0] + tag[2:]) else ""
        kept = re.match(r"<[^>]*>", nh3.clean(tag))
        return kept.group() if kept else ""

    for _ in range(_PASSES):
        clean = _SCRIPT_LINK.sub(r"\1", _RAW_TAG.sub(clean_tag, text))
        if clean == text:
            return clean
        text = clean
    return _SCRIPT_LINK.sub(r"\1", text.replace("<", "&lt;"))


_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"\\]+@[^\W_]([\w-]*[^\W_])?(\.[^\W_]([\w-]*[^\W_])?)+")


class EmailField(TextField):
    """An e-mail address, kept in lower case, so that a unique field knows A@x.org and a@x.org as one."""

    name = "email"

    def normalise(self, text: str) -> str:
        text = text.strip().lower()
        if len(text) > 254 or not _EMAIL.fullmatch(text) or ".." in text:
            message = say("{value} is not an e-mail address such as name@example.org", value=show(text))
            raise ValueProblem("email.malformed", message, status=422)
        return text

    def example(self, rng: Random) -> str:
        return f"{rng.choice(_WORDS)}.{rng.randint(1, 999)}@example.org"


_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_RUNS = ("javascript", "vbscript", "data")


class UrlField(TextField):
    """An absolute address."""

    name = "url"

    def normalise(self, text: str) -> str:
        text = text.strip()
        if not _is_address(text):
            message = say("{value} is not an absolute address such as https://example.org/page", value=show(text))
            raise ValueProblem("url.malformed", message, status=422)
        return text

    def example(self, rng: Random) -> str:
        return f"https://example.org/{rng.choice(_WORDS)}/{rng.randint(1, 999)}"


def _is_address(text: str) -> bool:
    if not _SCHEME.match(text) or any(character.isspace() or not character.isprintable() for character in text):
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    if parts.scheme in _RUNS:
        return False
    if parts.scheme in ("http", "https", "ftp", "ftps", "ws", "wss"):
        return bool(parts.hostname)
    return bool(parts.netloc or parts.path)


class PhoneOptions(FieldOptions):
    format: Literal["e164", "national", "international"] | None = None


class PhoneNumberField(TextField):
    """A phone number: as typed, or in the form that `format` asks for."""

    name = "phone-number"
    Options = PhoneOptions
    _FORMS: ClassVar = {
        "e164": (re.compile(r"\+[0-9]{8,15}"), "+4512345678 (a plus and 8 to 15 digits)"),
        "national": (re.compile(r"[0-9](?:[ ]?[0-9]){3,14}"), "12 34 56 78 (digits, without a plus)"),
        "international": (re.compile(r"\+[0-9](?:[ ]?[0-9]){7,14}"), "+45 12 34 56 78 (a plus and 8 to 15 digits)"),
    }

    def normalise(self, text: str) -> str:
        text = " ".join(text.split()) if self.options.format else text.strip()
        if self.options.format is None:
            _check_length(text, SINGLE_LINE_LIMIT)
            return text
        form, wanted = self._FORMS[self.options.format]
        tidy = re.sub(r"[()\-./\s]+", "" if self.options.format == "e164" else " ", text).strip()
        if not form.fullmatch(tidy):
            raise ValueProblem(
                "phone.malformed",
                say("{value} is not a number such as {wanted}", value=show(text), wanted=wanted),
                status=422,
            )
        return tidy

    def example(self, rng: Random) -> str:
        number = f"45 {rng.randint(10, 99)} {rng.randint(10, 99)} {rng.randint(10, 99)}"
        return self.normalise(number if self.options.format == "national" else f"+45 {number}")


class CodeOptions(FieldOptions):
    language: Annotated[str, Field(min_length=1)]
    line_numbers: bool = True
    read_only: bool = False
    min_lines: Annotated[int, Field(ge=1)] | None = None
    max_lines: Annotated[int, Field(ge=1)] | None = None
    tab_size: Annotated[int, Field(ge=1, le=8)] = 2


class CodeField(TextField):
    """Source text, kept byte for byte."""

    name = "code"
    editor = "text"
    takes_default = False
    Options = CodeOptions

    @classmethod
    def check_spec(cls, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        options = field.options
        assert isinstance(options, CodeOptions)
        if options.min_lines and options.max_lines and options.min_lines > options.max_lines:
            text = f"minLines {options.min_lines} is above maxLines {options.max_lines}"
            yield OptionProblem("minLines", "field.bounds", text)

    def example(self, rng: Random) -> str:
        return f"{rng.choice(_WORDS)} = {rng.randint(1, 99)}\n"


class ColorField(TextField):
    """A colour, `#RRGGBB` in capitals."""

    name = "color"
    searchable = False

    def normalise(self, text: str) -> str:
        text = text.strip()
        if not re.fullmatch(COLOR, text):
            raise ValueProblem(
                "color.malformed", say("{value} is not a colour such as #2F6FDE", value=show(text)), status=422
            )
        return text.upper()

    def example(self, rng: Random) -> str:
        return f"#{rng.getrandbits(24):06X}"


BarcodeFormat = Literal["EAN-13", "EAN-8", "UPC-A", "UPC-E", "CODE-128", "CODE-39"]
_SHAPES = {
    "EAN-13": r"[0-9]{13}",
    "EAN-8": r"[0-9]{8}",
    "UPC-A": r"[0-9]{12}",
    "UPC-E": r"[0-9]{6,8}",
    "CODE-128": r"[\x20-\x7e]{1,255}",
    "CODE-39": r"[A-Z0-9\-.$/+% ]{1,255}",
}
_CHECKED = ("EAN-13", "EAN-8", "UPC-A")


def _upper(written: Any) -> Any:
    return written.upper() if isinstance(written, str) else written


class BarcodeOptions(FieldOptions):
    format: Annotated[
        BarcodeFormat | None,
        BeforeValidator(_upper),
        WithJsonSchema({"type": ["string", "null"], "enum": [*_SHAPES, *(each.lower() for each in _SHAPES), None]}),
    ] = None


class BarcodeField(TextField):
    """What a scanner reads; with a `format` its shape, and for EAN and UPC its check digit."""

    name = "barcode"
    Options = BarcodeOptions

    def normalise(self, text: str) -> str:
        text = text.strip()
        form = self.options.format
        if form is None:
            _check_length(text, SINGLE_LINE_LIMIT)
            return text
        if not re.fullmatch(_SHAPES[form], text):
            raise ValueProblem(
                "barcode.malformed",
                say("{value} does not have the shape of {form}", value=show(text), form=form),
                status=422,
            )
        digits = _expanded(text) if form == "UPC-E" else text if form in _CHECKED else None
        if digits and _check_digit(digits[:-1]) != digits[-1]:
            message = say(
                "{value} has a wrong check digit; {digit} is expected at its end",
                value=text,
                digit=_check_digit(digits[:-1]),
            )
            raise ValueProblem("barcode.check-digit", message, status=422)
        return text

    def example(self, rng: Random) -> str:
        form = self.options.format
        length = {"EAN-13": 12, "EAN-8": 7, "UPC-A": 11, "UPC-E": 6}.get(form or "", 8)
        digits = "".join(str(rng.randint(0, 9)) for _ in range(length))
        return digits + _check_digit(digits) if form in _CHECKED else digits


def _expanded(short: str) -> str | None:
    """The UPC-A code that eight digits of UPC-E stand for: fewer have no check digit, another number system no long form."""
    if len(short) != 8 or short[0] not in "01":
        return None
    system, body, last, check = short[0], short[1:6], short[6], short[7]
    if last in "012":
        return f"{system}{body[:2]}{last}0000{body[2:]}{check}"
    if last in "34":
        kept = int(last)
        return f"{system}{body[:kept]}00000{body[kept:]}{check}"
    return f"{system}{body}0000{last}{check}"


def _check_digit(digits: str) -> str:
    """Of EAN and UPC: weights 3 and 1, from the right."""
    total = sum(int(digit) * (3 if index % 2 == 0 else 1) for index, digit in enumerate(reversed(digits)))
    return str(-total % 10)
