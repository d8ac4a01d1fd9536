"""`/api/console/views`: windows of an ordered reading of a table; values and links for filters and pickers."""

from core.auth.store import find_people
from core.contract.console import Blocks, Found, Frequency, LinkHits, People, View, ViewSpec, Window
from core.http.answer import Answer, as_json, empty
from core.http.call import Call
from core.http.route import Parameter, RouteFamily
from core.storage.database import Call as Job

WINDOW_MOST = 1024

routes = RouteFamily("console")

FIELDS = Parameter("names separated by commas; all when absent")
WINDOW = {
    "start": Parameter("position of the first row, from 0", "integer", least=0),
    "limit": Parameter("rows", "integer", least=1, most=WINDOW_MOST),
    "fields": FIELDS,
}
FIND = {
    "text": Parameter("what to look for, whatever its case", required=True),
    "from": Parameter("position to start at", "integer", least=0),
    "direction": Parameter("which way to look", choices=("next", "previous")),
    "fields": FIELDS,
}
VALUES = {
    "field": Parameter("the field", required=True),
    "prefix": Parameter("only values that begin so"),
    "limit": Parameter("values", "integer", least=1, most=1000),
}


@routes.add("POST", "/api/console/views", body=ViewSpec, answers={201: View}, errors=(404,), counter="read")
async def open_view(call: Call) -> Answer:
    """Open a view: a filtered, ordered reading that is paged by position."""
    spec: ViewSpec = await call.checked()
    return as_json(await call.engine.views.open(spec, call.principal), 201)


@routes.add("GET", "/api/console/views/{view}", answers={200: View}, errors=(404,))
async def view(call: Call) -> Answer:
    """A view's count, and whether its order stands."""
    return as_json(await call.engine.views.get(call.segments["view"], call.principal))


@routes.add("DELETE", "/api/console/views/{view}", answers={204: None}, errors=(404,))
async def close_view(call: Call) -> Answer:
    """Close a view."""
    await call.engine.views.close(call.segments["view"], call.principal)
    return empty()


@routes.add("GET", "/api/console/views/{view}/window", query=WINDOW, answers={200: Window}, errors=(404,))
async def window(call: Call) -> Answer:
    """Rows of a view from a position on."""
    start, limit, fields = call.integer("start", 0), call.integer("limit", 100), call.names("fields")
    view, views = call.segments["view"], call.engine.views
    found = await views.window(view, start, limit, fields, call.principal)
    scope = views.reading(view, call.principal).scope
    if computing := await call.engine.generated.unsettled(call.principal, scope.table, found["keys"], scope.hidden):
        found["computing"] = computing
    return as_json(found)


@routes.add(
    "GET",
    "/api/console/views/{view}/groups",
    query={"aggregate": Parameter("`amount:sum,amount:avg`")},
    answers={200: Blocks},
    errors=(404,),
)
async def groups(call: Call) -> Answer:
    """The groups of a view with their positions, and aggregates."""
    aggregate = call.text("aggregate")
    return as_json(await call.engine.views.groups(call.segments["view"], aggregate, call.principal))


@routes.add("GET", "/api/console/views/{view}/find", query=FIND, answers={200: Found}, errors=(404,))
async def find(call: Call) -> Answer:
    """The next row of a view that holds a text."""
    backward = call.text("direction") == "previous"
    found = await call.engine.views.find(
        call.segments["view"],
        call.required("text"),
        call.integer("from", 0),
        backward=backward,
        fields=call.names("fields"),
        principal=call.principal,
    )
    return as_json(found)


@routes.add(
    "GET",
    "/api/console/views/{view}/locate",
    query={"key": Parameter("the record's key", required=True)},
    answers={200: Found},
    errors=(404,),
)
async def locate(call: Call) -> Answer:
    """The position of a record in a view."""
    return as_json(await call.engine.views.locate(call.segments["view"], call.required("key"), call.principal))


@routes.add("GET", "/api/console/tables/{table}/values", query=VALUES, answers={200: Frequency}, errors=(404,))
async def values(call: Call) -> Answer:
    """The values of a field with their counts, the most frequent first."""
    found = await call.engine.views.values(
        call.segments["table"],
        call.required("field"),
        prefix=call.text("prefix"),
        limit=call.integer("limit", 50),
        principal=call.principal,
    )
    return as_json(found)


@routes.add(
    "GET",
    "/api/console/tables/{table}/links/{field}",
    query={"q": Parameter("a part of the label, or a key")},
    answers={200: LinkHits},
    errors=(404,),
)
async def links(call: Call) -> Answer:
    """Records that a link field may name."""
    found = await call.engine.views.links(
        call.segments["table"], call.segments["field"], call.text("q"), call.principal
    )
    return as_json(found)


@routes.add("GET", "/api/console/people", query={"q": Parameter("a part of a name or address")}, answers={200: People})
async def people(call: Call) -> Answer:
    """Accounts for a picker."""
    if call.engine.app.auth is None or call.principal.is_anonymous:  # who says of nobody who they are
        return as_json({"people": [], "me": call.principal.id})
    text = call.text("q")
    found = await call.engine.database.read(Job(lambda reader: find_people(reader, text)), lane="point")
    return as_json({"people": found, "me": call.principal.id})
