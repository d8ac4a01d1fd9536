"""A text of SQL as statements: where each stands, what kind it is, what it would write to and whether it may run."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Literal

from core.sentence import Sentence, say
from core.sql.token import Token, tokens

Kind = Literal["select", "write", "schema", "other"]

READS = frozenset("SELECT FROM VALUES TABLE SHOW DESCRIBE DESC SUMMARIZE EXPLAIN PIVOT UNPIVOT".split())
WRITES = frozenset("INSERT UPDATE DELETE MERGE TRUNCATE".split())
SCHEMA = frozenset("CREATE ALTER DROP COMMENT".split())
CREATED = frozenset("TABLE VIEW SEQUENCE INDEX SCHEMA TYPE".split())
"""What SQL may create beside the app: no macros or functions, which could take the place of those that the engine calls."""
READING_PRAGMAS = frozenset("TABLE_INFO SHOW_TABLES SHOW_TABLES_EXPANDED DATABASE_SIZE VERSION FUNCTIONS".split())
NOISE = frozenset(
    "OR REPLACE IGNORE IF NOT EXISTS ONLY UNIQUE CONCURRENTLY UNLOGGED MATERIALIZED TEMP TEMPORARY".split()
)
OWN_PREFIXES = ("system_", "auth_", "mv_")
OWN_TRANSACTION = "Every statement is a transaction of its own here; F2 on the SQL screen begins one of several"
REFUSALS = {
    "BEGIN": OWN_TRANSACTION,
    "START": OWN_TRANSACTION,
    "COMMIT": OWN_TRANSACTION,
    "END": OWN_TRANSACTION,
    "ROLLBACK": OWN_TRANSACTION,
    "SAVEPOINT": OWN_TRANSACTION,
    "SET": "Settings of the database belong to the server",
    "RESET": "Settings of the database belong to the server",
    "PRAGMA": "Settings of the database belong to the server",
    "USE": "Settings of the database belong to the server",
    "ATTACH": "Other databases cannot be attached; `sovrium-tui init --from` takes data over from a file",
    "DETACH": "Other databases cannot be attached",
    "COPY": "SQL does not read or write files; use the commands import and export, or the console's",
    "EXPORT": "SQL does not read or write files; use the commands import and export, or the console's",
    "IMPORT": "SQL does not read or write files; use the commands import and export, or the console's",
    "INSTALL": "Extensions are not loaded",
    "LOAD": "Extensions are not loaded",
    "CHECKPOINT": "The server looks after its files by itself",
    "VACUUM": "The server looks after its files by itself",
    "ANALYZE": "The server looks after its files by itself",
    "PREPARE": "Prepared statements are not kept",
    "EXECUTE": "Prepared statements are not kept",
    "DEALLOCATE": "Prepared statements are not kept",
}


@dataclass(frozen=True)
class Statement:
    """One statement. `start` and `end` are character offsets in the text it came from; `text` has no semicolon."""

    text: str
    start: int
    end: int
    tokens: tuple[Token, ...] = field(repr=False)

    @cached_property
    def verb(self) -> str:
        """The word that says what it does: SELECT, INSERT, …; behind WITH the one after the common tables."""
        words = [token for token in self.tokens if token.kind == "word"]
        first = words[0].text if words else ""
        if first != "WITH":
            return first
        before = ""
        for token in self.outer():
            if token.text in READS | WRITES and before not in ("WITH", "RECURSIVE", ","):
                return token.text
            before = token.text
        return "SELECT"

    @cached_property
    def kind(self) -> Kind:
        if self.verb in READS or (self.verb == "PRAGMA" and self._word(1) in READING_PRAGMAS and not self._assigns()):
            return "select"
        if self.verb in WRITES:
            return "write"
        return "schema" if self.verb in SCHEMA else "other"

    @cached_property
    def targets(self) -> tuple[str, ...]:
        """Names that it would write to or change, common tables' included, without their schema, in lower case."""
        if self.kind == "write":
            return tuple(written(self.tokens))
        return tuple(self._changed()) if self.kind == "schema" else ()

    @property
    def only_reads(self) -> bool:
        """It changes nothing, neither from outside nor in a part of it."""
        return self.kind == "select" and not self.writes_within

    @property
    def writes_within(self) -> bool:
        """A part of it writes, whatever it looks like from outside."""
        return next(written(self.tokens), None) is not None

    def for_dialect(self, dialect: str) -> str:
        """The text as that database reads it, each token in its place: on DuckDB `public.` is `main.`."""
        if dialect != "duckdb":
            return self.text
        text, before = self.text, ""
        schemas: list[Token] = []
        for token, follower in zip(self.tokens, [*self.tokens[1:], None], strict=True):
            if token.is_name and token.text.lower() == "public" and before != ".":
                if follower is None or follower.text != ".":
                    return self.text  # something is called so: an alias, a column
                schemas.append(token)
            before = token.text if token.kind == "mark" else ""
        for token in schemas:
            start, end = token.start - self.start, token.end - self.start
            text = text[:start] + "main".ljust(end - start) + text[end:]
        return text

    def has(self, word: str) -> bool:
        """The word stands outside of all brackets."""
        return any(token.kind == "word" and token.text == word for token in self.outer())

    def mentions(self, name: str) -> bool:
        """The name stands anywhere in it."""
        return any(token.is_name and token.text.lower() == name for token in self.tokens)

    def outer(self) -> Iterator[Token]:
        """The tokens outside of all brackets."""
        depth = 0
        for token in self.tokens:
            if token.kind == "mark" and token.text in ")]}":
                depth -= 1
            if depth == 0:
                yield token
            if token.kind == "mark" and token.text in "([{":
                depth += 1

    def loss(self) -> str | None:
        """What would be lost for good, for the question before it; None when it takes a WHERE to lose anything."""
        name = ", ".join(self.targets) or say("the table")
        if self.verb in ("DELETE", "UPDATE") and not self.has("WHERE"):
            what = say("deletes") if self.verb == "DELETE" else say("changes")
            return say("{verb} without WHERE {what} every row of {name}", verb=self.verb, what=what, name=name)
        if self.verb == "TRUNCATE":
            return say("TRUNCATE deletes every row of {name}", name=name)
        if self.verb == "DROP":
            return say("DROP … drops {name} for good", name=name)
        return say("ALTER drops a part of {name}", name=name) if self.verb == "ALTER" and self.has("DROP") else None

    def refusal(self, app_tables: Collection[str]) -> tuple[str, str] | None:
        """Why it may not run, and what to do instead; None when it may."""
        if self.kind == "other":
            near = get_close_matches(self.verb, (*READS, *WRITES, *SCHEMA), 1, 0.7)
            reason = REFUSALS.get(self.verb) or not_run(self.verb, near[0] if near else "")
            return reason, say("SELECT, INSERT, UPDATE, DELETE and MERGE run here")
        for name in self.targets:
            if name.startswith(OWN_PREFIXES):
                reason = say("{name} is kept by the server and can only be read", name=name)
                return reason, say("change data through the app's own tables")
        if any(map(_escapes_names, self.tokens, self.tokens[1:], self.tokens[2:])):
            return say('Names with escapes (U&"…") are not read here'), say("write the name as it is")
        if self.kind == "schema":
            return self._schema_refusal(app_tables)
        return None

    def _schema_refusal(self, app_tables: Collection[str]) -> tuple[str, str] | None:
        for name in self.targets:
            if name in app_tables:
                reason = say("{name} is described by the app file", name=name)
                return reason, say("change the app file, then run `sovrium-tui migrate`")
        what = self._object()
        if what not in CREATED or any(self._has_word(word) for word in ("TEMP", "TEMPORARY")):
            known = say("{names} are, beside the app's tables", names=", ".join(sorted(CREATED)))
            return not_run(f"{self.verb} {what}"), known
        return None

    def _changed(self) -> Iterator[str]:
        """Names that a schema statement creates, alters, drops, or puts an index on."""
        listing = list(self.tokens)
        what = self._object()
        index = next((i for i, token in enumerate(listing) if token.kind == "word" and token.text == what), 0)
        if what in ("INDEX", "TRIGGER") and self.verb == "CREATE":
            while index < len(listing) and listing[index].text != "ON":
                index += 1
        while index < len(listing):
            name, index = name_after(listing, index)
            if name:
                yield name
            if index >= len(listing) or listing[index].text != "," or self.verb != "DROP":
                return

    def _object(self) -> str:
        """TABLE, VIEW, … of a schema statement."""
        words = [token.text for token in self.tokens if token.kind == "word" and token.text not in NOISE]
        if self.verb == "COMMENT":
            words = words[1:]
        return words[1] if len(words) > 1 else ""

    def _word(self, number: int) -> str:
        words = [token.text for token in self.tokens if token.kind == "word"]
        return words[number] if number < len(words) else ""

    def _has_word(self, word: str) -> bool:
        return any(token.kind == "word" and token.text == word for token in self.tokens[:4])

    def _assigns(self) -> bool:
        return any(token.text == "=" for token in self.tokens)


def not_run(verb: str, near: str = "") -> Sentence:
    """A statement that begins with that word is none of ours; `near` is one that is, if the word is like it."""
    if near:
        return say("{verb} is not run here, did you mean {near}?", verb=verb, near=near)
    return say("{verb} is not run here", verb=verb) if verb else say("This is not run here")


def _escapes_names(first: Token, second: Token, third: Token) -> bool:
    """`U&"…"`, which can spell any name."""
    return first.text == "U" and second.text == "&" and third.kind == "quoted" and first.end + 1 == third.start


def split(sql: str) -> list[Statement]:
    """The statements of a text, those between semicolons; empty ones are left out."""
    found: list[Statement] = []
    piece: list[Token] = []
    for token in [*tokens(sql), Token("mark", ";", len(sql), len(sql))]:
        if token.kind != "mark" or token.text != ";":
            piece.append(token)
        elif piece:
            start, end = piece[0].start, piece[-1].end
            found.append(Statement(sql[start:end], start, end, tuple(piece)))
            piece = []
    return found


def statement_at(sql: str, offset: int) -> Statement | None:
    """The statement at a cursor: the one it stands in or right behind, else the next, else the last."""
    statements = split(sql)
    for statement in statements:
        if offset <= statement.end or (sql[statement.end : offset].strip(" \t;") == "" and offset <= statement.end + 1):
            return statement
    return statements[-1] if statements else None


def written(listing: Sequence[Token]) -> Iterator[str]:
    """Targets of INSERT, UPDATE, DELETE, MERGE and TRUNCATE, at any depth."""
    previous = ""
    for index, token in enumerate(listing):
        word = token.text if token.kind == "word" else ""
        follower = listing[index + 1].text if index + 1 < len(listing) else ""
        named = (
            (word == "INTO" and previous in ("INSERT", "MERGE", "REPLACE", "IGNORE"))
            or (word == "FROM" and previous == "DELETE")
            or (word == "UPDATE" and previous not in ("DO", "FOR", "THEN", "KEY") and follower != "SET")
            or (word == "TABLE" and previous == "TRUNCATE")
            or (word == "TRUNCATE" and follower != "TABLE")
        )
        while named:
            name, after = name_after(listing, index)
            if name:
                yield name
            named = "TRUNCATE" in (word, previous) and after < len(listing) and listing[after].text == ","
            index = after
        previous = token.text if token.kind in ("word", "mark") else ""


def name_after(listing: Sequence[Token], index: int) -> tuple[str, int]:
    """The last part of the (qualified) name behind a position, in lower case, and the position behind it; "" for none."""
    index += 1
    while index < len(listing) and listing[index].kind == "word" and listing[index].text in NOISE | {"ON"}:
        index += 1
    name = ""
    while index < len(listing) and listing[index].is_name:
        name = listing[index].text.lower()
        index += 1
        if index < len(listing) and listing[index].text == ".":
            index += 1
        else:
            break
    return name, index
