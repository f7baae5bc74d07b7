"""One report in the making: the question, the sites that it is about, and what is read for it, in one snapshot of the record."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from service.errors import BadRequest
from service.fhir import temporal
from service.ledger.entry import Entry
from service.ledger.policy import Policy
from service.records.context import Context
from service.records.register import gate, heading, wording
from service.records.register.heading import Lines
from service.records.register.question import Question, few
from service.records.register.report import Column
from service.records.register.sheets import Sheets
from service.search import links
from service.storage import ledger, register_reports
from service.storage.database import Transaction
from service.storage.ledger import Asked, Vial

_PIECE = links.CHUNK
_ALWAYS = (temporal.BEGINNING, temporal.END)


@dataclass(frozen=True, slots=True)
class Found:
    """Lines that stand, in the order in which things happened, with their vials by id."""

    lines: Sequence[Entry]
    vials: Mapping[str, Vial]

    def vial(self, line: Entry) -> Vial:
        """The vial of a line."""
        return self.vials[line.vial]


@dataclass(frozen=True, slots=True)
class Inquiry:
    """`sites` are the ids of the sites that the report is about, as far as the caller may see them; None for all."""

    ctx: Context
    tx: Transaction
    asked: Question
    sites: frozenset[str] | None
    sheets: Sheets

    @property
    def zone(self) -> ZoneInfo:
        """The clinic's time zone."""
        return self.ctx.service.settings.zone

    @property
    def now(self) -> int:
        """The instant that is asked about, else the present one: nothing is known of what will be."""
        now = self.ctx.service.clock()
        return now if self.asked.as_of is None else min(self.asked.as_of, now)

    def standing(self, kinds: Collection[str] | None = None, vials: Collection[str] | None = None, whenever: bool = False) -> Found:
        """The lines of `kinds` and `vials` that answer the question and stand: they neither move back, nor were moved back.

        `whenever`: also those outside of the period. Raises BadRequest for too many of them.
        """
        lines = list(few(self._lines(self.about(kinds, vials, whenever))))
        gone = register_reports.reversed_lines(self.tx, {line.vial for line in lines})
        flags = set(self.asked.flags)
        kept = [one for one in lines if not one.reverses and (one.vial, one.number) not in gone and flags <= set(one.flags.split())]
        return Found(kept, ledger.vials(self.tx, {one.vial for one in kept}))

    def _lines(self, asked: Asked) -> Iterator[Entry]:
        """The lines in the order of events; those of many vials in pieces that one statement can carry."""
        if asked.vials is None or len(asked.vials) <= _PIECE:
            yield from (Entry(*tuple(row)) for row in ledger.lines(self.tx, asked))
            return
        every = (replace(asked, vials=piece) for piece in links.pieces(sorted(asked.vials)))
        yield from sorted((line for one in every for line in self._lines(one)), key=_order)

    def about(self, kinds: Collection[str] | None = None, vials: Collection[str] | None = None, whenever: bool = False) -> Asked:
        """The lines of `kinds` and `vials` that the question concerns, as the ledger is asked for them; `whenever`: of any time."""
        asked = self.asked
        since, before = _ALWAYS if whenever else (asked.since, asked.before)
        if asked.vial is not None:
            vials = {asked.vial} if vials is None else {asked.vial} & set(vials)
        return Asked(
            vials=vials,
            substance=asked.substance,
            lot=asked.lot,
            sites=self.sites,
            kinds=kinds,
            since=since,
            before=before,
            performer=asked.performer,
            witness=asked.witness,
            patient=asked.patient,
        )

    def name(self, reference: str | None) -> str:
        """How a person, an organization or a place is called: the reference, where the caller may not see more."""
        return wording.called(self.sheets.get(reference), reference or "")

    def names(self, references: Collection[str | None]) -> str:
        """How several are called."""
        return ", ".join(self.name(one) for one in references)

    def policy(self, vial: Vial, instant: int) -> Policy:
        """The policies for the substance and the site of a vial, in force at `instant`."""
        site = self.sheets.get(f"Location/{vial.site}") or {}
        names = {vial.site, *(str(each["value"]) for each in site.get("identifier", ()) if each.get("value"))}
        return self.ctx.service.policies.of(vial.substance, names, instant)

    def header(self, columns: Sequence[Column], source: str) -> Lines:
        """The statements above the report; `source` asks for such a report, as a citation."""
        return heading.lines(self.ctx, self.tx, self.sites, columns, heading.Asked(self.asked.told, self.now, source))


def _order(line: Entry) -> tuple[int, int, str, int]:
    return line.occurred, line.recorded, line.vial, line.number


@contextmanager
def opened(ctx: Context, asked: Question) -> Iterator[Inquiry]:
    """The inquiry of a caller who may read the register. Raises Forbidden for others, BadRequest for a site without books."""
    gate.require_read(ctx)
    with ctx.snapshot() as tx:
        yield Inquiry(ctx, tx, asked, _sites(ctx, tx, asked), Sheets(ctx, tx))


def _sites(ctx: Context, tx: Transaction, asked: Question) -> frozenset[str] | None:
    """A site without books and one that the caller may not see are not told apart."""
    allowed = gate.sites(ctx, tx)
    if asked.site is None:
        return allowed
    known = set(ledger.sites(tx)) if allowed is None else allowed
    if asked.site not in known:
        named = ", ".join(f"Location/{one}" for one in sorted(known)) or "none"
        raise BadRequest.of("not-found", "operation-parameter", f"There are no books of this site. There are: {named}.", "http.site")
    return frozenset({asked.site})
