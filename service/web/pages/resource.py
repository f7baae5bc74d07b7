"""A FHIR answer as an HTML page: the same content as the JSON, readable, linked and printable.

Every answer of the RESTful API has a page: a resource, a version, a searchset, a history, an OperationOutcome and the
CapabilityStatement (https://hl7.org/fhir/R4/http.html). The JSON on the page is the text of the answer itself, token for token.
"""

import json
from collections.abc import Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from markupsafe import Markup

from service.records.context import Service
from service.rest.exchange import FhirResponse
from service.rest.routes import EVERY
from service.web.pages import bundle, capability, definition, expansion, outcome, parameters, referrers, summary
from service.web.pages.address import Address
from service.web.pages.highlight import highlight
from service.web.pages.referrers import Inbound, Referrer
from service.web.pages.site import Site, universal_time
from service.web.pages.summary import Tree
from service.web.pages.templating import page
from service.web.pages.visitor import Visitor

SHOWN_CHARACTERS = 2 * 1024 * 1024
"""Longer JSON (only large Bundles are) is linked, not shown: a browser cannot do much with it."""


def render(service: Service, path: str, query: Sequence[tuple[str, str]], response: FhirResponse, visitor: Visitor | None = None) -> str:
    """The page of `response`, the answer to the request for `path` (decoded, below the FHIR base) with `query`, for `visitor`."""
    body = response.body or ""
    text = body.decode() if isinstance(body, bytes) else body
    address = Address.of(Site.of(service.settings, visitor), path, query)
    return render_text(address, response.status, text, referrers.inbound(service.registry))


def render_text(address: Address, status: int, text: str, inbound: Inbound = MappingProxyType({})) -> str:
    """The page of the FHIR JSON `text` that the request for `address` was answered with."""
    tree = json.loads(text, parse_float=str, parse_int=str)
    template, parts = _content(tree, address, status)
    if "current" in parts:
        parts["referrers"] = _referrers(inbound, address.site, tree)
    return page(template, address.site, address=address, content=_shown(text, address.site), **parts)


def _referrers(inbound: Inbound, site: Site, tree: Tree) -> list[Referrer]:
    """What can refer to the resource, as far as the visitor may search for it."""
    found = referrers.links(inbound, site.base, str(tree["resourceType"]), str(tree.get("id")))
    return [one for one in found if site.visitor is None or one.type in site.visitor.types]


def _shown(text: str, site: Site) -> Markup | None:
    return highlight(text, site) if len(text) <= SHOWN_CHARACTERS else None


def _content(tree: Tree, address: Address, status: int) -> tuple[str, dict[str, Any]]:
    site, kind = address.site, tree.get("resourceType")
    stored = "versionId" in _meta(tree)
    if kind == "Bundle" and not stored:
        return "bundle.html", _bundle(tree, address)
    if kind == "OperationOutcome" and not stored:
        return "outcome.html", _outcome(tree, status)
    if kind == "CapabilityStatement" and not stored:
        return "capability.html", {"title": "Capabilities", "tree": tree, "types": capability.type_rows(tree, site)}
    if kind == "Parameters" and not stored:
        return "parameters.html", {"title": address.path[-1] if address.path else "Parameters", "rows": parameters.rows(tree)}
    if kind == "ValueSet" and not stored:
        total = tree["expansion"].get("total", "")
        return "expansion.html", {"title": summary.label(tree) or "Expansion", "rows": expansion.rows(tree), "total": total}
    if not stored:
        return "fhir.html", {"title": summary.label(tree) or str(kind)}
    if kind in definition.TEMPLATES:
        return definition.TEMPLATES[str(kind)], {**_record(tree, address), **definition.parts(tree, site)}
    return "record.html", _record(tree, address)


def _record(tree: Tree, address: Address) -> dict[str, Any]:
    site = address.site
    name = f"{tree.get('resourceType')}/{tree.get('id')}"
    version = str(_meta(tree).get("versionId", ""))
    updated = str(_meta(tree).get("lastUpdated", ""))
    older = int(version) - 1 if version.isascii() and version.isdigit() else 0
    current = f"{site.base}/{name}"
    return {
        "title": summary.label(tree) or str(tree.get("resourceType")),
        "tree": tree,
        "version": version,
        "updated": (site.local_time(updated), universal_time(updated)),
        "current": current if address.is_version else None,
        "history": f"{current}/_history",
        "older": f"{current}/_history/{older}" if older > 0 else None,
        "summary": summary,
    }


def _bundle(tree: Tree, address: Address) -> dict[str, Any]:
    rows = bundle.rows(tree, address.site)
    outcomes = [row for row in tree.get("entry", ()) if row.get("search", {}).get("mode") == "outcome"]
    return {
        "title": _bundle_title(tree, address),
        "history": tree.get("type") == "history",
        "rows": [row for row in rows if row.mode != "outcome"],
        "columns": bundle.columns(rows),
        "matches": sum(row.mode in ("match", "") for row in rows),
        "findings": [line for entry in outcomes for line in outcome.lines(entry.get("resource", {}))],
        "total": tree.get("total"),
        "horizon": _meta(tree).get("lastUpdated"),
        "pages": bundle.page_links(tree, address.site),
        "applied": bundle.self_link(tree, address.site),
    }


def _bundle_title(tree: Tree, address: Address) -> str:
    if tree.get("type") == "history":
        subject = "/".join(segment for segment in address.path if segment != "_history")
        return f"History of {subject}" if subject else "History of all resources"
    if len(address.path) > 2:
        kind, id, what, *_ = address.path
        return f"{'Everything' if what == EVERY else what} of {kind}/{id}"
    if address.path and address.path[-1].startswith("$"):
        return " ".join(address.path)
    return f"{address.path[0]} search" if address.path else "Search in all types"


def _outcome(tree: Tree, status: int) -> dict[str, Any]:
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
    return {"title": f"{status} {phrase}".strip(), "lines": outcome.lines(tree)}


def _meta(tree: Tree) -> Tree:
    meta = tree.get("meta")
    return meta if isinstance(meta, dict) else {}
