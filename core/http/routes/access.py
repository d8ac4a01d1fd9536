"""What callers may do, and why: for programs that grey what is not allowed, and for admins who ask as somebody else."""

from dataclasses import replace

from core.access.table import RowOperation, TableAccess
from core.contract.access import (
    AccessRules,
    Explained,
    ExplainRequest,
    Explanation,
    PolicyFound,
    RoleInfo,
    RoleList,
    TablePermissions,
    WhoAmI,
)
from core.errors import FieldError, Invalid, NotFound
from core.fields.model import TableModel
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.route import Parameter, RouteFamily
from core.http.routes.tables import table_of
from core.principal import GUEST, Principal
from core.schema.name import sql_name
from core.schema.permission import OPERATIONS, Operation

routes = RouteFamily("access")

ROWS_OF: dict[Operation, tuple[RowOperation, ...]] = {
    "read": ("read",),
    "comment": ("read",),
    "create": ("create",),
    "update": ("read", "write"),
    "delete": ("read", "delete"),
    "permanentDelete": ("read", "delete"),
    "restore": ("read", "delete"),
}
CHANGES: dict[str, RowOperation] = {"update": "write", "delete": "delete"}
"""What a record may be closed for that the caller reads."""


@routes.add(
    "GET",
    "/api/tables/{table}/permissions",
    query={
        "fields": Parameter("`all`: every field, not only those with rules", choices=("all",)),
        "record": Parameter("an id: whether that record may be changed"),
    },
    answers={200: TablePermissions},
    errors=(404,),
)
async def permissions(call: Call) -> Answer:
    """What the caller may do with a table and its fields (P-039)."""
    table = table_of(call)
    access = call.engine.records.access.table(call.principal, table)
    if not access.may_anything:
        raise NotFound
    may: dict[str, bool] = {operation: access.may(operation) for operation in OPERATIONS}
    ruled = access.fields_with_rules
    names = [name for name in table.fields if "fields" in call.query or name in ruled]
    can_write = access.may("create") or access.may("update")
    answer: TablePermissions = {
        "table": may | {"export": may["read"]},
        "fields": {
            name: {
                "read": may["read"] and name not in access.hidden,
                "write": can_write and name not in access.locked and not table.fields[name].read_only,
            }
            for name in names
        },
    }
    if by_row := [name for name, operation in CHANGES.items() if may[name] and access.has_rows(operation)]:
        answer["rows"] = by_row
    if (key := call.query.get("record")) is not None:
        records = call.engine.records
        await records.get(call.principal, table, key)
        answer["record"] = {
            name: may[name] and await records.reaches(call.principal, table, key, operation)
            for name, operation in CHANGES.items()
        }
    return as_json(answer)


@routes.add("GET", "/api/access/whoami", answers={200: WhoAmI})
async def whoami(call: Call) -> Answer:
    """Who the caller is to the server."""
    access, principal = call.engine.records.access, call.principal
    answer: WhoAmI = {
        "kind": principal.kind,
        "id": principal.id,
        "name": principal.name,
        "email": principal.email,
        "roles": sorted(principal.roles | principal.granted),
        "groups": sorted(principal.groups),
        "admin": access.is_admin(principal),
        "unrestricted": access.is_above_rules(principal),
        "accounts": access.has_accounts,
    }
    return as_json(answer)


@routes.add("GET", "/api/access/roles", answers={200: RoleList}, errors=(404,))
async def roles(call: Call) -> Answer:
    """The roles and groups of the app, the highest first. For admins."""
    call.require_admin()
    known = call.engine.app.roles
    answer: RoleList = {
        "roles": _roles_of(call),
        "groups": [{"name": each.name, "description": each.description} for each in known.groups],
        "defaultRole": known.default,
    }
    return as_json(answer)


def _roles_of(call: Call) -> list[RoleInfo]:
    return [
        {"name": each.name, "level": each.level, "description": each.description, "builtIn": each.built_in}
        for each in call.engine.app.roles.ordered
    ]


@routes.add("GET", "/api/access/rules", answers={200: AccessRules}, errors=(404,))
async def access_rules(call: Call) -> Answer:
    """What the app file says about who may do what: roles, and the rules of every table. For admins."""
    call.require_admin()
    app = call.engine.app
    answer: AccessRules = {
        "accounts": app.auth is not None,
        "roles": _roles_of(call),
        "groups": [each.name for each in app.roles.groups],
        "defaultRole": app.roles.default,
        "tables": [
            {
                "name": spec.name,
                "sqlName": spec.sql_name,
                "fields": [field.name for field in spec.fields],
                "permissions": data.get("permissions"),
                "rowRules": data.get("rowLevelPermissions") or {},
                "rls": data.get("rls"),
                "comments": "" if spec.comments is None else "all" if spec.comments.guests else "authenticated",
            }
            for spec, data in zip(app.tables, app.tables_data, strict=True)
        ],
    }
    return as_json(answer)


@routes.add(
    "POST", "/api/access/explain", body=ExplainRequest, answers={200: Explanation}, errors=(404,), counter="read"
)
async def explain(call: Call) -> Answer:
    """Which rule decides what somebody may do. For admins, with records that they see themselves."""
    call.require_admin()
    request: ExplainRequest = await call.checked()
    found = call.engine.model.by_address.get(request["table"])
    if found is None:
        raise NotFound
    records, record = call.engine.records, request.get("record")
    if record is not None:
        # What policies say of a record tells what it holds: a key without the table or an admin under `force` asks in vain.
        records.require(call.principal, found, "read")
        if not await records.reaches(call.principal, found, record, "read"):
            raise NotFound
    principal = as_somebody(request, call.principal)
    access = records.access.table(principal, found)
    operations = [_operation(request["operation"])] if "operation" in request else list(OPERATIONS)
    if (field := request.get("field")) is not None and field not in found.fields:
        raise _wrong("field", f"{found.name} has no field {field!r}")
    answer: Explanation = {
        "table": found.name,
        "decisions": [await _explained(call, principal, access, each, request) for each in operations],
        "unreadable": sorted(access.hidden),
        "unwritable": sorted(access.locked),
    }
    return as_json(answer)


async def _explained(
    call: Call, principal: Principal, access: TableAccess, operation: Operation, request: ExplainRequest
) -> Explained:
    decision = access.explain(operation, request.get("field"))
    rows = [path for each in ROWS_OF[operation] if (path := access.row_rule(each)) is not None]
    out: Explained = {
        "operation": operation,
        "allowed": decision.allowed,
        "because": decision.because,
        "rule": decision.rule,
        "rows": rows,
    }
    policies = access.policies(ROWS_OF[operation][-1])
    if policies is not None:
        out["policies"] = [
            PolicyFound(name=each.name, path=each.path, restrictive=each.restrictive) for each in policies
        ]
    if "record" in request:
        for each, found in zip(policies or (), out.get("policies", ()), strict=True):
            node = access.policy_node(each, principal)
            found["met"] = await call.engine.records.meets(principal, access.table, request["record"], node)
        out["record"] = await call.engine.records.reaches(
            principal, access.table, request["record"], ROWS_OF[operation][-1]
        )
    return out


def as_somebody(request: ExplainRequest, caller: Principal) -> Principal:
    """The principal that an admin asks as (P-043)."""
    if request.get("guest"):
        return GUEST
    if not {"roles", "groups", "user", "email", "assignments"} & request.keys():
        return caller
    return replace(
        Principal("user"),
        id=request.get("user"),
        email=request.get("email"),
        roles=frozenset(request.get("roles", ())),
        groups=frozenset(request.get("groups", ())),
        assignments={sql_name(name): frozenset(ids) for name, ids in request.get("assignments", {}).items()},
    )


def _operation(name: str) -> Operation:
    if name not in OPERATIONS:
        raise _wrong("operation", f"operation is one of {', '.join(OPERATIONS)}")
    return name


def _wrong(field: str, message: str) -> Invalid:
    return Invalid(message, [FieldError(field, f"{field}.invalid", message)], field=field)


def seen_tables(call: Call) -> list[TableModel]:
    """The tables that the caller may read, without the fields that it may not."""
    access = call.engine.records.access
    out: list[TableModel] = []
    for table in call.engine.model:
        mine = access.table(call.principal, table)
        if not mine.may_anything or table.spec.disabled:
            continue
        hidden = mine.hidden if mine.may("read") else frozenset(table.fields)
        out.append(replace(table, fields={n: f for n, f in table.fields.items() if n not in hidden}))
    return out
