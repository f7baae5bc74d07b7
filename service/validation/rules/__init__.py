"""The invariants of R4 4.0.1, by the key of their constraint, or `path:key` where R4 uses a key twice."""

from service.fhir.element import Constraint
from service.validation.invariant import Rule
from service.validation.rules import (
    administration,
    bundle,
    clinical,
    conformance,
    datatypes,
    elementdefinition,
    financial,
    questionnaire,
    structuredefinition,
    testing,
)
from service.validation.scope import Scope
from service.validation.structure import Predicate

RULES: dict[str, Rule] = {
    **datatypes.RULES,
    **bundle.RULES,
    **clinical.RULES,
    **administration.RULES,
    **financial.RULES,
    **conformance.RULES,
    **elementdefinition.RULES,
    **structuredefinition.RULES,
    **questionnaire.RULES,
    **testing.RULES,
}

BUILT_IN = {
    "ele-1": "every object is looked at by the walk itself",
    "dom-2": "containment.py",
    "dom-3": "containment.py",
    "dom-4": "containment.py",
    "dom-5": "containment.py",
    "txt-1": "narrative.py",
    "txt-2": "narrative.py",
}

UNCHECKED = {
    "dom-6": "best practice: a record kept by machines needs no narrative",
    "eld-11": "as written it always holds",
}


def predicate(constraint: Constraint, path: str, scope: Scope) -> Predicate | None:
    """The predicate of a constraint at a path; None for those that are built into the walk, or not checked."""
    rule = RULES.get(f"{path}:{constraint.key}") or RULES.get(constraint.key)
    return rule(scope) if rule else None
