"""`/api/console/logs`: the server's own log, for administrators."""

import asyncio

from core.contract.log_level import LEVELS
from core.contract.logs import LogPage
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.route import Parameter, RouteFamily
from core.logs.reading import PAGE, PAGE_MOST, Question, read_page

routes = RouteFamily("console", admin=True)


@routes.add(
    "GET",
    "/api/console/logs",
    query={
        "level": Parameter("this level and graver ones (debug)", choices=LEVELS),
        "text": Parameter("entries that hold this text, in whatever case"),
        "before": Parameter("`older` of a page: the entries before it"),
        "after": Parameter("`newer` of a page: what has come since"),
        "limit": Parameter(f"entries a page ({PAGE})", "integer", least=1, most=PAGE_MOST),
    },
    answers={200: LogPage},
    errors=(400, 404),
    counter=None,
)
async def logs(call: Call) -> Answer:
    """Entries of the server's log, the newest where nothing else is asked. A page may hold fewer than there are"""
    if call.app.log_file is None:
        return as_json(LogPage(entries=[], older=None, newer=None, more=False))
    question = Question.of(call.query)
    return as_json(await asyncio.to_thread(read_page, call.app.log_file, question))
