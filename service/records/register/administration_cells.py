"""The columns of the administration log, and how a row of it is made of what is kept and what is looked up.

By law: the site, date, patient with address, substance with finished form and strength, units and volume, and who administered it (21 CFR
1304.22(c)); what was disposed of. The rest is the clinic's policy.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from operator import itemgetter
from typing import Any

from service.records.register import cells, wording
from service.records.register.heading import address, described, registration
from service.records.register.inquiry import Inquiry
from service.records.register.report import DATE, FLAG, INSTANT, LAW, NUMBER, POLICY, REFERENCE, UG, UL, Column, Row, Shared, flat
from service.storage.ledger import Vial
from service.storage.register import Administration, Became

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
_NO_VIAL = Shared([""] * len(_VIAL))
_DRAW = "MedicationDispense/"
_FIELDS = [one.name for one in fields(Administration)]
_SUMMED = (_FIELDS.index("vials"), _FIELDS.index("amount_ug"))


class _Known(dict[Any, Any]):
    """What was made of a key, made once."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: Any) -> Any:
        made = self[key] = self._make(key)
        return made


class Cells:
    """What rows have in common, looked up once: whom they name, out of which vials it was, what became of the draws.

    Rows are made column by column: there may be a hundred thousand of them.
    """

    def __init__(self, one: Inquiry, vials: Mapping[str, Vial], became: Mapping[str, Became]) -> None:
        self._one, self._vials = one, vials
        self._became = became
        self._products, self._strengths = _Known(self._product), _Known(self._strength)

    def rows(self, found: Sequence[Any]) -> list[Row]:
        """The rows, in the order of `found`, which have the columns of `storage.register.Administration`."""
        if not found:
            return []
        of: Any = Administration(*zip(*found, strict=True))  # type: ignore[arg-type]  # a column in each field
        return list(zip(*self._columns(of), strict=True))

    def _columns(self, of: Any) -> Iterator[Iterable[Any]]:
        """The cells of each column. `of` has a column for each field of an Administration."""
        became = [self._became.get(draws) or _together(draws, self._became) for draws in of.draws]
        yield [f"MedicationAdministration/{id}" for id in of.administration]
        yield of.started
        yield of.ended
        yield map(_Known(self._patient).__getitem__, of.patient)
        yield map(self._products.__getitem__, of.vials)
        yield map(_Known(_given).__getitem__, zip(of.amount_ug, map(self._strengths.__getitem__, of.vials), strict=True))
        yield map(_Known(self._performer).__getitem__, of.performers)
        yield map(_Known(self._orderer).__getitem__, of.orderer)
        yield of.rates
        yield [_DRAW + draws if draws and " " not in draws else _several(draws) for draws in of.draws]
        yield map(_Known(self._draw).__getitem__, became)
        reasons = map(_Known(self._reason).__getitem__, of.reasons)
        told = [indication or reason for indication, reason in zip(of.indication, reasons, strict=True)]
        yield map(_Known(_alone).__getitem__, told)
        yield of.encounter
        yield of.request
        yield map(_Known(Shared).__getitem__, zip(of.route, of.status, of.version, of.is_amended, of.is_late, strict=True))
        yield of.recorded
        yield map(_Known(lambda site: _alone(self._place(site))).__getitem__, of.site)

    def totals(self, found: Sequence[Any]) -> list[Row]:
        """What was given of each product, and the volume of its vials' solution."""
        of_vials: Counter[str] = Counter()
        for vials, given in map(itemgetter(*_SUMMED), found):
            of_vials[vials] += given or 0
        sums: Counter[tuple[Row, int]] = Counter()
        for vials, given in of_vials.items():
            sums[tuple(self._products[vials][: len(cells.PRODUCT)]), self._strengths[vials]] += given
        return [self._total(*named, given) for named, given in sorted(sums.items(), key=str)]

    @staticmethod
    def _total(product: Row, strength: int, given: int) -> Row:
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

    def _draw(self, became: Became) -> Shared:
        return Shared((became.drawn_ug, became.wasted_ug, became.returned_ug, self._one.names(_once(became.witnesses))))

    def _product(self, ids: str) -> Shared:
        """The cells of the vials: of several, what each of them says."""
        found = [self._vials[id] for id in ids.split() if id in self._vials]
        told = [flat((*cells.product(vial), vial.schedule, *cells.batch(vial), *cells.serial(vial))) for vial in found]
        if len(told) == 1:
            return Shared(told[0])
        return Shared(", ".join(dict.fromkeys(str(cell) for cell in column if cell)) for column in zip(*told, strict=True)) or _NO_VIAL

    def _strength(self, ids: str) -> int:
        """Micrograms in a millilitre; 0 where the vials have several strengths."""
        found = {self._vials[id].strength_ug_per_ml for id in ids.split() if id in self._vials}
        return found.pop() if len(found) == 1 else 0

    def _place(self, site: str) -> str:
        return described(self._one.ctx, self._one.tx, [site])[0] if site else ""

    def _reason(self, references: str) -> str:
        trees = [self._one.sheets.get(one) or {} for one in references.split()]
        return "; ".join(filter(None, (wording.concept(tree.get("code")) for tree in trees)))


def _given(amount: tuple[int | None, int]) -> Shared:
    """What was given and the volume of it, of an amount and a strength."""
    given, strength = amount
    return Shared((given, None if given is None else wording.volume(given, strength)))


def _alone(cell: str) -> Shared:
    """One cell that many rows have in common."""
    return Shared((cell,))


def _several(draws: str) -> str:
    return ", ".join(_DRAW + draw for draw in draws.split())


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
