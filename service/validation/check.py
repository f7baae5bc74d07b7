"""The gate: every resource passes it before it is stored.

It holds a resource to the base definitions of R4 4.0.1: elements, cardinality, types, formats, required bindings, reference
target types, narratives, contained resources and invariants (https://hl7.org/fhir/R4/validation.html). What that finds right is held
to its profiles and to the definitions of its extensions. `docs/validation.md` lists the rules. The gate reads no database itself: whether
the target of a reference exists is asked elsewhere, and about codes that the library does not know it asks the `terms` it is given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.errors import Issue
from service.fhir.definitions import Definitions
from service.terminology.lookup import Lookup
from service.validation import containment
from service.validation.compile import Beyond, Shapes
from service.validation.profile.hold import Holder
from service.validation.run import MOST_ISSUES, Full, Run


@dataclass(frozen=True, slots=True)
class Asked:
    """How a document is to be judged. `profiles`: beside those that it claims. `terms` answers about codes that the library does not know.
    `thorough`: information is wanted, as by `$validate`."""

    profiles: Sequence[str] = ()
    terms: Lookup | None = None
    thorough: bool = False


_PLAINLY = Asked()
_BROKEN = frozenset({"structure", "invalid", "value"})
"""Issue types after which a document is not looked at any further: profiles speak of what R4 finds well-formed."""


class Gate:
    """Checks documents against definitions, and with a `holder` against profiles. Safe to share between threads."""

    def __init__(self, definitions: Definitions, holder: Holder | None = None) -> None:
        self._types = frozenset(definitions.all_types)
        self._holder = holder
        self._shapes = Shapes(definitions, self._inner, Beyond(_met, holder.bound) if holder else None)

    def check(self, tree: Any, expected_type: str | None = None, asked: Asked = _PLAINLY) -> list[Issue]:
        """Everything that is wrong with a resource, errors and warnings; empty when it is right.

        With `expected_type`, a resource of another type is an error. At most `MOST_ISSUES` issues and a note are returned.
        """
        return self._run(tree, expected_type, Run(tree if isinstance(tree, Mapping) else {}, False, asked.terms, asked.thorough), asked)

    def check_envelope(self, tree: Any) -> list[Issue]:
        """Everything that is wrong with a Bundle but for the resources in its entries: those are checked one by one."""
        return self._run(tree, "Bundle", Run(tree if isinstance(tree, Mapping) else {}, envelope=True), _PLAINLY)

    def profiles(self, type: str) -> tuple[str, ...]:
        """The canonical URLs of the profiles of a resource type that are known here, sorted."""
        return self._holder.profiles.known(type) if self._holder else ()

    def _run(self, tree: Any, expected_type: str | None, run: Run, asked: Asked) -> list[Issue]:
        try:
            name = self._type_of(tree, "", run)
            if name and expected_type and name != expected_type:
                text = f"is {name}, but a {expected_type} belongs here: send it to the address of its type, or correct resourceType"
                run.error("invalid", "resource-type", "resourceType", text)
            elif name:
                self._resource(name, tree, name, run)
                if self._holder and not run.envelope and not any(issue.code in _BROKEN for issue in run.issues):
                    self._holder.check(tree, run, asked.profiles)
        except Full:
            text = f"The first {MOST_ISSUES} issues are listed; correct them and send the resource again to see whether there are more."
            run.issues.append(Issue("information", "informational", "too-many-issues", text))
        return _once(run.issues)

    def _resource(self, name: str, node: Mapping[str, Any], path: str, run: Run) -> None:
        state = run.enter(node)
        self._shapes.structure(name).check(node, path, run)
        if "contained" in node:
            containment.check(node, path, run)
        run.leave(state)

    def _inner(self, node: Any, path: str, run: Run, contained: bool) -> None:
        if run.envelope and not contained:
            return
        name = self._type_of(node, path, run)
        if name and contained:
            state = run.enter_contained(node)
            self._shapes.structure(name).check(node, path, run)
            run.leave(state)
        elif name:
            self._resource(name, node, path, run)

    def _type_of(self, node: Any, path: str, run: Run) -> str | None:
        place = f"{path}.resourceType" if path else "resourceType"
        if not isinstance(node, dict):
            run.error("structure", "object-expected", path or "resource", "must be a JSON object (a resource)")
            return None
        name = node.get("resourceType")
        if name is None:
            run.error("structure", "resource-type", place, "is missing: every resource names its type")
        elif not isinstance(name, str) or name not in self._types:
            run.error("structure", "resource-type", place, f"is {str(name)[:64]!r}, which is no R4 resource type: correct it")
        else:
            return name
        return None


def _met(value: Any, path: str, run: Run) -> None:
    """Keeps an extension for later, when the whole document is known."""
    run.extensions.append((value, path))


def _once(issues: list[Issue]) -> list[Issue]:
    """Without what was found twice, because several profiles ask for it."""
    if len(issues) < 2:
        return issues
    return list({(one.severity, one.rule, one.expression, one.diagnostics): one for one in reversed(issues)}.values())[::-1]
