"""Values of the keys of `auth` between the app file and what people read and type. What does not fit is left as it was
typed: the server says what is wrong with it, in the words of the validator."""

import json
from typing import Any

from core.contract.auth_setting import AuthSetting
from screens.presenters.format import compact
from screens.presenters.moment import parse_duration
from screens.services.number import grouped
from screens.services.text import t

SEVERAL_LINES = ("lines", "list", "map")
"""Kinds that are typed over several lines."""
UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))


def in_units(seconds: int) -> str:
    """Whole seconds in the greatest unit that fits: `7 d`, `90 s`."""
    for unit, size in UNITS:
        if seconds and seconds % size == 0:
            return f"{grouped(seconds // size)} {unit}"
    return f"{grouped(seconds)} s"


def shown(setting: AuthSetting, value: Any) -> str:
    """A value in one line; "–" for none."""
    if isinstance(value, bool):
        return t("auth.on" if value else "auth.off")
    if value in (None, "", [], {}):
        return "–"
    if isinstance(value, list):
        return ", ".join(_item(each) for each in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} = {_item(each)}" for name, each in value.items())
    if isinstance(value, int):
        return in_units(value) if setting["kind"] == "seconds" else grouped(value)
    return str(value)


def typed(value: Any) -> str:
    """A value as it is typed."""
    if isinstance(value, list):
        return "\n".join(each if isinstance(each, str) else compact(each) for each in value)
    if isinstance(value, dict):
        return "\n".join(f"{name} = {each if isinstance(each, str) else compact(each)}" for name, each in value.items())
    if isinstance(value, bool):
        return t("auth.on" if value else "auth.off")
    return "" if value is None else str(value)


def read(setting: AuthSetting, text: str) -> Any:
    """What was typed; None for nothing, which takes the key away. Raises ValueError for a map without `=`."""
    word, kind = text.strip(), setting["kind"]
    if not word:
        return None
    if kind == "lines":
        return text.rstrip("\n")
    if kind == "list":
        return [_read_item(setting, line) for line in _lines(text)]
    if kind == "map":
        return dict(_entry(setting, line) for line in _lines(text))
    if kind in ("number", "duration", "seconds") and word.removeprefix("-").isdecimal():
        return int(word)
    if kind == "seconds":
        try:
            return parse_duration(word)
        except ValueError:
            return word
    return word


def rule_text(setting: AuthSetting) -> str:
    """What a key may hold, in a line."""
    least, most = setting["least"], setting["most"]
    parts = [t(f"auth.kind.{setting['kind']}")]
    if least is not None and most is not None:
        say = in_units if setting["kind"] == "seconds" else grouped
        parts.append(t("auth.range", least=say(least), most=say(most)))
    if setting["choices"]:
        parts.append(", ".join(setting["choices"]))
    return " · ".join(parts)


def _item(value: Any) -> str:
    """An item in a list; a map by its name."""
    if not isinstance(value, dict):
        return str(value)
    return str(value.get("name") or value.get("custom") or compact(value))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _entry(setting: AuthSetting, line: str) -> tuple[str, Any]:
    name, sign, value = line.partition("=")
    if not sign:
        raise ValueError(t("auth.map-form", line=line))
    return name.strip(), _read_item(setting, value.strip())


def _read_item(setting: AuthSetting, text: str) -> Any:
    """An item: a text, or where maps may stand too, one as JSON writes it."""
    if setting["texts"] or not text.startswith("{"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        raise ValueError(t("auth.item-form", text=text)) from None
