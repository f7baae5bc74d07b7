"""Invariants in FHIRPath: compiled to closures where they are written in the common part of it, else decided by fhirpathpy.

The engine takes about a millisecond for each element that an expression goes through, closures a microsecond; so the engine is not
asked about large values. Expressions come from definitions that an administrator put into the library, never from a request. What the
engine lacks is supplied here: `hasValue`, `resolve`, `memberOf`, `conformsTo`, `htmlChecks`.
http://hl7.org/fhirpath/N1/, https://hl7.org/fhir/R4/fhirpath.html
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from service.fhir.profile.element import ProfileConstraint
from service.validation.profile.expression.compile import compiled
from service.validation.profile.expression.logic import Beyond, Expression, truth
from service.validation.profile.item import Item
from service.validation.run import Run
from service.validation.target import target_type

Json = Any
Holds = Callable[[Item, Run], bool]
Conforms = Callable[[Item, str, Run], bool]
IsMember = Callable[[Json, str, Run], bool]

MOST_NODES = 5000
"""How large a value the engine is asked about: seconds of work at the most."""
_DAY_OR_FINER = "($this as dateTime).toString().length() >= 8"
_UCUM = "http://unitsofmeasure.org"


class TooLarge(Exception):
    """The value is too large for the engine."""


class Unreadable(ValueError):
    """An expression that the engine cannot parse."""


def predicate(constraint: ProfileConstraint, type_name: str, conforms: Conforms, is_member: IsMember) -> Holds:
    """What decides a constraint on values of `type_name` (a resource type, a datatype, or the path of a nested element).

    Raises Unreadable for an expression that is no FHIRPath.
    """
    if constraint.expression == _DAY_OR_FINER:
        return _is_day_or_finer
    parsed = _parsed(constraint.expression)
    quick = _quick(parsed)

    def holds(item: Item, run: Run) -> bool:
        value = item.value if item.value is not None else item.extra
        if quick is not None:
            try:
                return truth(quick((value,), run)) is True
            except Beyond:
                pass
        if _size(value) > MOST_NODES:
            raise TooLarge
        return truth(_evaluated(parsed, value, type_name, run, _functions(run, conforms, is_member))) is True

    return holds


def _is_day_or_finer(item: Item, _run: Run) -> bool:
    """As its sentence says, a rule about dateTimes alone; read to the letter, the expression would refuse a Period."""
    return item.kind != "dateTime" or (isinstance(item.value, str) and len(item.value) >= len("YYYYMMDD"))


def _quick(parsed: Json) -> Expression | None:
    try:
        return compiled(parsed)
    except Beyond:
        return None


def _size(value: Json) -> int:
    """How many values there are in a value."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_size, parts))


@lru_cache(maxsize=4096)
def _parsed(expression: str) -> Json:
    from fhirpathpy.parser import parse

    try:
        return parse(expression)  # type: ignore[no-untyped-call]
    except Exception as error:
        raise Unreadable(f"{expression!r} is no FHIRPath: {error}") from error


def _evaluated(parsed: Json, value: Json, type_name: str, run: Run, functions: Mapping[str, Json]) -> list[Json]:
    from fhirpathpy import apply_parsed_path
    from fhirpathpy.engine.nodes import ResourceNode
    from fhirpathpy.models import models

    node = ResourceNode.create_node(value, None if isinstance(value, dict) and "resourceType" in value else type_name)  # type: ignore[no-untyped-call]
    around = {"resource": run.resource, "rootResource": run.root, "context": node, "ucum": _UCUM}
    options = {"userInvocationTable": functions, "traceFn": _silent}
    found: list[Json] = apply_parsed_path(node, parsed, around, models["r4"], options)  # type: ignore[no-untyped-call]
    return found


def _silent(*_: Json) -> None:
    """`trace()` would print the record."""


def _functions(run: Run, conforms: Conforms, is_member: IsMember) -> dict[str, Json]:
    """The functions that the engine leaves to its caller, as they answer inside this run."""
    return {
        "hasValue": {"fn": lambda found: len(found) == 1 and not isinstance(_plain(found[0]), dict)},
        "htmlChecks": {"fn": lambda _found: True},
        "resolve": {"fn": lambda found: [target for one in found if (target := _target(_plain(one), run))]},
        "memberOf": {"fn": lambda found, url: any(is_member(_plain(one), url, run) for one in found), "arity": {1: ["String"]}},
        "conformsTo": {
            "fn": lambda found, url: bool(found) and all(conforms(Item(_plain(one), None, "", None), url, run) for one in found),
            "arity": {1: ["String"]},
        },
    }


def _plain(node: Json) -> Json:
    return getattr(node, "data", node)


def _target(value: Json, run: Run) -> Json:
    """What a reference points to, or as much as its text tells: the type."""
    reference = value.get("reference") if isinstance(value, dict) else value
    if not isinstance(reference, str):
        return None
    found = run.target(reference)
    if found is None:
        name = target_type(reference, run) or (value.get("type") if isinstance(value, dict) else None)
        found = {"resourceType": name} if name else None
    return _typed(found) if found else None


def _typed(resource: Json) -> Json:
    """A resource as the engine must have it: `is` asks the node, not the data."""
    from fhirpathpy.engine.nodes import ResourceNode

    return ResourceNode.create_node(resource)  # type: ignore[no-untyped-call]
