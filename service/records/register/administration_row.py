"""What the administration log says of one administration, as far as no other record changes it: the resource, its order, its segments."""

from collections.abc import Iterator, Mapping
from datetime import tzinfo
from decimal import Decimal

from service.clock import to_datetime
from service.ledger import posting, reading
from service.ledger.amount import Inexact, micrograms
from service.ledger.scene import ADMINISTRATION, Tree
from service.records.register import wording
from service.records.register.scene import RecordScene
from service.storage import ledger
from service.storage.database import Transaction
from service.storage.register import Administration

TYPE = "MedicationAdministration"
_GONE = frozenset({"entered-in-error", "not-done"})


def row(scene: RecordScene, tx: Transaction, tree: Tree) -> Administration:
    """The row of an administration; its version and what its history says are left open."""
    span = reading.happened(tree, scene.zone)
    request = reading.target(tree.get("request")) or ""
    order = scene.get(request) if request.startswith("MedicationRequest/") else None
    vials = _vials(scene, tree)
    dosage = tree.get("dosage", {})
    return Administration(
        administration=tree["id"],
        version=0,
        status=str(tree.get("status", "")),
        started=span[0] if span else 0,
        ended=span[1] if span and _has_ended(tree) else None,
        recorded=0,
        is_late=False,
        is_amended=False,
        site=next((one.site for one in ledger.vials(tx, vials).values()), ""),
        patient=reading.patient(tree) or "",
        encounter=reading.visit(tree) or "",
        request=request,
        orderer=reading.target((order or {}).get("requester")) or "",
        performers=" ".join(reading.actors(tree, reading.PERFORMER)),
        vials=" ".join(vials),
        draws=" ".join(one.removeprefix("MedicationDispense/") for one in posting.draws_of(tree)),
        amount_ug=_amount(tree),
        route=wording.concept(dosage.get("route")),
        rates="; ".join(_rates(scene, tree)),
        indication="; ".join(filter(None, map(wording.concept, tree.get("reasonCode", ())))),
        reasons=" ".join(filter(None, map(reading.target, tree.get("reasonReference", ())))),
    )


def _has_ended(tree: Tree) -> bool:
    return "effectivePeriod" not in tree or "end" in tree["effectivePeriod"]


def _vials(scene: RecordScene, tree: Tree) -> list[str]:
    """The ids of the vials behind its draws; without a draw, of what was given."""
    found = posting.vials(ADMINISTRATION, tree, scene.vial_of, scene.get)
    named = reading.medication(tree)
    if not found and named and (vial := scene.vial_of(named)):
        found = [vial]
    return list(dict.fromkeys(found))


def _amount(tree: Tree) -> int | None:
    """What was given, in micrograms; None before that is stated."""
    if not posting.posts(ADMINISTRATION, tree):
        return None
    try:
        return micrograms(tree.get("dosage", {}).get("dose"))
    except Inexact:
        return None


def _rates(scene: RecordScene, tree: Tree) -> Iterator[str]:
    """The rate of each segment with its times in the clinic's zone, in their order; that of the whole where there are no segments."""
    pointing = scene.pointing(TYPE, f"{TYPE}/{tree['id']}")
    parts = [
        one for one in pointing if one.get("status") not in _GONE and f"{TYPE}/{tree['id']}" in reading.referred(one.get("partOf"), TYPE)
    ]
    spans = sorted((span, rate) for one in parts or [tree] if (span := reading.happened(one, scene.zone)) and (rate := _rate(one)))
    for (start, end), rate in spans:
        yield f"{rate} {_hour(start, scene.zone)}-{_hour(end, scene.zone)}"


def _hour(instant: int, zone: tzinfo) -> str:
    return f"{to_datetime(instant).astimezone(zone):%H:%M}"


def _rate(tree: Tree) -> str:
    dosage = tree.get("dosage", {})
    quantity: object = dosage.get("rateQuantity")
    if isinstance(quantity, Mapping):
        return _quantity(quantity)
    ratio = dosage.get("rateRatio", {})
    return "/".join(_quantity(ratio[name]) for name in ("numerator", "denominator") if name in ratio)


def _quantity(quantity: Tree) -> str:
    value = quantity.get("value")
    number = f"{Decimal(value):f}" if isinstance(value, Decimal | int) else ""
    return " ".join(part for part in (number, str(quantity.get("unit") or quantity.get("code") or "")) if part)
