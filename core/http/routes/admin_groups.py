"""Groups and who is in them, for administrators (auth §11)."""

from core.contract.admin import GroupList, GroupMembers, UserRequest
from core.contract.auth import Success
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.route import RouteFamily
from core.http.routes.admin_users import ADMIN, SUCCESS, user_of

routes = RouteFamily("admin", accounts=True, admin=True, throttle="admin")


@routes.add("GET", f"{ADMIN}/groups", answers={200: GroupList}, errors=(404, 429))
async def list_groups(call: Call) -> Answer:
    """The groups of the app with how many are in each"""
    members = await call.auth.directory.members()
    return as_json(
        {
            "groups": [
                {
                    "name": each.name,
                    "description": each.description,
                    "maxMembers": each.max_members,
                    "members": members.get(each.name, 0),
                }
                for each in call.engine.app.roles.groups
            ]
        }
    )


@routes.add("GET", f"{ADMIN}/groups/{{group}}/members", answers={200: GroupMembers}, errors=(404, 429))
async def list_members(call: Call) -> Answer:
    """Who is in a group"""
    found = await call.auth.groups.members(call.segments["group"])
    return as_json({"members": [{"id": id_, "name": name, "email": email} for id_, name, email in found]})


@routes.add(
    "POST",
    f"{ADMIN}/groups/{{group}}/members",
    body=UserRequest,
    answers={200: Success},
    errors=(400, 404, 409, 429),
)
async def add_member(call: Call) -> Answer:
    """Put somebody into a group"""
    await call.auth.groups.add(call.principal, call.source, call.segments["group"], await user_of(call))
    return as_json(SUCCESS)


@routes.add(
    "DELETE",
    f"{ADMIN}/groups/{{group}}/members/{{user}}",
    answers={200: Success},
    errors=(404, 429),
)
async def remove_member(call: Call) -> Answer:
    """Take somebody out of a group"""
    segments = call.segments
    await call.auth.groups.remove(call.principal, call.source, segments["group"], segments["user"])
    return as_json(SUCCESS)
