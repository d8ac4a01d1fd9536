"""`/api/tables/{t}/records/{r}/comments`: what people say about a record (spec tables-records §10.10)."""

from typing import Any, NotRequired

from typing_extensions import TypedDict

from core.contract.activity import HistoryPage, Person


class Comment(TypedDict):
    """`status`: approved, pending, rejected. `guestName` where nobody was signed in."""

    id: str
    tableId: str
    recordId: str
    userId: str | None
    content: str
    parentCommentId: str | None
    createdAt: str
    updatedAt: str
    user: Person | None
    guestName: str | None
    status: str
    mentions: NotRequired[list[Any]]


class CommentList(TypedDict):
    """`GET …/comments?limit=&offset=&sort=createdAt:asc`; `pagination` only with a limit."""

    comments: list[Comment]
    pagination: NotRequired[HistoryPage]
    unreadCount: NotRequired[int]
