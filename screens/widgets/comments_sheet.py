"""What people say about a record: read, write, answer, edit, and decide what is shown (R-078)."""

from collections.abc import Iterable
from typing import ClassVar, cast

from textual import work
from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from core.client import SovriumError
from core.contract.access import WhoAmI
from core.contract.comments import Comment, CommentList
from core.contract.tables import TableInfo
from screens.actions.binding import bindings_of
from screens.presenters.format.line import plain
from screens.presenters.history import author, threads
from screens.presenters.migration import local
from screens.services.context import Context
from screens.services.text import t
from screens.widgets.confirm import confirm
from screens.widgets.mention_area import MentionArea
from screens.widgets.sheet import Sheet
from screens.widgets.sql_editor import CompletionList

MOST = 200
"""Comments that are read."""


class CommentsSheet(Sheet[None]):
    """The comments above, the line to write in below, where one begins. ^S sends; Tab or ↑ goes to the comments, where
    letters are keys; Esc leaves, and what was typed is there again next time."""

    DEFAULT_CSS = """
    CommentsSheet > .sheet { width: 90; height: 92%; }
    CommentsSheet .sheet-body { height: 1fr; padding: 0 1; }
    CommentsSheet #comments { height: 1fr; max-height: 100%; }
    CommentsSheet TextArea { height: 4; border: none; background: $boost; }
    CommentsSheet #comments-what { height: 1; color: $foreground-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("comments")]
    action_context = "comments"

    def __init__(self, context: Context, info: TableInfo, key: str, name: str, *, why_barred: str = "") -> None:
        """why_barred: why nothing can be written here; "" when it can."""
        super().__init__(context, f"{t('comments.title')} · {name}")
        self.info, self.key, self.barred = info, key, why_barred
        self.shown: list[tuple[Comment, bool]] = []
        self.only_pending = False
        self.me: WhoAmI | None = None
        self.answered: Comment | None = None
        self.edited: Comment | None = None
        self.loaded = False

    def compose_body(self) -> Iterable[Widget]:
        yield OptionList(id="comments", compact=True, markup=False)
        yield Static(id="comments-what", markup=False)
        choices = CompletionList()
        yield MentionArea(self.context, choices)
        yield choices

    def on_mount(self) -> None:
        self.area.restore(self.context.session.get(self.draft_name, {}))
        if self.barred:
            self.area.display = False
        self._here.focus()
        self.load()

    @property
    def draft_name(self) -> str:
        """What is typed and not sent is kept under it."""
        return f"comment.{self.info['sqlName']}.{self.key}"

    @property
    def _here(self) -> Widget:
        """Where one goes on."""
        return self.listing if self.barred or self.only_pending else self.area

    @property
    def listing(self) -> OptionList:
        return self.query_one("#comments", OptionList)

    @property
    def area(self) -> MentionArea:
        return self.query_one(MentionArea)

    @work(exclusive=True, group="comments", exit_on_error=False)
    async def load(self) -> None:
        port = self.context.port
        if port is None:
            return
        try:
            self.me = self.me or await port.whoami()
            if self.only_pending:
                path = f"/api/tables/{self.info['sqlName']}/comments?status=pending&limit={MOST}&sort=createdAt:asc"
                found = cast(CommentList, await port.request("GET", path))
            else:
                found = await port.comments(self.info["sqlName"], self.key, limit=MOST)
        except SovriumError as error:
            self._tell(error.message)
            return
        self.shown, self.loaded = threads(found["comments"]), True
        self.paint()

    def paint(self) -> None:
        listing = self.listing
        at = listing.highlighted
        listing.clear_options()
        listing.add_options(Option(self.line(comment, answer)) for comment, answer in self.shown)
        last = len(self.shown) - 1
        listing.highlighted = (last if at is None else min(at, last)) if self.shown else None
        self.hint()
        self.refresh_bindings()

    def on_descendant_focus(self) -> None:
        self.hint()

    def hint(self) -> None:
        """What the line below is for, or what the comments are."""
        if self.edited is not None:
            self._tell(t("comments.editing"))
        elif self.answered is not None:
            self._tell(t("comments.replying", name=author(self.answered)))
        elif self.loaded and not self.shown:
            self._tell(t("comments.none_pending" if self.only_pending else "comments.none"))
        else:
            self._tell("" if self.barred else t("comments.keys" if self.area.has_focus else "comments.write"))

    @staticmethod
    def line(comment: Comment, answer: bool) -> Content:
        """Who and when, the text below; an answer further in. What is not shown to everybody says so."""
        inside = "    " if answer else "  "
        state = "" if comment["status"] == "approved" else f"  [{t('comments.' + comment['status'])}]"
        edited = f"  {t('comments.edited')}" if comment["updatedAt"] != comment["createdAt"] else ""
        text = "\n".join(inside + line for line in plain(comment["content"]).splitlines())
        return Content.assemble(
            (inside[2:] + ("↳ " if answer else "") + author(comment), "bold"),
            (f"  {local(comment['createdAt'])}{edited}", "dim"),
            (state, "bold $warning"),
            "\n",
            text,
        )

    def _tell(self, text: str) -> None:
        self.query_one("#comments-what", Static).update(text)

    def chosen(self) -> Comment | None:
        at = self.listing.highlighted
        return self.shown[at][0] if at is not None and at < len(self.shown) else None

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if event.option_list is self.listing:
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted or not action.startswith("comments_"):
            return True
        comment, me = self.chosen(), self.me
        own = comment is not None and me is not None and comment["userId"] == me["id"]
        admin = me is not None and me["admin"]
        match action:
            case "comments_send":
                return self.area.has_focus
            case "comments_list":
                return self.area.has_focus and bool(self.shown)
            case "comments_reply":
                return comment is not None and comment["parentCommentId"] is None and not self.only_pending
            case "comments_edit":
                return (own or (admin and comment is not None)) and not self.only_pending
            case "comments_remove":
                return own or (admin and comment is not None)
            case "comments_approve" | "comments_reject":
                return admin and comment is not None
            case "comments_queue":
                return admin
        return True

    # ── Writing ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def why_barred(self, action: str) -> str:
        return self.barred if action in ("comments_write", "comments_reply") else ""

    def _begin(self, *, parent: Comment | None = None, edited: Comment | None = None) -> None:
        self._end()
        self.answered, self.edited = parent, edited
        if edited is not None:
            self._keep_draft()
            self.area.text = edited["content"]
        self.area.move_cursor(self.area.document.end)
        self.area.focus()
        self.hint()

    def action_comments_write(self) -> None:
        self._begin()

    def action_comments_reply(self) -> None:
        self._begin(parent=self.chosen())

    def action_comments_edit(self) -> None:
        self._begin(edited=self.chosen())

    def action_comments_list(self) -> None:
        self.listing.focus()

    def action_dialog_leave(self) -> None:
        """Out of an answer or a change first."""
        if self.answered is None and self.edited is None:
            self._keep_draft()
            self.dismiss(None)
            return
        self._end()
        self.listing.focus()

    def _keep_draft(self) -> None:
        self.context.session.put(self.draft_name, self.area.draft or None)

    def _end(self) -> None:
        """An answer is a comment again, and a text that was changed gives way to what was typed before."""
        if self.edited is not None:
            self.area.restore(self.context.session.get(self.draft_name, {}))
        self.answered = self.edited = None

    @work(exclusive=True, group="send", exit_on_error=False)
    async def action_comments_send(self) -> None:
        """Send what was typed; it stays in the line when the server refuses it."""
        text, port = self.area.text.strip(), self.context.port
        if not text or port is None:
            return
        table = self.info["sqlName"]
        try:
            if self.edited is not None:
                await port.change_comment(table, self.key, self.edited["id"], content=text)
            else:
                parent = self.answered["id"] if self.answered is not None else None
                await port.comment(table, self.key, text, parent=parent, mentions=self.area.named)
        except SovriumError as error:
            self._tell(f"! {error.message}")
            return
        if self.edited is None:
            self.area.restore({})
            self._keep_draft()
        if self.answered is not None or self.edited is not None:
            self.listing.focus()
        self._end()
        self.listing.highlighted = None
        self.load()

    @work(exclusive=True, group="send", exit_on_error=False)
    async def action_comments_remove(self) -> None:
        comment, port = self.chosen(), self.context.port
        if comment is None or port is None:
            return
        if await confirm(self.app, t("comments.remove_ask"), plain(comment["content"])[:300]):
            await self._try(port.remove_comment(self.info["sqlName"], comment["recordId"], comment["id"]))

    @work(exclusive=True, group="send", exit_on_error=False)
    async def action_comments_approve(self) -> None:
        await self._decide("approved")

    @work(exclusive=True, group="send", exit_on_error=False)
    async def action_comments_reject(self) -> None:
        await self._decide("rejected")

    async def _decide(self, status: str) -> None:
        comment, port = self.chosen(), self.context.port
        if comment is not None and port is not None:
            await self._try(
                port.change_comment(self.info["sqlName"], comment["recordId"], comment["id"], status=status)
            )

    async def _try(self, call: object) -> None:
        try:
            await call  # type: ignore[misc]
        except SovriumError as error:
            self._tell(f"! {error.message}")
            return
        self.load()

    def action_comments_queue(self) -> None:
        """What waits for a decision in the whole table; again: what is said about this record."""
        self.only_pending = not self.only_pending
        self.area.display = not self.only_pending and not self.barred
        self._here.focus()
        self.load()
