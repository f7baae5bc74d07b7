"""What became of a form: each resource with its lines in the ledger and the balance of its vial."""

import re

from flask import Blueprint, Response, request

from service.clock import to_text
from service.errors import BadRequest
from service.ledger.amount import milligrams, millilitres
from service.records.context import Service
from service.records.entering import outcome, submit
from service.records.entering.delivery import MOST_VIALS
from service.records.entering.outcome import Line, Outcome
from service.records.register import gate
from service.web.pages import desk as desks
from service.web.pages import summary
from service.web.pages.desk import Desk

_REFERENCE = re.compile(r"(?:Medication|MedicationDispense|SupplyDelivery|Observation)/[A-Za-z0-9.-]{1,64}")


def register(pages: Blueprint, service: Service) -> None:
    """Adds /register/recorded?of=Type/id,Type/id, with the form and its number that made them."""
    desks.add(pages, service, "/register/recorded", "register_recorded", get=_shown)


def _shown(desk: Desk) -> Response:
    gate.require_read(desk.ctx)
    names = [name for name in request.args.get("of", "").split(",") if not name.startswith("Medication/")]
    if not 0 < len(names) <= MOST_VIALS or not all(_REFERENCE.fullmatch(name) for name in names):
        raise BadRequest.of("invalid", "form-recorded", f"Say what was recorded as Type/id, 1 to {MOST_VIALS} of them with commas between.")
    found = [outcome.outcome(desk.ctx, name) for name in names]
    told = submit.warnings(desk.ctx, request.args.get("form", ""), request.args.get("number", ""))
    return desk.show("register-recorded.html", "Recorded", found=[_told(desk, one) for one in found], warnings=told)


def _told(desk: Desk, found: Outcome) -> dict[str, object]:
    site = desk.site
    return {
        "reference": found.reference,
        "link": f"{site.base}/{found.reference}",
        "words": summary.label(found.tree) or found.reference,
        "number": next((one.get("value", "") for one in found.tree.get("identifier", ())), ""),
        "lines": [_line(desk, line) for line in found.lines],
        "discrepancies": [(f"DetectedIssue/{id}", f"{site.base}/DetectedIssue/{id}") for id in found.discrepancies],
    }


def _line(desk: Desk, line: Line) -> dict[str, object]:
    entry = line.entry
    return {
        "number": entry.number,
        "vial": line.vial.serial or entry.vial,
        "id": entry.vial,
        "kind": f"{entry.kind}{' back' if entry.reverses else ''}",
        "amount": f"{milligrams(entry.amount_ug)} mg",
        "volume": f"{millilitres(entry.volume_ul)} mL" if entry.volume_ul else "",
        "when": desk.site.local_time(to_text(entry.occurred)),
        "flags": entry.flags,
        "balance": f"{milligrams(line.balance_ug)} mg",
        "book": "" if line.book_ug is None else f"{milligrams(line.book_ug)} mg",
        "differs": line.book_ug is not None and line.book_ug != entry.amount_ug,
    }
