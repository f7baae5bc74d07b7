"""`ValueSet/$expand`: the codes of a value set, all or a page of them (https://hl7.org/fhir/R4/valueset-operation-expand.html).

The answer is the ValueSet with its `expansion`, a flat list in the order of the definition. Never a part for the whole: a value set that
has codes of a code system that is not stored here is refused, unless it lists them.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from service.errors import Unprocessable
from service.fhir.document import encode
from service.records import terminology
from service.records.context import Context
from service.records.terminology import Terms
from service.rest.exchange import Call, FhirResponse
from service.rest.operations import defined, expanded, system_versions
from service.rest.operations.arguments import Arguments
from service.rest.operations.expanded import Wish
from service.rest.operations.operation import CLINIC, INSTANCE, TYPE, Operation, Parameter
from service.terminology import expansion
from service.terminology.expansion import Limits
from service.terminology.lookup import Unanswerable
from service.terminology.overlay import WithVersions
from service.terminology.page import Page, page

MOST = 5000
"""Codes of one answer."""
_MOST_ON_THE_WAY = 100_000


def run(ctx: Context, call: Call, given: Arguments) -> FhirResponse:
    """Answers with the ValueSet."""
    defined.require_one(call, given, "url", "valueSet")
    wish, versions = expanded.wish(given, MOST), system_versions.read(given)
    tree = terminology.asked(ctx, lambda terms: _expanded(ctx, terms, call, given, (wish, versions)))
    return FhirResponse(200, encode(tree))


def _expanded(ctx: Context, terms: Terms, call: Call, given: Arguments, asked: tuple[Wish, system_versions.Versions]) -> Mapping[str, Any]:
    wish, versions = asked
    tree = defined.value_set(terms, call, given)
    lookup = WithVersions(terms.lookup, default=versions.default, checked=versions.checked, forced=versions.forced)
    try:
        shown, fragments = _shown(tree, wish, lookup)
    except Unanswerable as error:  # the value set is here, and something that it needs is not
        raise terminology.refusal(error, Unprocessable) from None
    return expanded.tree(tree, shown, expanded.Told(wish, lookup, fragments, ctx.service.clock()))


def _shown(tree: Mapping[str, Any], wish: Wish, lookup: WithVersions) -> tuple[Page, frozenset[str]]:
    """The codes that are wanted, and the code systems of which only a part is here."""
    found = expansion.of(lookup, tree, Limits(codes=_MOST_ON_THE_WAY, on_the_way=_MOST_ON_THE_WAY))
    whole = wish.page.count is None
    shown = page(lookup, expanded.kept(found, wish, lookup), replace(wish.page, count=MOST + 1) if whole else wish.page)
    if len(shown.rows) > MOST:
        says = f"it comes to {shown.total} codes, more than {MOST}: ask for pages with 'count' and 'offset'"
        raise Unanswerable("too-costly", "value-set-size", says)
    return shown, found.fragments


_CANONICALS = ("exclude-system", *system_versions.NAMES)

OPERATION = Operation(
    code="expand",
    levels=frozenset({TYPE, INSTANCE}),
    types=frozenset({"ValueSet"}),
    changes_state=False,
    definition=CLINIC + "ValueSet-expand",
    documentation="The codes of a value set, stored here or sent, with a text filter and in pages.",
    parameters=(
        Parameter("url", "uri"),
        Parameter("valueSet", "ValueSet"),
        Parameter("valueSetVersion", "string"),
        Parameter("filter", "string"),
        Parameter("offset", "integer"),
        Parameter("count", "integer"),
        Parameter("includeDesignations", "boolean"),
        Parameter("designation", "string", many=True),
        Parameter("includeDefinition", "boolean"),
        Parameter("activeOnly", "boolean"),
        Parameter("excludeNested", "boolean"),
        Parameter("excludeNotForUI", "boolean"),
        Parameter("excludePostCoordinated", "boolean"),
        Parameter("displayLanguage", "code"),
        *(Parameter(name, "canonical", many=True) for name in _CANONICALS),
    ),
    run=run,
)
