"""The keys of `auth` with what the app file says and what a draft would have it say. No Textual."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from core.contract.auth_setting import AuthSetting, AuthSettings
from screens.presenters.auth_value import shown
from screens.presenters.draft import Change, Draft

WAYS = "strategies"
Path = tuple[str, ...]
SECTIONS: Mapping[str, tuple[str, ...]] = {
    "ways": (WAYS, "enabled", "allowSignUp", "emailOtp", "invitationTokenExpiry", "enumerationSafe"),
    "password": (f"{WAYS}.emailAndPassword",),
    "second": ("twoFactor", "mfa"),
    "sessions": ("session", "jwt"),
    "limits": ("rateLimit",),
    "links": ("redirects", "trustedOrigins", "landingPath", "noAccessPath", "links"),
    "people": ("defaultRole", "roles", "groups", "scopeTables"),
    "admin": ("adminApi", "hideAdminApi", "local", "impersonation"),
    "audit": ("audit",),
    "mail": ("emailTemplates",),
}
"""What stands together. A test finds the key that has no section."""
STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


@cache
def section_of(path: Path) -> str:
    """The section of a key; "" for one that nobody has thought of."""
    if len(path) == 2 and path[0] == WAYS:
        return "ways"
    found = {
        len(prefix): name
        for name, prefixes in SECTIONS.items()
        for prefix in prefixes
        if path[: prefix.count(".") + 1] == tuple(prefix.split("."))
    }
    return found[max(found)] if found else ""


def label_of(path: Path) -> str:
    """A key as its section calls it: without what all of the section begin with."""
    if path[0] == WAYS and len(path) > 2:
        indent = "  " if section_of(path) == "ways" else ""
        return f"{indent}{'.'.join(path[2:])}"
    if path[0] == WAYS:
        return path[1]
    return ".".join(path[1:] if path[0] == "emailTemplates" else path)


class AuthDraft(Draft):
    """`settings` are all keys by their path, `said` is what the file would say with all steps made."""

    def __init__(self) -> None:
        super().__init__()
        self.settings: dict[Path, AuthSetting] = {}
        self.said: dict[Path, Any] = {}
        self.accounts = False
        self._before: dict[Path, Any] = {}
        self._listed: list[str] = []
        self._ways: list[str] = []

    def renew(self, found: AuthSettings) -> None:
        """Begin with what the server has now; the steps stay."""
        self.settings = {tuple(each["path"]): each for each in found["settings"]}
        self._before = {path: each["value"] for path, each in self.settings.items() if each["written"]}
        self._listed, self.accounts = found["ways"], found["accounts"]
        self._replay()

    def _replay(self) -> None:
        self.said, self._ways = dict(self._before), list(self._listed)
        for step in self.steps:
            self._take(tuple(step["path"]), step.get("value"))

    def _take(self, path: Path, value: Any) -> None:
        if value is None:
            self.said = {each: held for each, held in self.said.items() if each[: len(path)] != path}
        else:
            self.said[path] = value
            above = path[:2] if path[0] == WAYS else path[:1]
            if above != path and above in self.settings:  # a key brings the way in, or the switch, that it belongs to
                self.said[above] = True
        if path[0] == WAYS:
            on = (WAYS, path[1]) in self.said
            self._ways = [each for each in self._ways if each != path[1] or on]
            if on and path[1] not in self._ways:
                self._ways.append(path[1])

    # ── Reading ──

    def value(self, path: Path) -> Any:
        """What holds: what is said, else the default."""
        return self.said.get(path, self.settings[path]["default"])

    def text(self, path: Path) -> str:
        return shown(self.settings[path], self.value(path))

    def is_said(self, path: Path) -> bool:
        return path in self.said

    def is_changed(self, path: Path) -> bool:
        return self.said.get(path, ...) != self._before.get(path, ...)

    def keys(self, section: str) -> list[Path]:
        """The keys of a section, in its order; those of a way in only where people may come in by it."""
        prefixes = SECTIONS[section]
        own = [path for path in self.settings if section_of(path) == section and self._is_offered(path)]
        first = {prefix.partition(".")[0]: at for at, prefix in enumerate(prefixes)}
        return sorted(own, key=lambda path: first[path[0]])

    def _is_offered(self, path: Path) -> bool:
        return path[0] != WAYS or len(path) == 2 or (WAYS, path[1]) in self.said

    # ── Steps ──

    def change(self, path: Path, value: Any) -> Change:
        """A step that has a key say something; None takes it away."""
        step: Change = {"op": "set-auth", "path": list(path)}
        return step if value is None else {**step, "value": value}

    def flip(self, path: Path) -> Change:
        """A step that turns a switch. Where the file says nothing, it says nothing again for the default."""
        wanted = not self.value(path)
        silent = path not in self._before or path[0] == WAYS or path in self._sections()
        return self.change(path, None if silent and wanted == self.settings[path]["default"] else wanted)

    def _sections(self) -> set[Path]:
        """Keys that stand above others: turned off, they leave with them."""
        return {path[:1] for path in self.settings if len(path) > 1} & set(self.settings)

    # ── Verdict ──

    def found_wrong(self) -> tuple[dict[Path, list[str]], list[dict[str, Any]]]:
        """What the server says of the draft: messages by key, and what is wrong elsewhere in the app."""
        return self.sort(self.verdict["problems"] if self.verdict is not None else ())

    def sort(self, problems: Sequence[Mapping[str, Any]]) -> tuple[dict[Path, list[str]], list[dict[str, Any]]]:
        """Problems by the key that they are told at, and the others."""
        here: dict[Path, list[str]] = {}
        elsewhere: list[dict[str, Any]] = []
        for problem in problems:
            path = self.place(str(problem["path"]), str(problem["message"]))
            if path is None:
                elsewhere.append(dict(problem))
            else:
                hint = f" ({problem['hint']})" if problem.get("hint") else ""
                here.setdefault(path, []).append(f"{problem['message']}{hint}")
        return here, elsewhere

    def place(self, text: str, message: str) -> Path | None:
        """The key at which a problem's place lies: `auth.strategies[0].providers[1]` is that of `providers`. Of a place
        above keys it is the one that the message names, else the first; None for what is no key of `auth`."""
        steps = [int(number) if number else name for number, name in STEP.findall(text)]
        if len(steps) < 2 or steps[0] != "auth":
            return None
        path = [str(step) for step in steps[1:]]
        if path[:1] == [WAYS] and len(steps) > 2 and isinstance(steps[2], int) and steps[2] < len(self._ways):
            path[1] = self._ways[steps[2]]
        below = [each for each in self.settings if each[: len(path)] == tuple(path)]
        named = [each for each in below if len(each) > len(path) and each[-1] in message.split()]
        inside = [each for each in self.settings if tuple(path[: len(each)]) == each]
        return next(iter([*named, *sorted(inside, key=len, reverse=True), *below]), None)
