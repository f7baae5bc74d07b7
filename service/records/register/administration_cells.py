"""The columns of the administration log, and how a row of it is made of what is kept and what is looked up.

By law: the site, date, patient with address, substance with finished form and strength, units and volume, and who administered it (21 CFR
1304.22(c)); what was disposed of. The rest is the clinic's policy.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from service.records.register import cells, wording
from service.records.register.heading import address, described, registration
from service.records.register.inquiry import Inquiry
from service.records.register.report import DATE, FLAG, INSTANT, LAW, NUMBER, POLICY, REFERENCE, UG, UL, Cell, Column, Row, Shared
from service.storage.ledger import Vial
from service.storage.register import Became

_PLACE = (Column("site", "Site, address, DEA registration", basis=LAW, width=60),)
_PATIENT = (
    Column("patient", "Patient", basis=LAW, width=16),
    Column("address", "Address", basis=LAW, width=26),
    Column("record-number", "Record number", basis=POLICY, width=12),
    Column("birth-date", "Born", DATE, POLICY, 11),
    Column("patient-record", "Patient (id)", REFERENCE, POLICY, 37),
)
_WIDTHS = (12, 30, 9, 9, 13, 11, 11, 15)
_CONTAINER = (*cells.PRODUCT, Column("schedule", "Schedule", basis=POLICY), *cells.BATCH, *cells.SERIAL)
_VIAL = tuple(replace(column, width=width) for column, width in zip(_CONTAINER, _WIDTHS, strict=True))
_PERFORMER = (Column("performer", "Given by", basis=LAW, width=20), Column("licence", "Licence", basis=LAW, width=11))
_ORDERER = (
    Column("orderer", "Ordered by", basis=POLICY, width=20),
    Column("orderer-registration", "DEA number of who ordered", basis=POLICY, width=11),
)
_STATE = (
    Column("route", "Route", basis=POLICY, width=20),
    Column("status", "Status", basis=POLICY, width=12),
    Column("version", "Version", NUMBER, POLICY, 7),
    Column("amended", "Amended", FLAG, POLICY, 8),
    Column("late", "Late entry", FLAG, POLICY, 8),
)
COLUMNS = (
    Column("administration", "Administration", REFERENCE, POLICY, 38),
    Column("start", "Start", INSTANT, LAW, 25),
    Column("end", "End", INSTANT, POLICY, 25),
    *_PATIENT,
    *_VIAL,
    Column("given", "Given mg", UG, LAW, 7),
    Column("volume", "Of the vial mL", UL, LAW, 9),
    *_PERFORMER,
    *_ORDERER,
    Column("rates", "Rates", basis=POLICY, width=30),
    Column("draws", "Draws", basis=POLICY, width=37),
    Column("drawn", "Drawn mg", UG, POLICY, 8),
    Column("wasted", "Wasted mg", UG, LAW, 8),
    Column("returned", "Returned mg", UG, POLICY, 8),
    Column("waste-witness", "Witness of the waste", basis=POLICY, width=18),
    Column("indication", "Indication", basis=POLICY, width=28),
    Column("visit", "Visit", REFERENCE, POLICY, 37),
    Column("order", "Order", REFERENCE, POLICY, 37),
    *_STATE,
    Column("recorded", "Time of entry", INSTANT, POLICY, 25),
    *_PLACE,
)
_DRAW = "MedicationDispense/"


class _Known(dict[Any, Any]):
    """What was made of a key, made once."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: Any) -> Any:
        made = self[key] = self._make(key)
        return made


class Cells:
    """What rows have in common, looked up once: whom they name, out of which vials it was, what became of the draws."""

    def __init__(self, one: Inquiry, vials: Mapping[str, Vial], became: Mapping[str, Became]) -> None:
        self._one, self._vials = one, vials
        self._patients, self._performers, self._orderers = _Known(self._patient), _Known(self._performer), _Known(self._orderer)
        self._products, self._places, self._reasons = _Known(self._product), _Known(self._place), _Known(self._reason)
        self._names, self._states = _Known(lambda text: one.names(_once(text))), _Known(Shared)
        self._became = became

    def rows(self, found: Sequence[Any]) -> list[Row]:
        """The rows, in the order of `found`, which have the columns of `storage.register.Administration`."""
        return [self._row(*row) for row in found]

    def _row(
        self, id: str, version: int, status: str, start: int, end: int | None, recorded: int, late: bool, amended: bool, *more: Any
    ) -> Row:
        site, patient, visit, order, orderer, performer, held, drawn, given, route, rates, indication, causes = more
        became = self._became.get(drawn) or _together(drawn, self._became)
        product, strength = self._products[held]
        return (
            f"MedicationAdministration/{id}",
            start,
            end,
            self._patients[patient],
            product,
            given,
            wording.volume(given, strength) if given is not None else None,
            self._performers[performer],
            self._orderers[orderer],
            rates,
            _DRAW + drawn if drawn and " " not in drawn else ", ".join(_DRAW + draw for draw in drawn.split()),
            became.drawn_ug,
            became.wasted_ug,
            became.returned_ug,
            self._names[became.witnesses],
            indication or self._reasons[causes],
            visit,
            order,
            self._states[route, status, version, amended, late],
            recorded,
            self._places[site],
        )

    def totals(self, found: Sequence[Any]) -> list[Row]:
        """What was given of each product, and the volume of its vials' solution."""
        sums: dict[tuple[Cell, ...], int] = {}
        strengths: dict[tuple[Cell, ...], int] = {}
        for row in found:
            product, strength = self._products[row.vials]
            named = tuple(product[: len(cells.PRODUCT)])
            sums[named] = sums.get(named, 0) + (row.amount_ug or 0)
            strengths[named] = strength
        return [self._total(named, sums[named], strengths[named]) for named in sorted(sums, key=str)]

    @staticmethod
    def _total(product: tuple[Cell, ...], given: int, strength: int) -> Row:
        told = dict(zip((column.name for column in cells.PRODUCT), product, strict=True))
        named = {**told, "substance": f"Total {told['substance']}".strip(), "given": given, "volume": wording.volume(given, strength)}
        return tuple(named.get(column.name) for column in COLUMNS)

    def _patient(self, reference: str) -> Shared:
        tree = self._one.sheets.get(reference) or {}
        return Shared((self._one.name(reference), address(tree), wording.typed(tree, "MR"), tree.get("birthDate"), reference))

    def _performer(self, references: str) -> Shared:
        people = references.split()
        licences = [wording.licence(self._one.sheets.get(one)) for one in people]
        return Shared((self._one.names(people), ", ".join(filter(None, licences))))

    def _orderer(self, reference: str) -> Shared:
        return Shared((self._one.name(reference), registration(self._one.sheets.get(reference) or {})))

    def _product(self, ids: str) -> tuple[Shared, int]:
        """The cells of the vials, and their strength: 0 where they have several."""
        found = [self._vials[id] for id in ids.split() if id in self._vials]
        columns = zip(*((*cells.product(vial), vial.schedule, *cells.batch(vial), *cells.serial(vial)) for vial in found), strict=True)
        joint = Shared(", ".join(dict.fromkeys(str(cell) for cell in column if cell)) for column in columns)
        strengths = {vial.strength_ug_per_ml for vial in found}
        return joint if found else Shared([""] * len(_VIAL)), strengths.pop() if len(strengths) == 1 else 0

    def _place(self, site: str) -> str:
        return described(self._one.ctx, self._one.tx, [site])[0] if site else ""

    def _reason(self, references: str) -> str:
        trees = [self._one.sheets.get(one) or {} for one in references.split()]
        return "; ".join(filter(None, (wording.concept(tree.get("code")) for tree in trees)))


def _once(references: str) -> list[str]:
    return list(dict.fromkeys(references.split()))


def _together(draws: str, became: Mapping[str, Became]) -> Became:
    """The sums of several draws; nothing where there is none."""
    found = [became[draw] for draw in draws.split() if draw in became]
    return Became(
        drawn_ug=sum(one.drawn_ug for one in found),
        wasted_ug=sum(one.wasted_ug for one in found),
        returned_ug=sum(one.returned_ug for one in found),
        moved_back=0,
        unwitnessed=sum(one.unwitnessed for one in found),
        witnesses=" ".join(one.witnesses for one in found),
    )
