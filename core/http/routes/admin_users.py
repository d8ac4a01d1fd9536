"""Accounts for administrators (auth §11)."""

from typing import Any, Literal, cast

from core.auth.account import Account
from core.auth.address import normal_email
from core.auth.admin import accepted_roles
from core.auth.directory import FILTERABLE, PAGE, PAGE_MOST, PERIODS, ROLE, SORTABLE, Period, Question, told
from core.auth.sign_in import Entered
from core.contract.admin import (
    AdminRoles,
    BanRequest,
    CreateUserRequest,
    HasPermission,
    HasPermissionRequest,
    OneUser,
    OneUserDetails,
    PasswordByAdmin,
    RemoveRequest,
    RoleRequest,
    RoleSet,
    UpdateUserByAdmin,
    UserDirectory,
    UserOverview,
    UserPage,
    UserRequest,
)
from core.contract.auth import Status, Success
from core.errors import FieldError, Invalid
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.route import Parameter, RouteFamily
from core.http.routes.auth_session import required
from core.http.session import enter
from core.principal import Principal
from core.schema.permission import OPERATIONS

routes = RouteFamily("admin", accounts=True, admin=True, throttle="admin")
ADMIN = "/api/auth/admin"
SUCCESS = {"success": True}
PAGES = {
    "limit": Parameter(f"accounts a page ({PAGE})", "integer", least=1, most=PAGE_MOST),
    "offset": Parameter("accounts to pass over", "integer", least=0),
    "page": Parameter("number of the page, from 1, in place of `offset`", "integer", least=1),
}
LIST = {
    **PAGES,
    "searchValue": Parameter("text to look for"),
    "searchField": Parameter("where; both without it", choices=("email", "name")),
    "searchOperator": Parameter("how (`contains`)", choices=("contains", "starts_with", "ends_with")),
    "filterField": Parameter("only accounts whose field", choices=(ROLE, *FILTERABLE)),
    "filterOperator": Parameter("is (`eq`)", choices=("eq", "ne", "contains", "lt", "lte", "gt", "gte")),
    "filterValue": Parameter("this"),
    "sortBy": Parameter("by what they are sorted (`createdAt`)", choices=tuple(SORTABLE)),
    "sortDirection": Parameter("`asc`, `desc`", choices=("asc", "desc")),
    "includeAgents": Parameter("accounts of agents as well, where the app has some", "boolean"),
}


def _told(call: Call, account: Account) -> dict[str, Any]:
    return told(account, call.engine.app.roles, None)


# ── Reading ──


@routes.add("GET", f"{ADMIN}/list-users", query=LIST, answers={200: UserPage}, errors=(400, 404, 429))
async def list_users(call: Call) -> Answer:
    """All accounts, page by page"""
    limit = call.integer("limit", PAGE)
    offset = call.integer("offset", (call.integer("page", 1) - 1) * limit)
    question = Question(
        limit=limit,
        offset=offset,
        search=call.text("searchValue"),
        search_in=cast(Literal["email", "name", "both"], call.query.get("searchField", "both")),
        search_how=cast(Any, call.query.get("searchOperator", "contains")),
        filter_by=call.query.get("filterField"),
        filter_how=cast(Any, call.query.get("filterOperator", "eq")),
        filter_value=call.text("filterValue"),
        sort_by=call.query.get("sortBy", "createdAt"),
        descending=call.text("sortDirection") == "desc",
    )
    users, total = await call.auth.directory.page(question)
    answer: UserPage = {
        "users": cast(Any, users),
        "total": total,
        "limit": limit,
        "offset": offset,
        "page": offset // limit + 1,
    }
    return as_json(answer)


@routes.add(
    "GET",
    f"{ADMIN}/get-user",
    query={"id": Parameter("its id"), "email": Parameter("or its address")},
    answers={200: OneUserDetails},
    errors=(400, 404, 429),
)
async def get_user_by_query(call: Call) -> Answer:
    """One account with all that belongs to it"""
    if "email" in call.query and "id" not in call.query:
        return await _details(call, None, normal_email(call.text("email")))
    return await _details(call, call.required("id"))


@routes.add("GET", f"{ADMIN}/get-user/{{user}}", answers={200: OneUserDetails}, errors=(404, 429))
async def get_user(call: Call) -> Answer:
    """One account by its id"""
    return await _details(call, call.segments["user"])


async def _details(call: Call, user: str | None, email: str | None = None) -> Answer:
    found = await call.auth.directory.details(user, email)
    principal = call.auth.sessions.principal(found.account, found.groups, None)
    body = {
        **told(found.account, call.engine.app.roles, found.locked_until),
        "groups": sorted(found.groups),
        "permissions": _permissions(call, await call.engine.grants.complete(principal)),
        "identities": [{"provider": way} for way in found.ways],
        "factors": list(found.factors),
    }
    return as_json({"user": body})


def _permissions(call: Call, principal: Principal) -> dict[str, list[str]]:
    access = call.engine.records.access
    return {
        table.name: [each for each in OPERATIONS if access.table(principal, table).may(each)]
        for table in call.engine.model
        if not table.spec.disabled
    }


@routes.add("GET", "/api/admin/users", answers={200: UserDirectory}, errors=(404, 429))
async def list_directory(call: Call) -> Answer:
    """Id, address and role of everybody, for pickers"""
    return as_json({"users": await call.auth.directory.everybody()})


@routes.add(
    "GET",
    "/api/admin/users/overview",
    query={"period": Parameter("how far back (`24h`)", choices=tuple(PERIODS))},
    answers={200: UserOverview},
    errors=(400, 404, 429),
)
async def overview_of_users(call: Call) -> Answer:
    """How many there are, have come, and have signed in"""
    return as_json(await call.auth.directory.overview(cast(Period, call.query.get("period", "24h"))))


@routes.add("GET", f"{ADMIN}/roles", answers={200: AdminRoles}, errors=(404, 429))
async def list_roles(call: Call) -> Answer:
    """The roles of the app, the highest first, with how many hold each"""
    directory = call.auth.directory
    answer = {"roles": await directory.roles(), "lost": await directory.lost_roles()}
    return as_json({**answer, "defaultRole": call.engine.app.roles.default})


@routes.add(
    "POST",
    f"{ADMIN}/has-permission",
    body=HasPermissionRequest,
    answers={200: HasPermission},
    errors=(400, 404, 429),
)
async def has_permission(call: Call) -> Answer:
    """Whether somebody, or a role, may do something"""
    body: HasPermissionRequest = await call.checked()
    principal, context = call.principal, call.auth.context
    if (user := body.get("userId")) is not None:
        details = await call.auth.directory.details(user)
        principal = call.auth.sessions.principal(details.account, details.groups, None)
        principal = await call.engine.grants.complete(principal)
    elif (role := body.get("role")) is not None:
        principal = Principal("user", roles=frozenset(accepted_roles(role, context.roles)))
    access, missing = call.engine.records.access, []
    for name, operations in body.get("permissions", {}).items():
        table = call.engine.model.by_address.get(name)
        if table is None:
            raise _wrong("permissions", f"There is no table {name[:100]!r}")
        for each in operations:
            if each not in OPERATIONS:
                raise _wrong("permissions", f"{each[:100]!r} is none of {', '.join(OPERATIONS)}")
            if not access.table(principal, table).may(each):
                missing.append(f"{each} on {name}")
    answer: HasPermission = {"success": not missing, "error": f"not allowed: {', '.join(missing)}" if missing else None}
    return as_json(answer)


# ── Accounts ──


@routes.add(
    "POST",
    f"{ADMIN}/create-user",
    body=CreateUserRequest,
    answers={201: OneUser},
    errors=(400, 403, 404, 422, 429, 503),
)
async def create_user(call: Call) -> Answer:
    """Make an account"""
    body: CreateUserRequest = await call.checked()
    email, context = required(body, "email"), call.auth.context
    roles = accepted_roles(body["role"], context.roles) if "role" in body else ()
    if body.get("sendInvitation"):
        sent = await call.auth.invitations.send(call.principal, call.source, email, body.get("name", ""), roles)
        return as_json({"user": _told(call, sent.account)}, 201)
    if context.spec.password is not None and "passwordHash" not in body:
        required(body, "password")
    account = await call.auth.administration.create(
        call.principal,
        call.source,
        email=email,
        name=body.get("name", ""),
        password=body.get("password"),
        password_hash=body.get("passwordHash"),
        roles=roles,
        data=body.get("data"),
    )
    return as_json({"user": _told(call, account)}, 201)


@routes.add(
    "POST",
    f"{ADMIN}/update-user",
    body=UpdateUserByAdmin,
    answers={200: OneUser},
    errors=(400, 403, 404, 422, 429),
)
async def update_user_by_admin(call: Call) -> Answer:
    """Change the name, the address or the picture of an account"""
    body: UpdateUserByAdmin = await call.checked()
    user = required(body, "userId")
    account = await call.auth.administration.update(call.principal, call.source, user, body.get("data", {}))
    return as_json({"user": _told(call, account)})


@routes.add(
    "POST",
    f"{ADMIN}/set-role",
    body=RoleRequest,
    answers={200: RoleSet},
    errors=(400, 403, 404, 409, 429),
)
async def set_role(call: Call) -> Answer:
    """Give an account other roles"""
    body: RoleRequest = await call.checked()
    return await _set_role(call, required(body, "userId"), body)


@routes.add(
    "PATCH",
    f"{ADMIN}/users/{{user}}",
    body=RoleRequest,
    answers={200: RoleSet},
    errors=(400, 403, 404, 409, 429),
)
async def patch_role(call: Call) -> Answer:
    """Give an account other roles, by the other address"""
    return await _set_role(call, call.segments["user"], await call.checked())


async def _set_role(call: Call, user: str, body: RoleRequest) -> Answer:
    context, found = call.auth.context, call.signed_in
    roles = accepted_roles(body.get("role", ""), context.roles)
    account, secret = await call.auth.administration.set_roles(
        call.principal, call.source, user, roles, found.session.id if found else None
    )
    answer: dict[str, Any] = {"success": True, "user": _told(call, account)}
    if secret is None or found is None:
        return as_json(answer)
    return enter(call, as_json({**answer, "token": secret}), Entered(secret, found.session, found.account))


@routes.add(
    "POST",
    f"{ADMIN}/set-user-password",
    body=PasswordByAdmin,
    answers={200: Status},
    errors=(400, 403, 404, 429, 503),
)
async def set_user_password(call: Call) -> Answer:
    """Choose the password of an account; its sessions end"""
    body: PasswordByAdmin = await call.checked()
    user, password = required(body, "userId"), required(body, "newPassword")
    await call.auth.administration.set_password(
        call.principal, call.source, user, password, must_change=body.get("mustChange", False)
    )
    return as_json({"status": True})


@routes.add(
    "POST",
    f"{ADMIN}/ban-user",
    body=BanRequest,
    answers={200: OneUser},
    errors=(400, 403, 404, 409, 429),
)
async def ban_user(call: Call) -> Answer:
    """Let somebody in no more; their sessions end"""
    body: BanRequest = await call.checked()
    account = await call.auth.administration.ban(
        call.principal, call.source, required(body, "userId"), body.get("banReason"), body.get("banExpiresIn")
    )
    return as_json({"user": _told(call, account)})


@routes.add("POST", f"{ADMIN}/unban-user", body=UserRequest, answers={200: OneUser}, errors=(403, 404, 429))
async def unban_user(call: Call) -> Answer:
    """Let somebody in again"""
    account = await call.auth.administration.unban(call.principal, call.source, await user_of(call))
    return as_json({"user": _told(call, account)})


@routes.add(
    "POST",
    f"{ADMIN}/remove-user",
    body=RemoveRequest,
    answers={200: Success},
    errors=(400, 403, 404, 409, 429),
)
async def remove_user(call: Call) -> Answer:
    """Remove an account, now or in thirty days"""
    body: RemoveRequest = await call.checked()
    user = required(body, "userId")
    await call.auth.administration.remove(call.principal, call.source, user, soft=body.get("softDelete", False))
    return as_json(SUCCESS)


@routes.add("POST", f"{ADMIN}/unlock-user", body=UserRequest, answers={200: OneUser}, errors=(403, 404, 429))
async def unlock_user(call: Call) -> Answer:
    """Let a locked password be tried again"""
    account = await call.auth.administration.unlock(call.principal, call.source, await user_of(call))
    return as_json({"user": _told(call, account)})


@routes.add(
    "POST",
    f"{ADMIN}/verify-user-email",
    body=UserRequest,
    answers={200: OneUser},
    errors=(403, 404, 429),
)
async def verify_user_email(call: Call) -> Answer:
    """Take the address of an account for proven"""
    account = await call.auth.administration.verify_email(call.principal, call.source, await user_of(call))
    return as_json({"user": _told(call, account)})


@routes.add(
    "POST",
    f"{ADMIN}/reset-two-factor",
    body=UserRequest,
    answers={200: OneUser},
    errors=(403, 404, 429),
)
async def reset_two_factor(call: Call) -> Answer:
    """Take the second factor of an account away; its sessions end"""
    user = await user_of(call)
    await call.auth.administration.require_reached(call.principal, user)
    account = await call.auth.factors.reset(user, call.principal, call.source)
    return as_json({"user": _told(call, account)})


async def user_of(call: Call) -> str:
    """Whom a body names."""
    return required(await call.checked(), "userId")


def _wrong(field: str, message: str) -> Invalid:
    return Invalid(message, [FieldError(field, f"{field}.refused", message)])
