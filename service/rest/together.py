"""Creations that follow each other in a batch, committed together: one transaction costs a fraction of a hundred.

The answers are those of single requests: resources under ids that the server has yet to give cannot refer to each other, and
an entry that would be refused falls out of the group, so that it spoils no other and is answered by itself.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from service.errors import ServiceError
from service.records.change import Create
from service.records.commit import commit
from service.records.context import Context
from service.records.write import Committed
from service.rest import binary, calls, changes, idempotency, preference, response
from service.rest.exchange import Call, Dispatch, FhirRequest, FhirResponse

Asked = dict[int, tuple[Call, Create]]

_TRIES = 3
_OF_ITS_OWN = ("if-none-exist", idempotency.HEADER)


def is_creation(request: FhirRequest) -> bool:
    """Whether `request` creates whatever there is, so that its order among others like it cannot matter."""
    if request.method != "POST" or len(request.path) != 1 or request.path[0].startswith("$"):
        return False
    return not any(name in request.headers for name in _OF_ITS_OWN)


def created(ctx: Context, requests: Sequence[FhirRequest], again: Dispatch) -> Mapping[int, FhirResponse]:
    """The answers to those of `requests` that one commit took, by place. The others have yet to be answered, one by one."""
    asked = _asked(ctx, requests, again)
    for _ in range(_TRIES):
        if len(asked) < 2:
            break
        try:
            done = commit(ctx, [change for _, change in asked.values()])
        except ServiceError as error:
            asked = _without(asked, error)
        except Exception:  # noqa: BLE001 - answered one by one, it takes down one entry at most, which logs it
            break
        else:
            return {place: _answer(ctx, call, one) for (place, (call, _)), one in zip(asked.items(), done, strict=True)}
    return {}


def _asked(ctx: Context, requests: Sequence[FhirRequest], again: Dispatch) -> Asked:
    asked: Asked = {}
    for place, request in enumerate(requests):
        with suppress(ServiceError):
            call = calls.understood(ctx, request, again)
            asked[place] = (call, changes.create(ctx, call))
    return asked


def _without(asked: Asked, error: ServiceError) -> Asked:
    """The creations but for those that `error` names; none at all when it names none."""
    wrong = {issue.entry for issue in error.issues} | {error.entry}
    return {place: one for entry, (place, one) in enumerate(asked.items()) if entry not in wrong} if wrong != {None} else {}


def _answer(ctx: Context, call: Call, done: Committed) -> FhirResponse:
    return response.committed(ctx, done, preference.parse(call.header("prefer")), binary.default_return(call))
