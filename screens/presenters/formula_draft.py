"""A formula while it is written: what could come next, what the function under the cursor does, what the server says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.contract.formulas import FormulaFunction, FormulaPreview
from screens.presenters.completion import LIMIT, Candidate
from screens.presenters.sql_text import inside_text_or_comment, tokens, word_before
from screens.services.text import t
from screens.services.wording import in_words, worded

WORDS = tuple(
    "and array as between case cast else end false from ilike in interval is like not null or then true when xor".split()
)
"""Words of the language itself; a field of such a name is quoted."""


@dataclass
class FormulaDraft:
    """`fields`: name and type of what the formula may use; `preview`: the server's last word, of `asked`."""

    fields: Sequence[tuple[str, str]]
    text: str = ""
    functions: Sequence[FormulaFunction] = ()
    preview: FormulaPreview | None = None
    asked: str = ""
    trouble: str = ""
    """Why there is no word of the server's."""
    fits: bool = False
    """It is right in the draft that it belongs to; there are no values yet."""
    _by_name: dict[str, FormulaFunction] = field(default_factory=dict)

    def know(self, functions: Sequence[FormulaFunction]) -> None:
        self.functions = functions
        self._by_name = {each["name"]: each for each in functions}

    def answered(self, asked: str, preview: FormulaPreview) -> None:
        """Take the server's word; one about an older text is thrown away."""
        if asked == self.text:
            self.preview, self.asked, self.trouble, self.fits = preview, asked, "", False

    def refused(self, asked: str, why: str) -> None:
        """There is no word: the server is gone, or does not know the table yet."""
        if asked == self.text:
            self.preview, self.asked, self.trouble, self.fits = None, asked, why, False

    def judged(self, asked: str, wrong: Sequence[str]) -> None:
        """Take the word on a formula over tables that are a draft themselves."""
        self.refused(asked, "\n".join(wrong))
        self.fits = asked == self.text and not wrong

    # ── What could come next ──

    def complete(self, offset: int) -> list[Candidate]:
        """Fields first, then functions with their line of documentation, then words; those that begin so before those that
        hold it."""
        if inside_text_or_comment(self.text, offset):
            return []
        start, word = word_before(self.text, offset)
        typed = word.strip('"').lower()
        if not typed and start == offset and offset and not self._may_begin(offset):
            return []
        found = [each for each in self._candidates(start, quoted=word.startswith('"')) if typed in each.label.lower()]
        found.sort(key=lambda each: not each.label.lower().startswith(typed))
        return found[:LIMIT]

    def _may_begin(self, offset: int) -> bool:
        """A value could stand here."""
        return self.text[:offset].rstrip()[-1:] in tuple("(,+-*/%=<>|") or self.text[offset - 1].isspace()

    def _candidates(self, start: int, *, quoted: bool) -> Iterator[Candidate]:
        for name, type_ in self.fields:
            yield Candidate(name, "column", type_, f'"{name}"' if quoted else self._written(name), start)
        if quoted:
            return
        for each in self.functions:
            name = each["name"]
            # `NOW()` is whole, `CURRENT_DATE` takes no parentheses, others wait for their arguments.
            end = "" if "(" not in each["signature"] else "()" if each["signature"].endswith("()") else "("
            yield Candidate(name, "function", worded(each["text"]), name + end, start)
        for word in WORDS:
            yield Candidate(word, "keyword", "", word.upper(), start)

    def _written(self, name: str) -> str:
        """A field as the language reads it."""
        function = self._by_name.get(name.upper())
        is_taken = name.lower() in WORDS or (function is not None and "(" not in function["signature"])
        return f'"{name}"' if is_taken or not name.isidentifier() else name

    # ── What is under the cursor ──

    def function_at(self, offset: int) -> FormulaFunction | None:
        """The function whose arguments, or name, the cursor is in."""
        opened: list[str] = []
        before = ""
        for token in tokens(self.text):
            if token.start >= offset:
                break
            if token.text == "(":
                opened.append(before)
            elif token.text == ")" and opened and token.end <= offset:
                opened.pop()
            before = token.text.upper()
            if token.start < offset <= token.end and before in self._by_name:
                return self._by_name[before]
        return next((self._by_name[name] for name in reversed(opened) if name in self._by_name), None)

    # ── What the server says ──

    @property
    def is_current(self) -> bool:
        """What is told is of the text as it stands."""
        return self.asked == self.text

    @property
    def position(self) -> int | None:
        """Where the formula is wrong."""
        error = self.preview and self.preview["error"]
        return error["position"] if error and self.is_current else None

    @property
    def verdict(self) -> tuple[str, bool]:
        """One sentence, and whether it tells of a mistake."""
        if not self.text.strip():
            return t("formula.write"), False
        if self.trouble:
            return self.trouble, True
        if self.fits and self.is_current:
            return t("formula.fits"), False
        if self.preview is None:
            return t("formula.asking"), False
        error = self.preview["error"]
        if error is None:
            return t("formula.gives", kind=t(f"formula.kind.{self.preview['kind']}")), False
        told = in_words(error, "message", "hint")
        place = t("formula.place", line=error["line"], column=error["column"])
        text = t("formula.wrong", place=place, problem=told["message"])
        return f"{text} — {told['hint']}" if told["hint"] else text, True

    @property
    def rows(self) -> list[tuple[str, str]]:
        """Records and what the formula gives for them."""
        samples = self.preview["samples"] if self.preview is not None else []
        return [(each["label"] or each["id"], shown(each["value"])) for each in samples]


def shown(value: Any) -> str:
    """A value in one line."""
    match value:
        case None:
            return t("formula.nothing")
        case bool():
            return t("formula.true") if value else t("formula.false")
        case list():
            return ", ".join(map(shown, value)) or t("formula.nothing")
        case "":
            return t("formula.blank")
    return " ".join(str(value).split())
