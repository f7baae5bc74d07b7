"""The page of a line of the register, `/register/lines/VIAL/NUMBER`: its whole story, chapter by chapter, each with its proof."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from service.errors import NotFound, Overloaded
from service.ledger.amount import milligrams, millilitres
from service.records import audit_log
from service.records.context import Service
from service.records.register import rows, wording
from service.records.register.report import local
from service.records.register.rows import Line
from service.records.register.story import Chapter, Story, Version
from service.web.pages import summary
from service.web.pages.register import PATH
from service.web.pages.site import Site

_LINKED = ("patient", "encounter", "performer", "witness")


@dataclass(frozen=True, slots=True)
class Proof:
    """Where the event of a version is in the signed log: `state` in words, with the links to the event and to the proof."""

    audit_id: str
    state: str
    event: str | None
    link: str


def parts(story: Story, service: Service, site: Site) -> dict[str, Any]:
    """What the page shows of a story."""
    line = story.line
    version = line.entry.source.rpartition("/")[2]
    own = next((one for one in story.chapters if one.reference == line.entry.reference), None)
    written = next((one for one in own.versions if str(one.number) == version), None) if own else None
    return {
        "line": _line(line, site),
        "facts": list(_facts(story, site)),
        "lines": [_line(one, site) for one in story.lines],
        "tie": story.tie,
        "proof": _proof(service, site, written.audit_id) if written and written.audit_id else None,
        "chapters": [_chapter(one, story, site) for one in story.chapters],
        "vial": f"{site.root}{PATH}?{urlencode({'vial': line.entry.vial})}",
    }


def _line(one: Line, site: Site) -> dict[str, Any]:
    entry = one.entry
    return {
        "number": entry.number,
        "link": f"{site.root}{PATH}/lines/{entry.vial}/{entry.number}",
        "event": rows.event(entry),
        "occurred": local(entry.occurred, site.zone),
        "recorded": local(entry.recorded, site.zone),
        "amount": f"{milligrams(entry.amount_ug)} mg",
        "volume": f"{millilitres(entry.volume_ul)} mL" if entry.volume_ul else "",
        "origin": entry.origin,
        "target": entry.target,
        "balance": f"{milligrams(one.balance_ug)} mg",
        "marks": one.marks,
        "previous": entry.previous,
        "hash": entry.hash,
    }


def _facts(story: Story, site: Site) -> Iterator[tuple[str, str, str | None]]:
    """Name, text and link of what the line itself says."""
    entry, vial = story.line.entry, story.line.vial
    yield "Event", rows.event(entry), None
    yield "Amount", f"{milligrams(entry.amount_ug)} mg", None
    yield "Balance of the vial", f"{milligrams(story.line.balance_ug)} mg", None
    yield "Time of event", local(entry.occurred, site.zone), None
    yield "Time of entry", local(entry.recorded, site.zone), None
    yield "Drug", rows.drug(vial), None
    yield "Vial", vial.serial or vial.vial, site.reference(f"Medication/{vial.vial}")
    yield "Lot", vial.lot, None
    for name in _LINKED:
        if reference := str(getattr(entry, name)):
            yield name.capitalize(), wording.called(story.trees.get(reference), reference), site.reference(reference)
    yield "Policies", entry.policy, None
    yield "Record", entry.source, site.reference(entry.source)


def _proof(service: Service, site: Site, audit_id: str) -> Proof:
    try:
        found = audit_log.proof(service, audit_id)
        state = f"entry {found['index']} of {found['size']} in the signed log"
    except Overloaded:
        state = "recorded, and waiting for the next signed checkpoint"
    except NotFound:
        state = "not in the audit trail"
    return Proof(audit_id, state, site.reference(f"AuditEvent/{audit_id}"), _proof_link(site, audit_id))


def _proof_link(site: Site, audit_id: str) -> str:
    return f"{site.root}/audit/proof?{urlencode({'entry': audit_id})}"


def _chapter(one: Chapter, story: Story, site: Site) -> dict[str, Any]:
    tree = dict(one.tree) if one.tree is not None else {}
    return {
        "title": one.title,
        "reference": one.reference,
        "link": site.reference(one.reference),
        "history": f"{site.base}/{one.reference}/_history",
        "is_shown": one.tree is not None,
        "words": " · ".join(filter(None, (summary.label(tree), summary.details(tree), _detail(tree)))),
        "when": summary.when(tree, site),
        "status": summary.status(tree),
        "due": _due(tree, site),
        "lines": [_line(each, site) for each in one.lines],
        "signatures": [
            {
                "who": wording.called(story.trees.get(each.who), each.who),
                "kind": each.kind,
                "when": site.local_time(each.when),
                "link": site.reference(each.provenance),
            }
            for each in one.signatures
        ],
        "versions": [_version(each, one.reference, site) for each in one.versions],
    }


def _detail(tree: dict[str, Any]) -> str:
    """What a discrepancy or a Task says."""
    text = tree.get("detail") or tree.get("description")
    return text if isinstance(text, str) and tree.get("resourceType") in ("DetectedIssue", "Task") else ""


def _due(tree: dict[str, Any], site: Site) -> str:
    end = tree.get("restriction", {}).get("period", {}).get("end", "") if tree.get("resourceType") == "Task" else ""
    return site.local_time(end) if end else ""


def _version(one: Version, reference: str, site: Site) -> dict[str, Any]:
    return {
        "number": one.number,
        "link": site.reference(f"{reference}/_history/{one.number}"),
        "recorded": local(one.recorded, site.zone),
        "method": one.method,
        "event": site.reference(f"AuditEvent/{one.audit_id}") if one.audit_id else None,
        "proof": _proof_link(site, one.audit_id) if one.audit_id else None,
        "changes": one.changes,
    }
