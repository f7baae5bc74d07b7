"""Profiles, tags and security labels: which are in use, and how a set of them is added to a resource or taken off.

They are sets: a coding is the one with its system and code, whatever its version and display; a profile is its URL.
https://hl7.org/fhir/R4/resource.html#Meta
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.errors import BadRequest
from service.records.context import Context
from service.search import labels as index

MEMBERS = ("profile", "security", "tag")
MOST = 2000
"""Labels that one answer lists."""


@dataclass(frozen=True, slots=True)
class Labels:
    """A change of the labels of a resource, as a patch: `given` are the profiles and codings by member of Meta."""

    given: Mapping[str, tuple[Any, ...]]
    adds: bool

    def apply(self, tree: Any) -> Any:
        """The resource with the labels added or taken off; the others keep their places."""
        meta = dict(tree.get("meta", {}))
        for name in MEMBERS:
            before = meta.pop(name, [])
            after = _added(before, self.given.get(name, ())) if self.adds else _removed(before, self.given.get(name, ()))
            if after:
                meta[name] = after
        return {**tree, "meta": meta} if meta or "meta" in tree else tree


def in_use(ctx: Context, type: str | None) -> dict[str, Any]:
    """The labels in use on the resources of a type, or of all types: a Meta without what belongs to one resource.

    Of types that the caller does not reach whole nothing is told: labels are counted over all of a type. Raises Forbidden for a type out
    of reach, BadRequest when there are more than `MOST`.
    """
    if type:
        ctx.access.require("s", type)
    types = [name for name in ([type] if type else sorted(ctx.service.definitions.types)) if ctx.access.is_whole("s", name)]
    with ctx.snapshot() as tx:
        found = index.in_use(tx, ctx.service.registry, types, MOST + 1)
    if sum(map(len, found.values())) > MOST:
        raise BadRequest.of("too-costly", "labels", f"More than {MOST} labels are in use here. Ask for one type, or for one resource.")
    return {name: values for name in MEMBERS if (values := found[name])}


def _added(before: list[Any], given: tuple[Any, ...]) -> list[Any]:
    known = {_identity(one) for one in before}
    after = list(before)
    for one in given:
        if _identity(one) not in known:
            known.add(_identity(one))
            after.append(one)
    return after


def _removed(before: list[Any], given: tuple[Any, ...]) -> list[Any]:
    gone = {_identity(one) for one in given}
    return [one for one in before if _identity(one) not in gone]


def _identity(label: Any) -> Any:
    return (label.get("system"), label.get("code")) if isinstance(label, dict) else label
