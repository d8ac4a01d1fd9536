"""Which keys do what: the defaults of the actions, the vim overlay, and a person's own key file.

    # <config folder>/keys.yaml (or keys.json)
    overlay: vim
    keys:
      grid.edit: e, F2
      app.close: none

Nothing in the file can stop the console from starting: what is wrong is reported in `problems` and left out.
"""

import json
import unicodedata
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from screens.actions.action import Action
from screens.actions.registry import ACTIONS, BY_ID
from screens.services.text import t

NAMES = {
    **{f"f{n}": f"F{n}" for n in range(1, 25)},
    "escape": "Esc",
    "enter": "Enter",
    "tab": "Tab",
    "space": "Space",
    "backspace": "⌫",
    "delete": "Del",
    "insert": "Ins",
    "home": "Home",
    "end": "End",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}
"""Keys with a name, as key files have them."""
WORDS = frozenset(("escape", "enter", "space", "delete", "insert", "home", "end", "pageup", "pagedown"))
"""Those whose name is a word of the language: `key.<name>` in the catalogue."""

SIGNS = {
    "?": "question_mark",
    ":": "colon",
    ";": "semicolon",
    ",": "comma",
    ".": "full_stop",
    "/": "slash",
    "\\": "backslash",
    "!": "exclamation_mark",
    "<": "less_than_sign",
    ">": "greater_than_sign",
    "=": "equals_sign",
    "+": "plus",
    "-": "minus",
    "_": "underscore",
    "*": "asterisk",
    "#": "number_sign",
    "$": "dollar_sign",
    "%": "percent_sign",
    "&": "ampersand",
    "'": "apostrophe",
    '"': "quotation_mark",
    "(": "left_parenthesis",
    ")": "right_parenthesis",
    "[": "left_square_bracket",
    "]": "right_square_bracket",
    "{": "left_curly_bracket",
    "}": "right_curly_bracket",
    "|": "vertical_line",
    "~": "tilde",
    "^": "circumflex_accent",
    "`": "grave_accent",
    "@": "at",
    " ": "space",
}
"""Characters and the names that Textual gives their keys."""

CHARACTERS = {name: sign for sign, name in SIGNS.items() if sign != " "}
SAME_AS_ANOTHER = {"ctrl+i": "Tab", "ctrl+m": "Enter", "ctrl+h": "⌫", "ctrl+left_square_bracket": "Esc"}
"""Keys that many terminals cannot tell from another one."""


def key_name(text: str) -> str | None:
    """Textual's name of a key as people write it (`^P`, `Ctrl+P`, `?`, `F2`, `Shift+Up`); None when there is no such key."""
    text = text.strip()
    if len(text) > 1 and text[0] == "^":
        text = f"ctrl+{text[1:]}"
    *modifiers, base = (
        [text] if len(text) == 1 else text.split("+") if not text.endswith("+") else [*text[:-2].split("+"), "+"]
    )
    modifiers = [m.strip().lower() for m in modifiers if m.strip()]
    if any(m not in ("ctrl", "alt", "shift", "super", "meta", "hyper") for m in modifiers):
        return None
    base = base.strip() or " "
    if len(base) == 1:
        name = SIGNS.get(base) or (base.lower() if modifiers else base)
        if not base.isprintable() or not (base.isalnum() or base in SIGNS or unicodedata.name(base, "")):
            return None
    else:
        name = base.lower()
        readable = {value.lower(): key for key, value in NAMES.items()}
        name = readable.get(name, name)
        if name not in NAMES and name not in CHARACTERS:
            return None
    return "+".join([*modifiers, name])


def key_label(key: str) -> str:
    """A key as people read it: `^P`, `?`, `F2`, `⇧F6`, `Alt+1`."""
    *modifiers, base = key.split("+")
    text = t(f"key.{base}") if base in WORDS else NAMES.get(base) or CHARACTERS.get(base) or base
    if "ctrl" in modifiers:
        text = f"^{text.upper() if len(text) == 1 else text}"
    if "alt" in modifiers:
        text = f"Alt+{text}"
    if "shift" in modifiers:
        text = f"⇧{text}"
    return text


def character_of(key: str) -> str | None:
    """What a key types: `:` for `colon`; None for keys that type nothing."""
    return " " if key == "space" else CHARACTERS.get(key) or (key if len(key) == 1 else None)


def _split(keys: str) -> tuple[str, ...]:
    return tuple(key.strip() for key in keys.split(",") if key.strip())


VIM = {(action.context, key): action for action in ACTIONS for key in _split(action.vim)}
"""The overlay's keys: there they are taken from whoever else has them in the same context."""


@dataclass
class Keymap:
    """The keys in force. `own` are the ones from the key file, by action id."""

    overlay: str = ""
    own: dict[str, tuple[str, ...]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    source: Path | None = None

    @classmethod
    def load(cls, folder: Path) -> "Keymap":
        """Read `keys.yaml`, `keys.yml` or `keys.json`; the defaults when there is none."""
        for name in ("keys.yaml", "keys.yml", "keys.json"):
            path = folder / name
            if path.is_file():
                return cls._read(path)
        return cls()

    @classmethod
    def _read(cls, path: Path) -> "Keymap":
        keymap = cls(source=path)
        try:
            text = path.read_text(encoding="utf-8")
            if path.suffix == ".json":
                data = json.loads(text)
            else:
                import yaml

                data = yaml.safe_load(text)
        except (OSError, ValueError) as error:
            keymap.problems.append(t("keymap.unreadable", file=path.name, reason=str(error)))
            return keymap
        except Exception as error:  # yaml.YAMLError, imported only where a file asks for it
            mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
            where = t("keymap.line", file=path.name, line=mark.line + 1, column=mark.column + 1) if mark else path.name
            keymap.problems.append(t("keymap.unreadable", file=where, reason=problem or str(error).partition("\n")[0]))
            return keymap
        keymap._take(data)
        return keymap

    def _take(self, data: Any) -> None:
        if not isinstance(data, dict) or not isinstance(data.get("keys", {}), dict):
            self.problems.append(t("keymap.shape"))
            return
        for key in data:
            if key not in ("overlay", "keys"):
                self.problems.append(t("keymap.unknown-key", key=key))
        overlay = data.get("overlay", "")
        if overlay in ("", None, "console", "vim"):
            self.overlay = "vim" if overlay == "vim" else ""
        else:
            self.problems.append(t("keymap.unknown-overlay", overlay=overlay))
        for action, keys in data.get("keys", {}).items():
            self._bind(str(action), keys)
        self.problems += self.clashes()

    def _bind(self, action: str, keys: Any) -> None:
        if action not in BY_ID:
            from difflib import get_close_matches

            near = get_close_matches(action, BY_ID, 1)
            hint = t("keymap.did-you-mean", name=near[0]) if near else ""
            self.problems.append(t("keymap.unknown-action", action=action, hint=hint).strip())
            return
        wanted = keys if isinstance(keys, list) else str(keys).split(",") if str(keys) != "," else [","]
        names: list[str] = []
        for text in wanted:
            if str(text).strip().lower() == "none":
                continue
            name = key_name(str(text))
            if name is None:
                self.problems.append(t("keymap.no-such-key", action=action, key=text))
            elif name in SAME_AS_ANOTHER and len(wanted) == 1:
                self.problems.append(t("keymap.same-key", action=action, key=text, other=SAME_AS_ANOTHER[name]))
            else:
                names.append(name)
        if names or str(keys).strip().lower() == "none":
            self.own[action] = tuple(names)

    def keys_of(self, action: Action) -> tuple[str, ...]:
        """Textual names of the keys that run an action."""
        if action.id in self.own:
            return self.own[action.id]
        keys = _split(action.keys)
        if self.overlay != "vim":
            return keys
        return (*(key for key in keys if VIM.get((action.context, key), action) is action), *_split(action.vim))

    @cached_property
    def _actions(self) -> dict[tuple[str, str], Action]:
        pairs = [((action.context, key), action) for action in ACTIONS for key in self.keys_of(action)]
        return dict(reversed(pairs))  # of two actions with one key the first has it

    def action_of(self, key: str, context: str) -> Action | None:
        """What a key runs in a context."""
        return self._actions.get((context, key))

    def label(self, action: Action) -> str:
        """The first key as people read it; `g t` for places; "" for none."""
        keys = self.keys_of(action)
        if keys:
            return key_label(keys[0])
        return f"{self.label(BY_ID['app.leader'])} {action.leader}" if action.leader else ""

    def labels(self, action: Action) -> list[str]:
        """All ways to run an action, as people read them."""
        found = [key_label(key) for key in self.keys_of(action)]
        return [*found, f"{self.label(BY_ID['app.leader'])} {action.leader}"] if action.leader else found

    def textual(self) -> dict[str, str]:
        """For `App.set_keymap`: the actions whose keys differ from their declaration."""
        changed = [action for action in ACTIONS if self.keys_of(action) != _split(action.keys)]
        return {action.id: ",".join(self.keys_of(action)) or "unbound" for action in changed}

    def clashes(self) -> list[str]:
        """Keys that two actions of one context would share, or that would hide a global one."""
        found: list[str] = []
        taken: dict[tuple[str, str], Action] = {}
        for action in ACTIONS:
            for key in self.keys_of(action):
                other = taken.setdefault((action.context, key), action)
                if other is not action:
                    found.append(t("keymap.clash", key=key_label(key), one=other.id, two=action.id))
        for action in ACTIONS:
            if action.id in self.own and action.context != "global":
                found += [
                    t("keymap.hides", key=key_label(key), one=action.id, two=taken["global", key].id)
                    for key in self.keys_of(action)
                    if ("global", key) in taken
                ]
        return found
