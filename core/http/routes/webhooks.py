"""Webhooks of a table and what became of their calls (spec tables-records §10.14)."""

from core.contract.webhooks import DeliveryDetail, DeliveryList, DeliveryRetry, WebhookList, WebhookTest
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.route import Parameter, RouteFamily
from core.http.routes.tables import table_of
from core.webhooks.service import STATUSES

routes = RouteFamily("webhooks")
WEBHOOKS = "/api/tables/{table}/webhooks"
DELIVERIES = WEBHOOKS + "/{webhook}/deliveries"
LIST = {
    "status": Parameter("only those", choices=STATUSES),
    "limit": Parameter("deliveries a page (20); at most 100 are given", "integer", least=1),
    "cursor": Parameter("`nextCursor` of the page before"),
}


@routes.add("GET", WEBHOOKS, answers={200: WebhookList}, errors=(404,), needs="read")
async def list_webhooks(call: Call) -> Answer:
    """The webhooks of a table."""
    return as_json(call.engine.webhooks.list(call.principal, table_of(call)))


@routes.add("GET", DELIVERIES, query=LIST, answers={200: DeliveryList}, errors=(404,), needs="update")
async def list_deliveries(call: Call) -> Answer:
    """Calls of a webhook, the newest first."""
    name = call.segments["webhook"]
    return as_json(await call.engine.webhooks.deliveries(call.principal, table_of(call), name, call.query))


@routes.add("GET", DELIVERIES + "/{delivery}", answers={200: DeliveryDetail}, errors=(404,), needs="update")
async def get_delivery(call: Call) -> Answer:
    """One call with what was sent and answered."""
    name, delivery = call.segments["webhook"], call.segments["delivery"]
    return as_json(await call.engine.webhooks.delivery(call.principal, table_of(call), name, delivery))


@routes.add("POST", DELIVERIES + "/{delivery}/retry", answers={200: DeliveryRetry}, errors=(404,), needs="update")
async def retry_delivery(call: Call) -> Answer:
    """Call once more."""
    name, delivery = call.segments["webhook"], call.segments["delivery"]
    return as_json(await call.engine.webhooks.retry(call.principal, table_of(call), name, delivery))


@routes.add("POST", WEBHOOKS + "/{webhook}/test", answers={200: WebhookTest}, errors=(404,), needs="update")
async def test_webhook(call: Call) -> Answer:
    """Call the other server now, with the event `webhook.test`."""
    return as_json(await call.engine.webhooks.test(call.principal, table_of(call), call.segments["webhook"]))
