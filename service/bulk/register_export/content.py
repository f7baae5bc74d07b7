"""What is in an export: the lines of the ledger, what each vial holds, the records behind them with all their versions, the reports.

What is of Schedule I or II stands in a directory of its own, apart from Schedules III to V; a vial without a schedule counts as the
stricter (21 CFR 1304.04(f), (g)). It is read in pieces, so that nobody waits for it: lines are never changed, and those that came after
the vials were read are left out.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from service.audit import verify_register
from service.audit.checkpoint import Signer
from service.bulk.register_export import evidence
from service.bulk.register_export.folder import Folder
from service.bulk.register_export.reading_guide import GUIDE
from service.clock import to_text
from service.ledger.entry import Entry
from service.records import trail
from service.records.context import Context
from service.search.links import pieces
from service.storage import audit_log, ledger, register_exports
from service.storage.ledger import Vial
from service.storage.register_exports import Export

APART, TOGETHER = "schedule-i-ii", "schedule-iii-v"
_READILY_RETRIEVABLE = frozenset({"CIII", "CIV", "CV"})
_FIELDS = tuple(one.name for one in fields(Entry))
_PATIENT = "Patient/"

Alive = Callable[[str], None]
"""Called between pieces with how far it has come; raises what ends the work."""


class Unsignable(Exception):
    """The key of the worker cannot sign an export; the message says why."""


@dataclass(slots=True)
class Making:
    """One export in the making. `reports` writes reports into a directory; `lines` are those of the ledger so far, `lots`
    those of the directory that is being written."""

    ctx: Context
    export: Export
    folder: Folder
    signer: Signer
    alive: Alive
    reports: Callable[["Making", str, tuple[str, ...]], None]
    patients: set[str] = field(default_factory=set)
    lines: int = 0
    lots: tuple[str, ...] = ()

    @property
    def period(self) -> tuple[tuple[str, str], ...]:
        """The period, as reports tell it."""
        return ("start", to_text(self.export.since)), ("end", to_text(self.export.until))

    def write(self) -> str:
        """Write everything: the SHA-256 of the manifest. Raises Unsignable, OSError and what `alive` raises."""
        keys, checkpoint = self._log()
        vials = self._vials()
        chosen = {place: [one for one in vials if _place(one) == place] for place in (APART, TOGETHER)}
        for place, some in chosen.items():
            if some:
                apart = tuple(sorted({one.substance for one in some})) if all(chosen.values()) else ()
                self._register(place, some, apart)
        self.alive("signing")
        self.folder.lines(verify_register.KEYS, keys)
        self.folder.write("checkpoint.txt", [checkpoint.encode()])
        self.folder.write("verify.py", [Path(verify_register.__file__).read_bytes()])
        self.folder.write("README.txt", [GUIDE.encode()])
        self.patients.update(trail.seen(self.ctx))
        return self.folder.sign(self._said(), self.signer)

    def _log(self) -> tuple[Sequence[str], str]:
        """The keys of the audit log, the last of which must be the signer's, and its newest checkpoint."""
        with self.ctx.service.database.read() as tx:
            keys, newest = audit_log.keys(tx), audit_log.newest_checkpoint(tx)
        if newest is None or not keys or keys[-1].partition(" ")[0] != str(self.signer.key):
            raise Unsignable("The worker's AUDIT_KEY is not the newest key of the audit log, or the log has no checkpoint yet.")
        return keys, newest.note

    def _vials(self) -> list[Vial]:
        export = self.export
        with self.ctx.service.database.read() as tx:
            ids = register_exports.vials(tx, export.since, export.until, export.sites)
            found = ledger.vials(tx, ids)
        return sorted(found.values(), key=lambda one: (one.schedule, one.substance, one.lot, one.serial, one.vial))

    def _register(self, place: str, vials: Sequence[Vial], apart: tuple[str, ...]) -> None:
        """The files of some schedules. `apart`: the substances about which the reports are made one by one."""
        sources: set[str] = set()
        self.lots = tuple(sorted({one.lot for one in vials}))
        self.folder.lines(f"{place}/{verify_register.VIALS}", (_json(asdict(one)) for one in vials))
        self.folder.lines(f"{place}/{verify_register.LEDGER}", self._lines(place, vials, sources))
        self.alive(f"{place}: the records")
        keys = evidence.behind(self.ctx, (one.vial for one in vials), sources)
        for number in sorted({number for number, _ in keys}):
            type = self.ctx.service.definitions.type_name(number)
            held = evidence.contents(self.ctx, (key for key in keys if key[0] == number))
            self.folder.lines(f"{place}/{type}.ndjson", self._watched(f"{place}: {type}", held))
        self.alive(f"{place}: the reports")
        self.reports(self, place, apart)

    def _lines(self, place: str, vials: Sequence[Vial], sources: set[str]) -> Iterator[str]:
        done = 0
        for piece in pieces(vials):
            self.alive(f"{place}: {done} of {len(vials)} vials")
            with self.ctx.service.database.read() as tx:
                found = ledger.of_vials(tx, (one.vial for one in piece))
            for vial in piece:
                for row in found.get(vial.vial, [])[: vial.entries]:
                    yield self._line(Entry(*tuple(row)), sources)
            done += len(piece)

    def _line(self, entry: Entry, sources: set[str]) -> str:
        """A line as JSON. One of a site that was not asked for keeps its amounts and hashes, and says nothing of people."""
        self.lines += 1
        told = {name: getattr(entry, name) for name in _FIELDS}
        if self.export.sites is not None and entry.site not in self.export.sites:
            return _json({name: told.get(name, True) for name in verify_register.SEALED})
        sources.add(entry.reference)
        if entry.patient:
            self.patients.add(entry.patient.removeprefix(_PATIENT))
        return _json(told)

    def _watched(self, stage: str, lines: Iterable[str]) -> Iterator[str]:
        for number, line in enumerate(lines):
            if number % 1000 == 0:
                self.alive(f"{stage}, {number} versions")
            yield line

    def _said(self) -> Iterator[tuple[str, str]]:
        export = self.export
        yield "origin", self.signer.name
        yield "made", to_text(self.ctx.service.clock())
        yield "period", f"{to_text(export.since)} to {to_text(export.until)}"
        yield "sites", "all" if export.sites is None else " ".join(sorted(export.sites)) or "none"


def _place(vial: Vial) -> str:
    return TOGETHER if vial.schedule in _READILY_RETRIEVABLE else APART


def _json(tree: object) -> str:
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":"))
