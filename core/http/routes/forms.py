"""The same writes for plain HTML forms, which know neither PATCH nor JSON (R-039, §10.8)."""

from collections.abc import Callable

from core.http.answer import Answer
from core.http.call import Call
from core.http.form import KIND, done, form_of, ids_of, json_of, redirect_of, values_of
from core.http.repeat import records_of
from core.http.route import Handler, RouteFamily
from core.http.routes.tables import table_of
from core.records.shape import flat
from core.schema.permission import Operation

routes = RouteFamily("forms")
RECORD = "/api/tables/{table}/records/{record}"
RECORDS = "/api/tables/{table}/records"


def by_form(path: str, needs: Operation, *errors: int) -> Callable[[Handler], Handler]:
    """Declares the route of a form."""
    return routes.add(
        "POST",
        path,
        body=bytes,
        body_kind=KIND,
        answers={200: dict, 302: None},
        errors=errors,
        needs=needs,
        repeatable=True,
    )


@by_form(RECORD + "/update", "update", 404, 409, 413, 422)
async def update_by_form(call: Call) -> Answer:
    """Change a record by a form."""
    form = await form_of(call)
    redirect = redirect_of(form)
    fields = {"fields": values_of(form)}
    table, record = table_of(call), call.segments["record"]
    changed = await records_of(call, form).update(call.principal, table, record, fields, typed=False)
    return done(redirect, flat(changed))


@by_form(RECORD + "/delete", "delete", 404, 413)
async def delete_by_form(call: Call) -> Answer:
    """Delete a record by a form."""
    form = await form_of(call)
    redirect = redirect_of(form)
    await records_of(call, form).delete(call.principal, table_of(call), call.segments["record"])
    return done(redirect, {"success": True})


@by_form(RECORDS + "/bulk-update", "update", 404, 409, 413, 422)
async def update_many_by_form(call: Call) -> Answer:
    """Change several records alike, all or none: `_ids` and `_data` hold JSON."""
    form = await form_of(call)
    redirect, ids, data = redirect_of(form), ids_of(form), json_of(form, "_data", dict)
    body = {"records": [{"id": each, "fields": data} for each in ids]}
    answer = await records_of(call, form).batches.update(call.principal, table_of(call), body, typed=False)
    return done(redirect, {"success": True, **answer})


@by_form(RECORDS + "/bulk-delete", "delete", 404, 413)
async def delete_many_by_form(call: Call) -> Answer:
    """Delete several records, all or none: `_ids` holds JSON."""
    form = await form_of(call)
    redirect, ids = redirect_of(form), ids_of(form)
    answer = await records_of(call, form).batches.delete(call.principal, table_of(call), ids)
    return done(redirect, {"success": True, **answer})
