"""The discrepancies that nobody has explained: the DetectedIssue, its Task, and by when it is due."""

from collections.abc import Iterator
from dataclasses import dataclass

from service.fhir.document import stored
from service.ledger import reading
from service.records.register.inquiry import Inquiry
from service.records.register.sheets import Tree
from service.search import links
from service.storage import ledger

_CODE = "cs-discrepancy"
_SETTLED = frozenset({"cancelled", "entered-in-error"})
_AT_WORK = frozenset({"requested", "received", "accepted", "ready", "in-progress", "on-hold"})


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One that is open: `Type/id` of the issue and of the Task that is at work, the id of the vial, and what they say.

    `found` is a dateTime, `due` a date, as FHIR writes them.
    """

    issue: str = ""
    vial: str = ""
    task: str = ""
    found: str = ""
    due: str = ""
    detail: str = ""


NONE = Discrepancy()


def discrepancies(one: Inquiry) -> dict[str, Discrepancy]:
    """The open ones about the vials that are asked for, by the record (`Type/id`) that each is about first."""
    vials = ledger.known(one.tx, one.sites, one.asked.lot, one.asked.substance)
    wanted = [f"Medication/{vial.vial}" for vial in vials if one.asked.vial in (None, vial.vial)]
    open_ones = {f"DetectedIssue/{tree['id']}": tree for tree in _about(one, "DetectedIssue", "implicated", wanted) if _is_open(tree)}
    tasks: dict[str, Tree] = {}
    for task in _about(one, "Task", "focus", list(open_ones)):
        focus = reading.target(task.get("focus"))
        if focus and task.get("status") in _AT_WORK:
            tasks[focus] = task
    found: dict[str, Discrepancy] = {}
    for reference, tree in open_ones.items():
        named = [each for each in map(reading.target, tree.get("implicated", ())) if each]
        found[named[0] if named else reference] = _discrepancy(reference, tree, named, tasks.get(reference))
    return found


def _is_open(tree: Tree) -> bool:
    is_one = any(code == _CODE for _, code in reading.codings(tree.get("code")))
    return is_one and tree.get("status") not in _SETTLED and not tree.get("mitigation")


def _discrepancy(reference: str, tree: Tree, named: list[str], task: Tree | None) -> Discrepancy:
    due = (task or {}).get("restriction", {}).get("period", {}).get("end", "")
    return Discrepancy(
        issue=reference,
        vial=next((each.removeprefix("Medication/") for each in named if each.startswith("Medication/")), ""),
        task=f"Task/{task['id']}" if task else "",
        found=tree.get("identifiedDateTime", ""),
        due=due[:10],
        detail=tree.get("detail", ""),
    )


def _about(one: Inquiry, type: str, parameter: str, references: list[str]) -> Iterator[Tree]:
    """The resources of `type` that refer to one of `references`, oldest first."""
    definitions = one.ctx.service.definitions
    parts = [each.partition("/") for each in references]
    targets = [(definitions.type_number(kind), id) for kind, _, id in parts]
    nodes = links.pointing(one.tx, one.ctx.service.registry.keys_of(type, parameter), targets)
    own = [node.res_id for node in nodes if node.type == definitions.type_number(type)]
    return (stored(row.body).tree for row in links.bodies(one.tx, own))
