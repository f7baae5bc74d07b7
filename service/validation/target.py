"""What a literal reference may point to (https://hl7.org/fhir/R4/references.html#literal).

Whether the target exists is not asked here. Its type is known from a relative or absolute RESTful URL, a conditional
reference, a contained resource, an entry of the enclosing Bundle, or `Reference.type`; where it is known, it must be allowed.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from service.fhir.element import Type
from service.fhir.reference import conditional, parse
from service.validation.run import Run

_ABSOLUTE = re.compile(r"^[A-Za-z][A-Za-z0-9+.\-]*:")


def reference_rule(kind: Type, all_types: frozenset[str]) -> Callable[[Any, str, Run], None]:
    """The rule of an element of type Reference; `kind.targets` are the types it may point to."""
    allowed = frozenset(kind.targets) & all_types if "Resource" not in kind.targets else frozenset()
    mend = f"must refer to {_either(kind.targets)}"

    def rule(value: Any, path: str, run: Run) -> None:
        reference, stated = value.get("reference"), value.get("type")
        found = target_type(reference, run) if type(reference) is str else None
        if found == "":
            run.error("value", "reference-format", path + ".reference", _FORMAT)
            return
        if found and found not in all_types:
            run.warning("value", "reference-unknown-type", path + ".reference", f"is to a {found}, which is no R4 resource type")
            return
        if isinstance(stated, str) and stated in all_types:
            if found and found != stated:
                run.error("value", "reference-type", path + ".type", f"says {stated}, but the reference is to a {found}; make them agree")
                return
            found = found or stated
        if allowed and found and found not in allowed:
            run.error("value", "reference-target", path, f"{mend}, not to a {found}")

    return rule


_FORMAT = (
    "must be Type/id with an R4 resource type, an absolute URL, urn:uuid:..., urn:oid:..., #id of a contained resource, "
    "or Type?condition inside a transaction"
)


def target_type(reference: str, run: Run) -> str | None:
    """The resource type that a reference points to; None when the text does not tell; "" when it is no reference at all."""
    if reference.startswith("#"):
        return run.contained.get(reference[1:]) if len(reference) > 1 else _type_of(run.root)
    if reference in run.full_urls:
        return run.full_urls[reference]
    literal = parse(reference)
    name = literal.type if literal else (conditional(reference) or [""])[0]
    if name:
        return name
    return None if _ABSOLUTE.match(reference) or not reference else ""


def _type_of(resource: Mapping[str, Any]) -> str | None:
    name = resource.get("resourceType")
    return name if isinstance(name, str) else None


def _either(names: tuple[str, ...]) -> str:
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else "a resource"
