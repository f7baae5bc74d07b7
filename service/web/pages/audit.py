"""The page of the audit trail, `/audit`: who saw or changed a record, filtered, the latest first.

It asks the FHIR API for AuditEvents, as whoever looks at it: what the page shows is what the API gives, and looking is recorded as any
other search is. It takes a session or a Bearer token with a scope on AuditEvent.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from service.audit import kinds, words
from service.errors import BadRequest
from service.search.audit import names
from service.web.pages.site import Site

COUNT = "50"
PATH = "/audit"
FIELDS = ("patient", "agent", "action", "outcome", "interaction", "from", "to")
"""What the form asks for."""
ACTIONS = (("", "any"), ("C", "create"), ("R", "read"), ("U", "update"), ("D", "delete"), ("E", "search, operation, other"))
OUTCOMES = (("", "any"), ("done", "done"), ("failed", "refused or failed"))
INTERACTIONS = (
    ("", "any"),
    *((code, code) for code in ("read", "vread", "search-type", "search-system", "history-instance", "create", "update", "patch")),
    *((code, code) for code in ("delete", "operation", "transaction", "batch")),
    (kinds.SIGNED_IN.interaction, "sign-in, token"),
    (kinds.SIGNED_OUT.interaction, "sign-out, revocation"),
    (kinds.GLASS_BROKEN.interaction, "emergency access opened"),
    (kinds.REFUSED.interaction, "refused for lack of access"),
    (f"{kinds.ROLES_CHANGED.interaction},{kinds.CLIENT_CHANGED.interaction}", "rights changed"),
)
TYPE = "AuditEvent"
CURSOR = "_cursor"
_OUTCOME = {"done": ("outcome", "0"), "failed": ("outcome:not", "0")}

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One AuditEvent in words, with the links to it, to what it is about and to its proof."""

    when: str
    who: str
    done: str
    resource: str
    resource_link: str | None
    question: str
    patient: str
    patient_link: str | None
    outcome: str
    reason: str
    purpose: str
    link: str | None
    proof: str | None


def search(given: Mapping[str, str]) -> Pairs:
    """What the fields of the form ask of AuditEvent. Raises BadRequest for a field that there is not, or a choice that is none."""
    for name in given:
        if name not in (*FIELDS, CURSOR):
            raise BadRequest.of("invalid", "parameter-unknown", f"The page has no field {name[:40]!r}. It has: {', '.join(FIELDS)}.")
    asked = {name: value.strip() for name, value in given.items() if value.strip()}
    if asked.get("outcome", "done") not in _OUTCOME:
        raise BadRequest.of("value", "report-field", "'outcome' is done or failed.")
    pairs = [_pair(name, value) for name, value in asked.items() if name != CURSOR]
    total = [("_total", "accurate")] if "patient" in asked else []
    cursor = [(CURSOR, asked[CURSOR])] if CURSOR in asked else []
    return (*pairs, ("_sort", "-date"), ("_count", COUNT), *total, *cursor)


def _pair(name: str, value: str) -> tuple[str, str]:
    if name == "outcome":
        return _OUTCOME[value]
    if name == "agent":
        return ("agent", value) if "/" in value else ("agent:identifier", value)
    dated = {"from": ("date", f"ge{value}"), "to": ("date", f"le{value}")}
    plain = {"patient": ("patient", f"Patient/{value.rpartition('/')[2]}"), "interaction": ("subtype", value), "action": ("action", value)}
    return {**dated, **plain}[name]


def rows(bundle: Mapping[str, Any], site: Site) -> list[Row]:
    """The AuditEvents of a searchset."""
    trees = (entry.get("resource", {}) for entry in bundle.get("entry", ()))
    return [_row(tree, site) for tree in trees if tree.get("resourceType") == TYPE]


def parts(bundle: Mapping[str, Any] | None, given: Mapping[str, str], site: Site) -> dict[str, Any]:
    """What the page shows of a searchset; of none, the form alone."""
    found = bundle or {}
    fields = {name: value for name, value in given.items() if name != CURSOR}
    return {
        "given": {name: given.get(name, "") for name in FIELDS},
        "rows": rows(found, site),
        "total": found.get("total"),
        "next": following(found, given, site),
        "first": link(site, fields) if CURSOR in given else None,
        "disclosures": link(site, {"patient": given.get("patient", "")}, f"{PATH}/disclosures"),
        "actions": chosen(ACTIONS, given.get("action", "")),
        "outcomes": chosen(OUTCOMES, given.get("outcome", "")),
        "interactions": chosen(INTERACTIONS, given.get("interaction", "")),
    }


def following(bundle: Mapping[str, Any], given: Mapping[str, str], site: Site) -> str | None:
    """The link to the next page; None on the last."""
    url = next((link["url"] for link in bundle.get("link", ()) if link.get("relation") == "next"), None)
    if url is None:
        return None
    [cursor] = parse_qs(urlsplit(url).query)[CURSOR]
    return link(site, {**given, CURSOR: cursor})


def link(site: Site, given: Mapping[str, str], path: str = PATH) -> str:
    """The link to the page with these fields."""
    carried = urlencode([(name, value) for name, value in given.items() if value])
    return f"{site.root}{path}{'?' + carried if carried else ''}"


def chosen(options: Iterable[tuple[str, str]], value: str) -> list[tuple[str, str, bool]]:
    """The options of a field, and which of them is chosen."""
    return [(code, told, code == value) for code, told in options]


def _row(tree: Mapping[str, Any], site: Site) -> Row:
    resource, patient = words.resource(tree), words.patient(tree)
    entry = names.parsed(str(tree.get("id", "")))
    return Row(
        when=site.local_time(str(tree.get("recorded", ""))),
        who=words.who(tree),
        done=words.done(tree),
        resource=resource,
        resource_link=site.reference(resource),
        question=words.question(tree),
        patient=patient,
        patient_link=site.reference(patient),
        outcome=words.outcome(tree),
        reason=words.reason(tree),
        purpose=words.purposes(tree),
        link=site.reference(f"{TYPE}/{tree.get('id', '')}"),
        proof=f"{site.root}{PATH}/proof?{urlencode({'entry': entry[0]})}" if entry else None,
    )
