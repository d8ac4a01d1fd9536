"""`/api/tables/{t}/records`: records read and written, one by one and in batches (spec tables-records §10)."""

from typing import Any

import orjson

from core.contract.records import BatchCreate, BatchCreated, Record, RecordBody, RecordList
from core.errors import Invalid
from core.http.answer import Answer, as_json, empty
from core.http.call import Call
from core.http.error import body_error
from core.http.route import Parameter, RouteFamily

routes = RouteFamily("records")

READ = {
    "includeDeleted": Parameter("records of the trash too", "boolean"),
    "format": Parameter("`display`: values as people read them", choices=("raw", "display")),
    "timezone": Parameter("IANA name, for format=display"),
    "ids": Parameter("`string`: ids always as text", choices=("string",)),
}
LIST = {
    "limit": Parameter("records a page, at most 100", "integer", least=1),
    "offset": Parameter("records to pass over", "integer", least=0),
    "page": Parameter("number of the page, instead of offset", "integer", least=1),
    "cursor": Parameter("nextCursor of the page before, instead of offset"),
    "sort": Parameter("`due:desc,title`"),
    "order": Parameter("direction for a single field in sort", choices=("asc", "desc")),
    "fields": Parameter("names separated by commas"),
    "select": Parameter("the same as fields"),
    "filter": Parameter("a filter tree as JSON, a map of equalities, or `field:value`"),
    "q": Parameter("text to look for"),
    "aggregate": Parameter("`amount:sum,amount:avg`, or JSON by operation"),
    "groupBy": Parameter("a field"),
    "groupSort": Parameter("`name:asc` or `count:desc`"),
    "includeDeleted": Parameter("true, or only", choices=("true", "false", "only")),
    "deleted": Parameter("true: the trash only", choices=("true", "false", "only")),
    "format": READ["format"],
    "timezone": READ["timezone"],
    "sqlNulls": Parameter("negations leave out null, as in SQL", "boolean"),
    "total": Parameter("false: do not count", choices=("true", "false")),
}
