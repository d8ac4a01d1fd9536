"""Values of an app file's keys between what a person types and what is written: options a line each, the rest as JSON where
it looks so."""

import json
from typing import Any

from screens.presenters.format import compact


def shown(value: Any) -> str:
    """A value in one line; "" for none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "✓" if value else "✗"
    if isinstance(value, list):
        return ", ".join(str(each.get("value", each)) if isinstance(each, dict) else str(each) for each in value)
    return value if isinstance(value, str) else compact(value)


def edited(value: Any) -> str:
    """What stands in the line that edits it."""
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def read(text: str) -> Any:
    """Numbers, true and false, lists and maps as JSON says them; everything else is text. Empty: None."""
    word = text.strip()
    if not word:
        return None
    try:
        return json.loads(word)
    except ValueError:
        return word


def options_text(value: Any) -> str:
    """Options a line each: `Won  #2F9E5F`."""
    lines = []
    for option in value if isinstance(value, list) else ():
        if isinstance(option, dict):
            color = option.get("color")
            lines.append(f"{option.get('value', '')}  {color}" if color else str(option.get("value", "")))
        else:
            lines.append(str(option))
    return "\n".join(lines)


def options_read(text: str, before: Any = None) -> list[Any]:
    """The options that the lines say; what else an option of the same name had stays with it."""
    held = {each["value"]: each for each in before or () if isinstance(each, dict) and "value" in each}
    found: list[Any] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, color = line.rpartition("  ")
        if name.strip() and color.strip().startswith("#"):
            found.append({**held.get(name.strip(), {}), "value": name.strip(), "color": color.strip()})
        elif line in held:
            found.append({key: value for key, value in held[line].items() if key != "color"})
        else:
            found.append(line)
    plain = all(not isinstance(each, dict) or set(each) == {"value"} for each in found)
    return [each["value"] if isinstance(each, dict) else each for each in found] if plain else found
