"""Writes the generated parts of the documentation, and checks that they and all links are right.

    python docs/generate.py          write
    python docs/generate.py --check  fail when a part is out of date or a link leads nowhere

A generated part stands between `<!-- generated: name -->` and `<!-- end -->`; `PARTS` says who writes it.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
PART = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n)(?P<text>.*?)(<!-- end -->)", re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)#\s]+)[^)]*\)")


def field_types() -> str:
    """A row per field type: what it is, how it is stored, its own keys, its filters."""
    from core.fields.operator import OPERATORS
    from core.fields.registry import FIELD_TYPES

    lines = ["| Type | What it is | Own keys | Filters | Default |", "| --- | --- | --- | --- | --- |"]
    for kind in FIELD_TYPES:
        keys = ", ".join(f"`{field.alias}`" for field in kind.Options.model_fields.values()) or "–"
        default = "yes" if kind.takes_default else "–"
        lines.append(f"| `{kind.name}` | {FIELD_TYPES.about(kind.name)} | {keys} | {kind.family} | {default} |")
    lines += ["", "Filters, by the family named above:", "", "| Family | Operators |", "| --- | --- |"]
    lines += [f"| {family} | {', '.join(names)} |" for family, names in OPERATORS.items()]
    return "\n".join(lines) + "\n"


def formula_functions() -> str:
    """A row per function of the formula language, by group."""
    from core.formulas.function import FUNCTIONS

    lines: list[str] = []
    for group in dict.fromkeys(function.group for function in FUNCTIONS.values()):
        lines += [f"### {group}", "", "| Function | What it gives | Example |", "| --- | --- | --- |"]
        for function in (each for each in FUNCTIONS.values() if each.group == group):
            cells = [f"`{function.usage}`", function.doc, f"`{function.example}`"]
            lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
        lines.append("")
    return "\n".join(lines[:-1]) + "\n"


def keys() -> str:
    """The keys of each context, from the actions."""
    from screens.actions.registry import ACTIONS
    from screens.services.keymap import Keymap, key_label
    from screens.services.text import t

    lines: list[str] = []
    for context in dict.fromkeys(action.context for action in ACTIONS):
        lines += [
            f"### {t(f'context.{context}')}",
            "",
            "| Keys | Id | What it does | vim adds |",
            "| --- | --- | --- | --- |",
        ]
        for action in (action for action in ACTIONS if action.context == context):
            shown = " ".join(f"`{label}`" for label in Keymap().labels(action)).replace("|", "\\|") or "palette"
            vim = " ".join(f"`{key_label(key)}`" for key in action.vim.split(",") if key) or ""
            what = f"**{t(f'actions.{action.id}')}.** {t(f'actions.{action.id}.help')}"
            lines.append(f"| {shown} | `{action.id}` | {what} | {vim} |")
        lines.append("")
    return "\n".join(lines[:-1]) + "\n"


def commands() -> str:
    """The help of every command."""
    from sovrium_tui.cli.reference import command_reference

    return command_reference()


def api_routes() -> str:
    """A row per route, as they are declared."""
    from core.http.routes import all_routes

    lines = ["| Method | Address | What it does |", "| --- | --- | --- |"]
    for route in sorted(all_routes(), key=lambda route: route.path):
        what = re.sub(r" \([A-Z]-\d+\)", "", route.summary)
        lines.append(f"| {route.method} | `{route.path}` | {what} |")
    return "\n".join(lines) + "\n"


def api_errors() -> str:
    """A row per status of an error, with its codes."""
    import core.errors
    import core.http.error
    from core.errors import SovriumError
    from core.http.openapi import REASONS
    from core.http.protocol import REFUSALS
    from core.sql.run import ConfirmNeeded

    known = [*vars(core.errors).values(), *vars(core.http.error).values(), ConfirmNeeded]
    kinds = [kind for kind in known if isinstance(kind, type) and issubclass(kind, SovriumError)]
    codes = [(kind.status, kind.code) for kind in kinds] + [(status, code) for status, (code, _) in REFUSALS.items()]
    codes.append((422, "VALIDATION_ERROR"))
    lines = ["| Status | `code` | When |", "| --- | --- | --- |"]
    for status, reason in REASONS.items():
        of_status = sorted({code for each, code in codes if each == status} - {"MIGRATION_REFUSED", "SCHEMA_ERROR"})
        lines.append(f"| {status} | {', '.join(f'`{code}`' for code in of_status)} | {reason} |")
    return "\n".join(lines) + "\n"


def auth_keys() -> str:
    """A row per key of the section `auth`, and a table per strategy."""
    sys.path.insert(0, str(Path(__file__).parent))
    from auth_table import auth_table

    return auth_table()


def coverage_of_points() -> str:
    """A row per point of the specification, with a test that names it."""
    sys.path.insert(0, str(Path(__file__).parent))
    from points import coverage

    return coverage()


PARTS: dict[str, Callable[[], str]] = {
    "auth-keys": auth_keys,
    "api-errors": api_errors,
    "api-routes": api_routes,
    "commands": commands,
    "coverage": coverage_of_points,
    "field-types": field_types,
    "formula-functions": formula_functions,
    "keys": keys,
}
"""Name → text, with a line break at the end."""


def pages() -> list[Path]:
    """README and its siblings, docs, the sample apps' pages."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "sample_apps").rglob("*.md")])


def filled(text: str) -> str:
    """The page with its generated parts as they should be; KeyError for a part that nobody writes."""
    return PART.sub(lambda part: f"{part[1]}{PARTS[part['name']]()}{part[4]}", text)


def dead_links(page: Path, text: str) -> list[str]:
    """Targets inside the repository that do not exist."""
    targets = [match["target"] for match in LINK.finditer(text)]
    return [t for t in targets if "://" not in t and not t.startswith("mailto:") and not (page.parent / t).exists()]


def main(check: bool) -> int:
    """Write or check all pages; the number of findings."""
    findings: list[str] = []
    for page in pages():
        text = page.read_text(encoding="utf-8")
        wanted = filled(text)
        name = page.relative_to(ROOT)
        findings += [f"{name}: dead link {target}" for target in dead_links(page, text)]
        if wanted != text and check:
            findings.append(f"{name}: generated parts are out of date; run `make docs`")
        elif wanted != text:
            page.write_text(wanted, encoding="utf-8")
    for finding in findings:
        print(finding, file=sys.stderr)  # noqa: T201
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
