"""`Observation/$lastn`: the latest of each kind, as a searchset (https://hl7.org/fhir/R4/observation-operation-lastn.html).

Every search parameter of Observation restricts it. R4 wants a patient and a category or code; here a patient alone is enough (the latest
of everything), and so is a visit (`encounter`). What is entered in error is found too, as R4 says, and a warning tells of it; add
`status:not=entered-in-error`.
"""

from collections.abc import Iterator
from urllib.parse import urlencode

from service.errors import Issue
from service.fhir import bundle, outcome
from service.fhir.bundle import Entry
from service.fhir.document import stored
from service.records import lastn
from service.records.context import Context
from service.records.lastn import Newest
from service.rest import query, response, subset
from service.rest.exchange import Call, FhirResponse
from service.rest.operations import arguments
from service.rest.operations.arguments import Arguments
from service.rest.operations.operation import CLINIC, TYPE, Operation, Parameter
from service.rest.subset import View
from service.search.unparse import unparse

MOST = 100
_READABLE = ",:/$*"
_WRONG = "entered-in-error"


def run(ctx: Context, call: Call, given: Arguments) -> FhirResponse:
    """Answers with the latest `max` Observations of each code."""
    most = given.whole("max", MOST) or 1
    answer = lastn.newest(ctx, arguments.pairs_of(given, without=("max",)), most)
    applied = [*unparse(ctx.service.registry, answer.query), ("max", str(most)), *query.about_presentation(call.request.query)]
    address = f"{response.url(ctx, *call.request.path)}?{urlencode(applied, safe=_READABLE)}"
    return FhirResponse(200, bundle.bundle("searchset", _entries(ctx, answer), [("self", address)], len(answer.found)))


def _entries(ctx: Context, answer: Newest) -> Iterator[Entry]:
    view = View(answer.query.summary, answer.query.elements)
    wrong = 0
    for one in answer.found:
        ctx.trail.saw(one.type, one.text)
        wrong += _WRONG in one.text and stored(one.text).tree.get("status") == _WRONG
        yield bundle.matched(response.url(ctx, one.type, one.id), subset.cut(ctx, one.text, view))
    if wrong:
        message = f"{wrong} of these were entered in error. Add status:not={_WRONG} to see the latest that are not."
        yield bundle.advised(outcome.tree([Issue("warning", "informational", "lastn-status", message)]))


OPERATION = Operation(
    code="lastn",
    levels=frozenset({TYPE}),
    types=frozenset({"Observation"}),
    changes_state=False,
    definition=CLINIC + "Observation-lastn",
    documentation="The latest Observations of each code, of a patient or of a visit; every search parameter of Observation restricts them.",
    parameters=(Parameter("max", "positiveInt"),),
    run=run,
    searches=True,
    letter="s",
)
