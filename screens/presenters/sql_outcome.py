"""What came of SQL, in words: of a statement, of a tab, of its transaction."""

from core.contract.console import SqlStatement
from screens.presenters.format.line import one_line
from screens.presenters.sql_session import SqlTab
from screens.services.number import grouped
from screens.services.text import t
from screens.services.wording import in_words


def tab_name(tab: SqlTab) -> str:
    """A tab's name, marked while it has a transaction open."""
    name = t("sql.tab", name=tab.name)
    return t("sql.transaction.mark", name=name) if tab.transaction else name


def transaction_text(tab: SqlTab) -> str:
    """What the status line says of a tab's transaction."""
    if tab.transaction is None:
        return ""
    count = len(tab.transaction.statements)
    return t("sql.transaction.state", count=count) if count else t("sql.transaction.state")


def head_of(statement: SqlStatement) -> str:
    """A few words of a statement, for its tab."""
    text = one_line(" ".join(statement["text"].split()))
    return text if len(text) <= 24 else text[:23] + "…"


def reads_on(statement: SqlStatement, tab: SqlTab) -> bool:
    """An export has rows that were not kept: what only reads is read again."""
    return statement.get("more", False) and statement["kind"] == "select" and not tab.tried


def outcome_text(statement: SqlStatement, tab: SqlTab) -> str:
    """What came of a statement, in words."""
    state = statement["state"]
    if state == "failed" and "problem" in statement:
        problem = statement["problem"]
        message = in_words(problem, "message")["message"]
        if "line" in problem:
            line, column = tab.place_of(problem)
            return t("sql.failed", line=line, column=column, message=message)
        return t("sql.failed.nowhere", message=message)
    if tab.running and state in ("running", "waiting"):
        return t("sql.running", seconds=tab.seconds)
    if state != "done":
        return t(f"sql.{state}")
    if "changed" in statement:
        key = "sql.transaction.tried" if tab.tried else "sql.changed"
        return t(key, count=statement["changed"], shown=grouped(statement["changed"]))
    if "rowCount" in statement:
        more = "sql.rows.more" if reads_on(statement, tab) else "sql.rows.kept"
        key = more if statement.get("more") else "sql.rows"
        count = {} if statement.get("more") else {"count": statement["rowCount"]}
        return t(key, shown=grouped(statement["rowCount"]), **count)
    return t("sql.done")
