"""`/api/tables/{t}/views`: views of the app file, personal views, preferences (spec tables-records §7.3)."""

from typing import Any

from core.contract.records import RecordList
from core.contract.views import (
    Done,
    Preferences,
    PreferencesBody,
    Refreshed,
    UserView,
    UserViewBody,
    ViewDetail,
    ViewSummary,
)
from core.errors import BadRequest, Invalid
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.route import RouteFamily
from core.http.routes.records import PAGE
from core.http.routes.tables import table_of
from core.http.shape import check

routes = RouteFamily("views")


@routes.add("GET", "/api/tables/{table}/views", answers={200: list[ViewSummary]}, errors=(404,), needs="read")
async def schema_views(call: Call) -> Answer:
    """The views of a table that the caller may see."""
    return as_json(call.engine.schema_views.listed(call.principal, table_of(call)))


@routes.add("GET", "/api/tables/{table}/views/{view}", answers={200: ViewDetail}, errors=(404,), needs="read")
async def schema_view(call: Call) -> Answer:
    """A view's configuration."""
    return as_json(call.engine.schema_views.get(call.principal, table_of(call), call.segments["view"]))


@routes.add(
    "GET",
    "/api/tables/{table}/views/{view}/records",
    query=PAGE,
    answers={200: RecordList},
    errors=(404,),
    needs="read",
    public_views=True,
)
async def view_records(call: Call) -> Answer:
    """A page of a view's records; the request's filter narrows it, its sort replaces the view's."""
    found = await call.engine.schema_views.records(call.principal, table_of(call), call.segments["view"], call.query)
    return as_json(found)


@routes.add("POST", "/api/tables/{table}/views/{view}/refresh", answers={200: Refreshed}, errors=(404,))
async def refresh(call: Call) -> Answer:
    """Take the stored result of a materialized view anew (admins)."""
    call.require_admin()
    rows = await call.engine.schema_views.refresh(call.principal, table_of(call), call.segments["view"])
    return as_json({"success": True, "rows": rows})


@routes.add("GET", "/api/tables/{table}/user-views", answers={200: list[UserView]}, errors=(404,))
async def user_views(call: Call) -> Answer:
    """The caller's own views of a table."""
    return as_json(await call.engine.personal.views(call.principal, table_of(call)))


@routes.add(
    "POST", "/api/tables/{table}/user-views", body=UserViewBody, answers={201: UserView}, errors=(404, 409), keeps=True
)
async def create_user_view(call: Call) -> Answer:
    """Keep a view of one's own."""
    body = await checked(call)
    return as_json(await call.engine.personal.create(call.principal, table_of(call), body), 201)


@routes.add(
    "PATCH",
    "/api/tables/{table}/user-views/{view}",
    body=UserViewBody,
    answers={200: UserView},
    errors=(404, 409),
    keeps=True,
)
async def change_user_view(call: Call) -> Answer:
    """Change parts of a view of one's own."""
    return await _change(call, whole=False)


@routes.add(
    "PUT",
    "/api/tables/{table}/user-views/{view}",
    body=UserViewBody,
    answers={200: UserView},
    errors=(404, 409),
    keeps=True,
)
async def replace_user_view(call: Call) -> Answer:
    """Put another in the place of a view of one's own."""
    return await _change(call, whole=True)


async def _change(call: Call, *, whole: bool) -> Answer:
    body, table = await checked(call), table_of(call)
    return as_json(await call.engine.personal.change(call.principal, table, call.segments["view"], body, whole=whole))


@routes.add("DELETE", "/api/tables/{table}/user-views/{view}", answers={200: Done}, errors=(404,), keeps=True)
async def delete_user_view(call: Call) -> Answer:
    """Delete a view of one's own."""
    await call.engine.personal.delete(call.principal, table_of(call), call.segments["view"])
    return as_json({"success": True})


@routes.add("GET", "/api/shared-views/{view}", answers={200: UserView}, errors=(404,), counter="shared")
async def shared_view(call: Call) -> Answer:
    """A view that somebody gave the id of."""
    return as_json(await call.engine.personal.shared(call.principal, call.segments["view"]))


@routes.add("GET", "/api/tables/{table}/user-preferences", answers={200: Preferences}, errors=(404,))
async def preferences(call: Call) -> Answer:
    """How the caller likes to see a table."""
    return as_json(await call.engine.personal.preferences(call.principal, table_of(call)))


@routes.add(
    "PATCH",
    "/api/tables/{table}/user-preferences",
    body=PreferencesBody,
    answers={200: Preferences, 201: Preferences},
    errors=(404,),
    keeps=True,
)
async def prefer(call: Call) -> Answer:
    """Keep some preferences, and the others as they are."""
    return await _prefer(call, whole=False)


@routes.add(
    "PUT",
    "/api/tables/{table}/user-preferences",
    body=PreferencesBody,
    answers={200: Preferences, 201: Preferences},
    errors=(404,),
    keeps=True,
)
async def replace_preferences(call: Call) -> Answer:
    """Keep these preferences and no others."""
    return await _prefer(call, whole=True)


async def _prefer(call: Call, *, whole: bool) -> Answer:
    body, table = await checked(call), table_of(call)
    found, is_first = await call.engine.personal.prefer(call.principal, table, body, whole=whole)
    return as_json(found, 201 if is_first else 200)


@routes.add("DELETE", "/api/tables/{table}/user-preferences", answers={200: Preferences}, errors=(404,), keeps=True)
async def forget_preferences(call: Call) -> Answer:
    """Forget the caller's preferences for a table."""
    return as_json(await call.engine.personal.forget(call.principal, table_of(call)))


async def checked(call: Call) -> dict[str, Any]:
    """The body in the declared shape and with no other keys; `BAD_REQUEST` for these families (§10.2)."""
    body = await call.json_object()
    unknown = sorted(body.keys() - call.route.body.__annotations__.keys())
    if unknown:
        raise BadRequest(f"Unknown key {unknown[0]!r}", field=unknown[0])
    try:
        found: dict[str, Any] = check(call.route.body, body)
    except Invalid as error:
        first = error.errors[0]
        raise BadRequest(first.message, field=first.field) from None
    return found
