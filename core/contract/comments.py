"""`/api/tables/{t}/records/{r}/comments`: what people say about a record (spec tables-records §10.10)."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from core.contract.activity import Person


class Mention(TypedDict):
    """Where in the text, unless it was named beside it."""

    userId: str
    start: NotRequired[int]
    end: NotRequired[int]


class Comment(TypedDict):
    """`status`: approved, pending, rejected. `guestName` where nobody was signed in; `guestEmail` is told to administrators
    alone."""

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
    mentions: NotRequired[list[Mention]]
    guestEmail: NotRequired[str]


class CommentPage(TypedDict):
    total: int
    limit: int
    offset: int
    hasMore: bool


class CommentList(TypedDict):
    """`GET …/comments?limit=&offset=&sort=createdAt:asc`; `pagination` only with a limit."""

    comments: list[Comment]
    pagination: NotRequired[CommentPage]
    unreadCount: NotRequired[int]


class CommentBody(TypedDict):
    """`content`, or `body`. `honeypot` stays empty: only robots fill it."""

    content: NotRequired[str]
    body: NotRequired[str]
    parentCommentId: NotRequired[str | None]
    mentions: NotRequired[list[str]]
    guestName: NotRequired[str | None]
    guestEmail: NotRequired[str | None]
    honeypot: NotRequired[Any]


class CommentChange(TypedDict):
    content: NotRequired[str]
    body: NotRequired[str]
    mentions: NotRequired[list[str]]
    status: NotRequired[str]


class CommentAnswer(TypedDict):
    comment: Comment


class CommentCreated(TypedDict):
    comment: Comment
    status: str


class Notification(TypedDict):
    id: str
    kind: Literal["mention", "reply"]
    tableId: str
    recordId: str
    commentId: str
    excerpt: str
    createdAt: str
    readAt: str | None


class NotificationList(TypedDict):
    notifications: list[Notification]
    unreadCount: int


class NotificationIds(TypedDict):
    """All, when absent."""

    ids: NotRequired[list[str]]


class Done(TypedDict):
    success: bool
