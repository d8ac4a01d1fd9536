"""Webhooks of tables: spec tables-records §10.14."""

from typing import Any, NotRequired

from typing_extensions import TypedDict


class WebhookInfo(TypedDict):
    name: str
    url: str
    events: list[str]
    enabled: bool


class WebhookList(TypedDict):
    webhooks: list[WebhookInfo]


class Delivery(TypedDict):
    """`status`: pending, success, failed. `duration` in milliseconds."""

    id: str
    webhookName: str
    event: str
    status: str
    httpStatus: int | None
    attemptCount: int
    requestedAt: str | None
    completedAt: str | None
    duration: float | None
    error: str | None


class DeliveryList(TypedDict):
    deliveries: list[Delivery]
    nextCursor: str | None
    totalCount: int


class DeliveryDetail(Delivery):
    """`attempts`: each with its time, status, duration and error."""

    recordId: str | None
    requestHeaders: dict[str, str] | None
    requestBody: NotRequired[str]
    responseHeaders: dict[str, str] | None
    responseBody: str | None
    attempts: list[dict[str, Any]]


class DeliveryRetry(TypedDict):
    deliveryId: str
    status: str


class WebhookTest(TypedDict):
    success: bool
    httpStatus: int | None
    duration: float
    responseBody: str | None
    error: str | None
