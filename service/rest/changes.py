"""Requests that write, as changes: the same for a single request and for an entry of a transaction.

Each function raises what the request deserves before the record is asked: malformed bodies, conditions and preconditions.
"""

from service.records.change import Change, Create, Delete, Patch, Update
from service.records.context import Context
from service.rest import binary, body, condition, precondition
from service.rest.exchange import Call

INTERACTIONS = frozenset({"create", "update", "patch", "delete"})


def asked(ctx: Context, call: Call, full_url: str | None = None) -> Change:
    """The change that `call` asks for; `full_url` is the name of the entry in its Bundle."""
    match call.interaction:
        case "create":
            return create(ctx, call, full_url)
        case "update":
            return update(ctx, call, full_url)
        case "patch":
            return patch(ctx, call, full_url)
        case _:
            return delete(call, full_url)


def create(ctx: Context, call: Call, full_url: str | None = None) -> Create:
    """A new resource, unless one matches If-None-Exist."""
    condition.require_no_query(call)
    wanted = condition.stated(call.header("if-none-exist"), "If-None-Exist")
    return Create(call.named_type, binary.document_or_resource(ctx, call), wanted, full_url)


def update(ctx: Context, call: Call, full_url: str | None = None) -> Update:
    """The resource as it shall be, under an id or wherever a search finds it."""
    return Update(
        call.named_type,
        call.id,
        binary.document_or_resource(ctx, call),
        condition=condition.of_query(call),
        if_match=precondition.required_version(call.header("if-match")),
        if_none_match=precondition.must_be_new(call.header("if-none-match")),
        full_url=full_url,
    )


def patch(ctx: Context, call: Call, full_url: str | None = None) -> Patch:
    """A change to parts of a resource."""
    wanted = condition.of_query(call)
    if_match = precondition.required_version(call.header("if-match"))
    return Patch(call.named_type, call.id, body.patch(ctx, call), wanted, if_match, full_url)


def delete(call: Call, full_url: str | None = None) -> Delete:
    """The end of a resource."""
    if_match = precondition.required_version(call.header("if-match"))
    return Delete(call.named_type, call.id, condition.of_query(call), if_match, full_url)
