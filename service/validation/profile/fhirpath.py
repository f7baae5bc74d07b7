"""Invariants in FHIRPath: known expressions as hand-written predicates, all others by fhirpathpy, compiled once.

Expressions come from definitions that an administrator put into the library, never from a request. What the engine lacks is supplied
here: `hasValue`, `resolve`, `memberOf`, `conformsTo`, `htmlChecks`. http://hl7.org/fhirpath/N1/, https://hl7.org/fhir/R4/fhirpath.html
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from service.fhir.profile.element import ProfileConstraint
from service.validation.profile.item import Item
from service.validation.profile.known import known
from service.validation.run import Run
from service.validation.target import target_type

Json = Any
Holds = Callable[[Item, Run], bool]
Conforms = Callable[[Item, str, Run], bool]
IsMember = Callable[[Json, str, Run], bool]

_NAMES = re.compile(r"[a-z][A-Za-z]*(?: or [a-z][A-Za-z]*)+")
_UCUM = "http://unitsofmeasure.org"


class Unreadable(ValueError):
    """An expression that the engine cannot parse."""


def predicate(constraint: ProfileConstraint, type_name: str, conforms: Conforms, is_member: IsMember) -> Holds:
    """What decides a constraint on values of `type_name` (a resource type, a datatype, or the path of a nested element).

    Raises Unreadable for an expression that is no FHIRPath.
    """
    by_hand = known(constraint.expression)
    if by_hand is not None:
        return by_hand
    parsed = _parsed(_in_booleans(constraint.expression))

    def holds(item: Item, run: Run) -> bool:
        result = _evaluated(parsed, item, type_name, run, _functions(run, conforms, is_member))
        return bool(result) and result != [False]

    return holds


def _in_booleans(expression: str) -> str:
    """`telecom or endpoint` as `telecom.exists() or endpoint.exists()`: what is there counts as true, and the engine wants it said.

    http://hl7.org/fhirpath/N1/#singleton-evaluation-of-collections
    """
    return " or ".join(f"{name}.exists()" for name in expression.split(" or ")) if _NAMES.fullmatch(expression) else expression


@lru_cache(maxsize=4096)
def _parsed(expression: str) -> Json:
    from fhirpathpy.parser import parse

    try:
        return parse(expression)  # type: ignore[no-untyped-call]
    except Exception as error:
        raise Unreadable(f"{expression!r} is no FHIRPath: {error}") from error


def _evaluated(parsed: Json, item: Item, type_name: str, run: Run, functions: Mapping[str, Json]) -> list[Json]:
    from fhirpathpy import apply_parsed_path
    from fhirpathpy.engine.nodes import ResourceNode
    from fhirpathpy.models import models

    value = item.value if item.value is not None else item.extra
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
