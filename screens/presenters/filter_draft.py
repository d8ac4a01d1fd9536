"""A filter while it is built: a tree of conditions that can be changed line by line, and read and written as a sentence.

`stock < 10 and bin = "A1"`, `not (city is empty or since within last:7:days)`. Each field offers exactly its own
operators (R-115).
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from core.contract.records import Filter
from core.contract.tables import FieldInfo
from screens.presenters.structured import Unfit, parse_place, place_text
from screens.presenters.value import ValueRefused, edit_text, parse, title_of
from screens.services.text import t

NO_VALUE = ("isNull", "isNotNull", "isEmpty", "isNotEmpty", "isTrue", "isFalse", "isCurrentUser")
SEVERAL = ("in", "notIn", "hasAll")
SPANS = (
    "today yesterday tomorrow thisWeek lastWeek nextWeek thisMonth lastMonth nextMonth thisYear "
    "last:7:days next:7:days last:30:days next:30:days"
).split()
SYMBOLS = {
    "equals": "=",
    "notEquals": "!=",
    "greaterThan": ">",
    "greaterThanOrEqual": ">=",
    "lessThan": "<",
    "lessThanOrEqual": "<=",
    "between": "between",
    "contains": "contains",
    "doesNotContain": "does not contain",
    "startsWith": "starts with",
    "endsWith": "ends with",
    "matches": "matches",
    "in": "in",
    "notIn": "not in",
    "hasAll": "has all",
    "isBefore": "before",
    "isAfter": "after",
    "isWithin": "within",
    "isNull": "is null",
    "isNotNull": "is not null",
    "isEmpty": "is empty",
    "isNotEmpty": "is not empty",
    "isTrue": "is true",
    "isFalse": "is false",
    "isCurrentUser": "is me",
    "withinRadius": "within radius",
}
"""How operators are written in a sentence; the same in every language, as in SQL."""
WRITTEN = {**{symbol: name for name, symbol in SYMBOLS.items()}, "<>": "notEquals", "==": "equals"}


@dataclass
class Condition:
    """One comparison. `value` is what the operator needs: nothing, a value, [low, high], a list."""

    field: str
    operator: str
    value: Any = None


@dataclass
class Group:
    """Parts of which all (`and`) or any (`or`) must hold; `negated`: they must not."""

    joint: Literal["and", "or"] = "and"
    parts: list["Condition | Group"] = field(default_factory=list)
    negated: bool = False


Node = Condition | Group


class SentenceWrong(ValueError):
    """A sentence that cannot be read. `position` counts characters from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


class FilterDraft:
    """The tree, its lines, and its two written forms. `fields` are those that have operators."""

    def __init__(self, fields: Sequence[FieldInfo], tree: Filter | None = None) -> None:
        self.fields = [info for info in fields if info["operators"]]
        self.by_name = {info["name"]: info for info in self.fields}
        self.root = Group()
        if tree:
            node = _node(tree)
            self.root = node if isinstance(node, Group) else Group(parts=[node])

    # ── Lines ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def lines(self) -> list[tuple[int, Node, Group]]:
        """The tree from top to bottom: depth, node, the group that it is in."""
        return list(self._lines(self.root, 0))

    def _lines(self, group: Group, depth: int) -> Iterator[tuple[int, Node, Group]]:
        for part in group.parts:
            yield depth, part, group
            if isinstance(part, Group):
                yield from self._lines(part, depth + 1)

    def add(self, after: Node | None, info: FieldInfo) -> Condition:
        """A condition on a field, behind a node (inside it, when it is a group)."""
        condition = Condition(info["name"], info["operators"][0])
        self._place(condition, after)
        return condition

    def add_group(self, after: Node | None) -> Group:
        """A group that joins the other way than the one it is in."""
        group = Group("or" if self._home(after).joint == "and" else "and")
        self._place(group, after)
        return group

    def _home(self, node: Node | None) -> Group:
        if node is None:
            return self.root
        if isinstance(node, Group):
            return node
        return next((home for _, held, home in self.lines() if held is node), self.root)

    def _place(self, node: Node, after: Node | None) -> None:
        home = self._home(after)
        at = next((i for i, part in enumerate(home.parts) if part is after), len(home.parts) - 1)
        home.parts.insert(at + 1, node)

    def remove(self, node: Node) -> None:
        """Take a condition or a whole group out."""
        home = next((home for _, held, home in self.lines() if held is node), None)
        if home is not None:
            home.parts = [part for part in home.parts if part is not node]

    # ── Written forms ──────────────────────────────────────────────────────────────────────────────────────────────────

    def filter(self) -> Filter | None:
        """What the API takes; None without conditions."""
        return _filter(self.root)

    def problem(self) -> str:
        """The first condition that lacks its value, "" when all are complete."""
        for _, node, _ in self.lines():
            if isinstance(node, Condition) and node.operator not in NO_VALUE and node.value in (None, [], ""):
                return t("filter.needs_value", field=title_of(self.by_name[node.field]))
        return ""

    def sentence(self) -> str:
        """The whole tree as one line."""
        return self._sentence(self.root, top=True)

    def _sentence(self, node: Node, *, top: bool = False) -> str:
        if isinstance(node, Condition):
            return self.text(node)
        inner = f" {node.joint} ".join(self._sentence(part) for part in node.parts if _filter(part) is not None)
        if node.negated:
            return f"not ({inner})"
        return inner if top or not inner else f"({inner})"

    def text(self, condition: Condition) -> str:
        """`stock < 10`"""
        value = self.value_text(condition)
        return f"{_written_name(condition.field)} {SYMBOLS[condition.operator]}" + (f" {value}" if value else "")

    def value_text(self, condition: Condition) -> str:
        """The value as it stands in a sentence, "" where there is none."""
        if condition.operator in NO_VALUE:
            return ""
        info = self.by_name.get(condition.field)
        if condition.operator == "between" and isinstance(condition.value, list) and len(condition.value) == 2:
            return " and ".join(_literal(info, part) for part in condition.value)
        if isinstance(condition.value, list):
            return f"({', '.join(_literal(info, part) for part in condition.value)})"
        return _literal(info, condition.value)

    def read_value(self, condition: Condition, text: str) -> Any:
        """A typed value for a condition's operator: several parted by commas, a span by `..`. Raises ValueRefused."""
        info = scalar_field(self.by_name[condition.field])
        if condition.operator in SEVERAL:
            return [parse(info, part) for part in text.split(",") if part.strip()]
        if condition.operator == "between":
            low, dots, high = text.partition("..")
            if not dots:
                raise ValueRefused(t("filter.needs_span"))
            return [parse(info, low), parse(info, high)]
        if condition.operator == "isWithin":
            return _span(text)
        if condition.operator == "withinRadius":
            return _radius(text)
        return parse(info, text)

    def read(self, sentence: str) -> None:
        """Take a sentence as the tree. Raises SentenceWrong and leaves the tree alone."""
        tokens = _tokens(sentence)
        root = _Reader(self, tokens, len(sentence)).whole() if tokens else Group()
        self.root = root if isinstance(root, Group) else Group(parts=[root])


def scalar_field(info: FieldInfo) -> FieldInfo:
    """The field as one value of it is typed: no rules but its type, a member for a list."""
    editor = "choice" if info["editor"] == "choices" else info["editor"]
    if editor in ("none", "json", "text"):
        editor = {"number": "number", "date": "datetime", "checkbox": "checkbox"}.get(info["family"], "line")
    if editor == "users":
        editor = "user"
    if editor == "list":
        items = {"integer": "number", "decimal": "number", "boolean": "checkbox", "date": "date"}
        editor = items.get(info["options"].get("itemType", "text"), "line")
    kind = "decimal" if info["type"] in ("autonumber", "rating", "progress", "percentage") else info["type"]
    kind = "single-line-text" if info["family"] == "text" else kind
    options = {key: info["options"][key] for key in ("options", "timeZone", "format") if key in info["options"]}
    options["allowNegative"] = True
    if info["type"] == "array":
        item = info["options"].get("itemType", "text")
        kind = {"integer": "integer", "decimal": "decimal", "boolean": "checkbox", "date": "date"}.get(
            item, "single-line-text"
        )
    if info["type"] in ("autonumber", "rating", "progress"):
        kind = "currency"
    return {**info, "editor": editor, "type": kind, "required": False, "options": options}


RADIUS = re.compile(r"(?P<place>.+?)[,;\s]\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>m|km|mi)?\s*", re.I)
_METERS = {"": 1.0, "m": 1.0, "km": 1000.0, "mi": 1609.344}


def _radius(text: str) -> dict[str, float]:
    """`48.85, 2.35, 5 km`; metres without a unit."""
    found = RADIUS.fullmatch(text.strip())
    if found is None:
        raise ValueRefused(t("filter.not_a_radius", value=text))
    try:
        place = parse_place(found["place"])
    except Unfit as error:
        raise ValueRefused(t("filter.not_a_radius", value=text)) from error
    return {**place, "meters": float(found["number"]) * _METERS[(found["unit"] or "").lower()]}


def radius_text(value: Any) -> str:
    """What stands in a sentence."""
    meters = value["meters"]
    far = f"{meters / 1000:g} km" if meters >= 1000 else f"{meters:g} m"
    return f"{place_text({'lat': value['lat'], 'lng': value['lng']})}, {far}"


def _span(text: str) -> str:
    word = text.strip()
    for span in SPANS:
        if word.casefold() == span.casefold():
            return span
    if re.fullmatch(r"(last|next):\d{1,4}:(days|weeks|months|years)", word):
        return word
    raise ValueRefused(t("filter.not_a_span", value=word, spans=", ".join(SPANS[:6])))


def _node(tree: Filter) -> Node:
    if "not" in tree:
        inner = _node(tree["not"])
        if isinstance(inner, Group) and not inner.negated:
            inner.negated = True
            return inner
        return Group(parts=[inner], negated=True)
    for joint in ("and", "or"):
        if joint in tree:
            return Group("and" if joint == "and" else "or", [_node(part) for part in tree[joint]])
    return Condition(tree["field"], tree["operator"], tree.get("value"))


def _filter(node: Node) -> Filter | None:
    if isinstance(node, Condition):
        leaf: Filter = {"field": node.field, "operator": node.operator}
        return leaf if node.operator in NO_VALUE else {**leaf, "value": node.value}
    parts = [part for part in map(_filter, node.parts) if part is not None]
    if not parts:
        return None
    tree = parts[0] if len(parts) == 1 else {node.joint: parts}
    return {"not": tree} if node.negated else tree


def _written_name(name: str) -> str:
    return name if re.fullmatch(r"\w+", name) else json.dumps(name, ensure_ascii=False)


def _literal(info: FieldInfo | None, value: Any) -> str:
    if value is None:
        return "…"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, dict) and "meters" in value:
        return json.dumps(radius_text(value))
    text = edit_text(scalar_field(info), value) if info is not None and not isinstance(value, list) else str(value)
    family = info["family"] if info else ""
    if family in ("number",) and re.fullmatch(r"-?[\d.:]+", text):
        return text
    return json.dumps(text, ensure_ascii=False)


# ── Reading sentences ──────────────────────────────────────────────────────────────────────────────────────────────────

TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<sign><=|>=|!=|<>|==|=|<|>|\(|\)|,)|(?P<word>[^\s"'()<>=!,]+))"""
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(sentence: str) -> list[_Token]:
    found, at = [], 0
    while sentence[at:].strip():
        match = TOKEN.match(sentence, at)
        if match is None:
            raise SentenceWrong(t("filter.unreadable"), at)
        kind = str(match.lastgroup)
        text = match[kind]
        if kind == "text":
            text = re.sub(r"\\(.)", r"\1", text[1:-1])
        found.append(_Token(kind, text, match.start(kind)))
        at = match.end()
    return found


class _Reader:
    """Recursive descent: or, and, not, parentheses, comparisons."""

    def __init__(self, draft: FilterDraft, tokens: list[_Token], length: int) -> None:
        self.draft, self.tokens, self.at, self.length = draft, tokens, 0, length

    def whole(self) -> Node:
        node = self.either()
        if self.at < len(self.tokens):
            raise SentenceWrong(t("filter.expected_joint"), self.tokens[self.at].at)
        return node

    def either(self) -> Node:
        return self._joined("or", self.all)

    def all(self) -> Node:
        return self._joined("and", self.part)

    def _joined(self, joint: Literal["and", "or"], inner: Any) -> Node:
        parts = [inner()]
        while self.word(joint):
            parts.append(inner())
        return parts[0] if len(parts) == 1 else Group(joint, parts)

    def part(self) -> Node:
        if self.word("not"):
            node = self.part()
            if isinstance(node, Group) and not node.negated:
                node.negated = True
                return node
            return Group(parts=[node], negated=True)
        if self.sign("("):
            node = self.either()
            if not self.sign(")"):
                raise SentenceWrong(t("filter.expected_close"), self.place())
            return node
        return self.comparison()

    def comparison(self) -> Condition:
        info = self.field_named()
        at = self.place()
        operator = self.operator()
        if operator is None or operator not in info["operators"]:
            known = ", ".join(SYMBOLS[name] for name in info["operators"] if name in SYMBOLS)
            raise SentenceWrong(t("filter.operators", field=title_of(info), operators=known), at)
        condition = Condition(info["name"], operator)
        if operator in NO_VALUE:
            return condition
        at = self.place()
        try:
            condition.value = self.value(condition)
        except ValueRefused as problem:
            raise SentenceWrong(str(problem), at) from problem
        return condition

    def field_named(self) -> FieldInfo:
        token = self.next()
        if token is None or token.kind == "sign":
            raise SentenceWrong(t("filter.expected_field"), token.at if token else self.length)
        wanted = token.text.casefold()
        for info in self.draft.fields:
            if wanted in (info["name"].casefold(), title_of(info).casefold()):
                return info
        raise SentenceWrong(t("filter.no_field", name=token.text), token.at)

    def operator(self) -> str | None:
        """The longest run of words, or the sign, that is an operator."""
        for length in (3, 2, 1):
            words = self.tokens[self.at : self.at + length]
            text = " ".join(token.text.casefold() for token in words)
            if len(words) == length and text in WRITTEN and all(token.kind != "text" for token in words):
                self.at += length
                return WRITTEN[text]
        token = self.tokens[self.at] if self.at < len(self.tokens) else None
        camel = token and next((name for name in SYMBOLS if name.casefold() == token.text.casefold()), None)
        if camel:
            self.at += 1
        return camel or None

    def value(self, condition: Condition) -> Any:
        if condition.operator in SEVERAL:
            opened = self.sign("(")
            texts = [self.literal()]
            while self.sign(","):
                texts.append(self.literal())
            if opened and not self.sign(")"):
                raise SentenceWrong(t("filter.expected_close"), self.place())
            info = scalar_field(self.draft.by_name[condition.field])
            return [parse(info, text) for text in texts]
        if condition.operator == "between":
            low = self.literal()
            if not self.word("and"):
                raise SentenceWrong(t("filter.expected_and"), self.place())
            return self.draft.read_value(condition, f"{low}..{self.literal()}")
        return self.draft.read_value(condition, self.literal())

    def literal(self) -> str:
        token = self.next()
        if token is None or token.kind == "sign":
            raise SentenceWrong(t("filter.expected_value"), token.at if token else self.length)
        return token.text

    def next(self) -> _Token | None:
        self.at += 1
        return self.tokens[self.at - 1] if self.at <= len(self.tokens) else None

    def place(self) -> int:
        return self.tokens[self.at].at if self.at < len(self.tokens) else self.length

    def word(self, text: str) -> bool:
        return self._take("word", text)

    def sign(self, text: str) -> bool:
        return self._take("sign", text)

    def _take(self, kind: str, text: str) -> bool:
        here = self.tokens[self.at] if self.at < len(self.tokens) else None
        if here is not None and here.kind == kind and here.text.casefold() == text:
            self.at += 1
            return True
        return False
