"""The URL grammar of https://hl7.org/fhir/R4/http.html as a table.

One row is one interaction: verb, path, code. Routing, Bundle entries, the Allow header, the CapabilityStatement and
openapi.yaml are all held to these rows.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from service.errors import BadRequest, MethodNotAllowed, NotFound, Unprocessable
from service.fhir.definitions import Definitions

Pattern = tuple[str, ...]

TYPE, ID, VERSION, KIND = "{type}", "{id}", "{version}", "{kind}"
EVERY = "*"
"""Every type of a compartment."""
OPERATION = "operation"

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_TYPE_SHAPE = re.compile(r"[A-Z][A-Za-z]{0,63}")
_NOT_YET = {"Subscription": "Subscription is not supported: this server delivers no notifications yet. Poll _history?_since= instead."}
_READS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Route:
    """One interaction: the verb, the path below the base, and the interaction's code. `writes`: an operation that changes a resource."""

    method: str
    pattern: Pattern
    interaction: str
    writes: bool = False

    @property
    def template(self) -> str:
        """The path as a URL template, as openapi.yaml and the log write it."""
        return "/" + "/".join(self.pattern)

    @property
    def operation(self) -> str | None:
        """The code of the operation that it calls; None for any other interaction."""
        return self.pattern[-1].removeprefix("$") if self.interaction == OPERATION else None


@dataclass(frozen=True, slots=True)
class Match:
    """A route and what the URL put in its places; `kind` is the type of the resource whose compartment is meant."""

    route: Route
    type: str | None = None
    id: str | None = None
    version: str | None = None
    kind: str | None = None


def _read_operation(*pattern: str) -> tuple[Route, Route]:
    """An operation that changes nothing: by GET, and by POST with its parameters in the body."""
    return Route("GET", pattern, OPERATION), Route("POST", pattern, OPERATION)


ROUTES: tuple[Route, ...] = (
    Route("GET", ("metadata",), "capabilities"),
    Route("POST", (), "transaction"),
    Route("GET", (), "search-system"),
    Route("POST", ("_search",), "search-system"),
    Route("GET", ("_history",), "history-system"),
    Route("GET", (TYPE,), "search-type"),
    Route("POST", (TYPE, "_search"), "search-type"),
    Route("POST", (TYPE,), "create"),
    Route("PUT", (TYPE,), "update"),
    Route("PATCH", (TYPE,), "patch"),
    Route("DELETE", (TYPE,), "delete"),
    Route("GET", (TYPE, "_history"), "history-type"),
    Route("GET", (TYPE, ID), "read"),
    Route("PUT", (TYPE, ID), "update"),
    Route("PATCH", (TYPE, ID), "patch"),
    Route("DELETE", (TYPE, ID), "delete"),
    Route("GET", (TYPE, ID, "_history"), "history-instance"),
    Route("GET", (TYPE, ID, "_history", VERSION), "vread"),
    Route("GET", (KIND, ID, TYPE), "search-type"),
    Route("POST", (KIND, ID, TYPE, "_search"), "search-type"),
    Route("GET", (KIND, ID, EVERY), "search-system"),
    Route("POST", (KIND, ID, EVERY, "_search"), "search-system"),
    *_read_operation("Observation", "$lastn"),
    *_read_operation("Observation", "$stats"),
    *_read_operation("Patient", ID, "$everything"),
    *_read_operation("Encounter", ID, "$everything"),
    *_read_operation("$meta"),
    *_read_operation(TYPE, "$meta"),
    *_read_operation(TYPE, ID, "$meta"),
    *_read_operation(TYPE, ID, "_history", VERSION, "$meta"),
    *_read_operation("ValueSet", "$expand"),
    *_read_operation("ValueSet", ID, "$expand"),
    *_read_operation("ValueSet", "$validate-code"),
    *_read_operation("ValueSet", ID, "$validate-code"),
    *_read_operation("CodeSystem", "$lookup"),
    *_read_operation("CodeSystem", "$validate-code"),
    *_read_operation("CodeSystem", ID, "$validate-code"),
    *_read_operation("CodeSystem", "$subsumes"),
    *_read_operation("CodeSystem", ID, "$subsumes"),
    *_read_operation("ConceptMap", "$translate"),
    *_read_operation("ConceptMap", ID, "$translate"),
    *_read_operation(TYPE, "$validate"),
    *_read_operation(TYPE, ID, "$validate"),
    *_read_operation("$cs-administration-log"),
    *_read_operation("$cs-ledger"),
    *_read_operation("$cs-receipts"),
    *_read_operation("$cs-waste"),
    *_read_operation("$cs-inventory"),
    *_read_operation("$cs-practitioner-activity"),
    *_read_operation("$cs-patient"),
    *_read_operation("$cs-amendments"),
    *_read_operation("$cs-reconcile"),
    *_read_operation("$cs-loss-report"),
    *_read_operation("$cs-expiring"),
    *_read_operation("$cs-pdmp-evidence"),
    *_read_operation("$cs-lot-recall"),
    *_read_operation("$cs-export"),
    Route("POST", (TYPE, ID, "$meta-add"), OPERATION, writes=True),
    Route("POST", (TYPE, ID, "$meta-delete"), OPERATION, writes=True),
)

_BY_LENGTH = {length: [route for route in ROUTES if len(route.pattern) == length] for length in {len(route.pattern) for route in ROUTES}}


def match(definitions: Definitions, method: str, path: tuple[str, ...]) -> Match:
    """The route of a request.

    NotFound for a path that is none of ours, a type that is not served or an id that cannot exist; MethodNotAllowed, with
    Allow, for a verb that the path or the type does not have; BadRequest for writing under an impossible id.
    """
    rows = [route for route in _BY_LENGTH.get(len(path), ()) if _fits(route.pattern, path)]
    if not rows:
        raise NotFound.of("not-found", "unknown-path", _unknown_path(path))
    places = dict(zip(rows[0].pattern, path, strict=True))
    kind = places.get(KIND)
    type = places.get(TYPE) if kind else path[0] if path and _TYPE_SHAPE.fullmatch(path[0]) else None
    for named in (kind, type):
        if named is not None:
            require_type(definitions, named)
    if type is not None:
        rows = [route for route in rows if _has(definitions, type, route)]
    verb = "GET" if method == "HEAD" else method
    route = next((route for route in rows if route.method == verb), None)
    if route is None:
        raise _wrong_verb(method, path, rows)
    if ID in places:
        _require_id(method, places[ID])
    return Match(route, type, places.get(ID), places.get(VERSION), kind)


def is_id(text: str) -> bool:
    """Whether `text` can be a resource id (https://hl7.org/fhir/R4/datatypes.html#id)."""
    return _ID.fullmatch(text) is not None


def _fits(pattern: Pattern, path: tuple[str, ...]) -> bool:
    return len(pattern) == len(path) and all(_fits_segment(*pair) for pair in zip(pattern, path, strict=True))


def _fits_segment(place: str, segment: str) -> bool:
    if place in (TYPE, KIND):
        return _TYPE_SHAPE.fullmatch(segment) is not None
    if place in (ID, VERSION):
        return segment != "" and segment[0] not in "_$"
    return place == segment


def require_type(definitions: Definitions, type: str) -> None:
    """NotFound for a type that is not served, with those that are; Unprocessable for one that is not supported yet."""
    if type in _NOT_YET:
        raise Unprocessable.of("not-supported", "type-not-supported", _NOT_YET[type])
    if type not in definitions.types:
        raise NotFound.of("not-supported", "unknown-type", _unknown_type(definitions, type))


def _unknown_type(definitions: Definitions, type: str) -> str:
    if type in definitions.all_types:
        return f"{type} is a resource type of R4 that this server does not serve. It serves: {', '.join(sorted(definitions.types))}."
    close = get_close_matches(type, definitions.types, 1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return f"{type} is not a resource type of R4.{hint} This server serves: {', '.join(sorted(definitions.types))}."


def _has(definitions: Definitions, type: str, route: Route) -> bool:
    needed = ("update" if route.writes else "read") if route.interaction == OPERATION else route.interaction
    return needed in definitions.types[type].interactions


def _wrong_verb(method: str, path: tuple[str, ...], rows: Iterable[Route]) -> MethodNotAllowed:
    verbs = {route.method for route in rows}
    allowed = sorted(verbs | ({"HEAD"} if "GET" in verbs else set()))
    where = "/" + "/".join("{id}" if place == ID else segment for place, segment in zip(_widest(path), path, strict=True))
    error = MethodNotAllowed.of(
        "not-supported", "method", f"{method[:16]} is not offered at {where}. Offered: {', '.join(allowed) or 'nothing'}."
    )
    error.headers = {"Allow": ", ".join(allowed)}
    return error


def _widest(path: tuple[str, ...]) -> Pattern:
    return next(route.pattern for route in ROUTES if _fits(route.pattern, path))


def _require_id(method: str, id: str) -> None:
    if is_id(id):
        return
    told = "An id has 1 to 64 characters out of letters, digits, '-' and '.'."
    if method in _READS:
        raise NotFound.of("not-found", "id", f"No resource can have this id. {told}")
    raise BadRequest.of("value", "id", f"The id in the URL is not a FHIR id. {told} Choose another.")


def _unknown_path(path: tuple[str, ...]) -> str:
    if path and path[-1].startswith("$"):
        return f"There is no operation {path[-1][:40]!r} here. {_operations(path)}"
    return "This is not a FHIR URL of this server. Write Type, Type/id, Type/id/_history/version, _history or metadata below the base."


def _operations(path: tuple[str, ...]) -> str:
    """The operations that this server has at the place of one that it has not, or all of them with their places."""
    known = [route for route in ROUTES if route.interaction == OPERATION]
    here = sorted({route.pattern[-1] for route in known if _fits(route.pattern[:-1], path[:-1])})
    if here:
        return f"There is: {', '.join(here)}."
    return f"There are: {', '.join(sorted({route.template for route in known}))}."
