"""From a request to a call: the URL understood, by the table of routes."""

from service.records.context import Context
from service.rest import query, routes
from service.rest.exchange import Call, Dispatch, FhirRequest


def understood(ctx: Context, request: FhirRequest, again: Dispatch) -> Call:
    """The call that `request` makes. Raises NotFound, MethodNotAllowed or BadRequest for a URL that is none of ours."""
    match = routes.match(ctx.service.definitions, request.method, request.path)
    return Call(
        request=request,
        interaction=match.route.interaction,
        template=match.route.template,
        type=match.type,
        id=match.id,
        version=match.version,
        query=query.about_content(request.query),
        again=again,
        kind=match.kind,
    )
