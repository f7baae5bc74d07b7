"""Import of files, in batches, through the record like every other write.

A run remembers in the database, in the same transaction as the resources, how far it came: an interrupted run continues
where it stopped, and a second run creates nothing twice. A batch that is refused goes in without the lines that the refusal
names. What was refused is tried again at the end, because it may refer to what came later, and by the next run; what is
still refused then is reported by file and line.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from service.audit.event import Event
from service.audit.kinds import IMPORTED
from service.bulk.intake import Item, Piece, piece
from service.bulk.source import Line, Source, opened
from service.errors import Issue, Overloaded, PayloadTooLarge, ServiceError
from service.fhir.document import Limits, decode
from service.records import trail
from service.records.change import Create
from service.records.commit import commit_once
from service.records.context import Context
from service.records.receipt import Answer, Receipt
from service.records.write import CREATED, DELETED, UPDATED, Committed
from service.storage import imports

BATCH = 500
_DONE = Answer(200, {}, "")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line, or an entry of the Bundle on it, that did not go in, and why."""

    path: Path
    line: int
    entry: int | None
    issues: Sequence[Issue]

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" + (f" entry {self.entry}" if self.entry is not None else "")
        return f"{where}: " + "; ".join(issue.diagnostics for issue in self.issues)


@dataclass
class Report:
    """How many resources were created, updated, deleted, or there already; and every refusal."""

    created: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    refused: list[Refusal] = field(default_factory=list)

    def add(self, committed: Iterable[Committed]) -> None:
        """Count what became of the changes of one commit."""
        for one in committed:
            self.created += one.outcome == CREATED
            self.updated += one.outcome == UPDATED
            self.deleted += one.outcome == DELETED
            self.unchanged += one.outcome not in (CREATED, UPDATED, DELETED)


def import_files(ctx: Context, paths: Sequence[Path], progress: Callable[[int], object] = lambda _: None) -> Report:
    """Bring the files in. `progress` is told the bytes dealt with, as they are; they add up to the sizes of the files.

    Raises OSError for a file that cannot be read, Overloaded when the database cannot take more now; both leave a run that
    can be continued.
    """
    report = Report()
    sources = [opened(path) for path in paths]
    for source in sources:
        details = (("blake2b", source.hash), ("bytes", str(source.size)))
        trail.record(ctx.service, Event(IMPORTED, subject=source.path.name, details=details), ctx.caller, ctx.request_id)
    for source in sources:
        _first_pass(_Run(ctx, source, report), progress)
    waiting = -1
    while report.refused and len(report.refused) != waiting:
        waiting = len(report.refused)
        report.refused = []
        for source in sources:
            _next_pass(_Run(ctx, source, report, again=True))
    ctx.service.database.refresh_statistics()
    return report


@dataclass(frozen=True, slots=True)
class _Run:
    """One pass over one file. `again`: over the lines that were refused before."""

    ctx: Context
    source: Source
    report: Report
    again: bool = False

    @property
    def most_bytes(self) -> int:
        """The longest line."""
        return self.ctx.service.settings.bundle_bytes


def _first_pass(run: _Run, progress: Callable[[int], object]) -> None:
    with run.ctx.snapshot() as tx:
        done = imports.progress(tx, run.source.hash)
        run.report.refused += [Refusal(run.source.path, place.line, None, ()) for place in imports.refused(tx, run.source.hash)]
    progress(done.position)
    position = done.position
    for batch in _batches(run, run.source.lines(done, run.most_bytes)):
        _settle(run, batch)
        progress(batch[-1].end.position - position)
        position = batch[-1].end.position
    progress(run.source.size - position)


def _next_pass(run: _Run) -> None:
    with run.ctx.snapshot() as tx:
        places = imports.refused(tx, run.source.hash)
    for batch in _batches(run, (run.source.line_at(place, run.most_bytes) for place in places)):
        _settle(run, batch)


def _batches(run: _Run, lines: Iterable[Line]) -> Iterator[list[Piece]]:
    """Pieces in groups that can be committed together: no resource twice, not many more than BATCH changes."""
    batch: list[Piece] = []
    keys: set[object] = set()
    size = 0
    for line in lines:
        one = _piece(run, line)
        if batch and (size >= BATCH or keys & one.keys()):
            yield batch
            batch, keys, size = [], set(), 0
        batch.append(one)
        keys |= one.keys()
        size += len(one.items)
    if batch:
        yield batch


def _piece(run: _Run, line: Line) -> Piece:
    """What a line asks for; an empty piece, and a refusal in the report, for a line that cannot be understood."""
    service = run.ctx.service
    try:
        if line.raw is None:
            raise PayloadTooLarge.of("too-long", "import-line", f"The line is longer than {run.most_bytes} bytes.")
        document = decode(line.raw, Limits(service.settings.json_depth, service.settings.number_digits))
        return piece(service.definitions, document, line.place, line.end)
    except ServiceError as error:
        run.report.refused.append(Refusal(run.source.path, line.place.line, None, error.issues))
        return Piece(line.place, line.end, ())


def _settle(run: _Run, batch: Sequence[Piece]) -> None:
    """Commit a batch; whatever is refused is taken out, until the rest goes in."""
    pieces = list(batch)
    while True:
        try:
            _commit(run, pieces)
            return
        except Overloaded:
            raise
        except ServiceError as error:
            bad = _named(error, pieces)
            if not bad and len(pieces) > 1:
                break
            if bad:
                pieces = [_reduced(run, one, bad.get(place, {})) for place, one in enumerate(pieces)]
            else:
                pieces = [_emptied(run, pieces[0], error)]
    for one in pieces:
        _settle(run, [one])


def _named(error: ServiceError, pieces: Sequence[Piece]) -> dict[int, dict[int, list[Issue]]]:
    """The issues by piece and item, where the error names them."""
    owners = [(place, item) for place, one in enumerate(pieces) for item in range(len(one.items))]
    found: dict[int, dict[int, list[Issue]]] = {}
    for issue in error.issues:
        entry = issue.entry if issue.entry is not None else error.entry
        if entry is not None and issue.severity in ("error", "fatal"):
            place, item = owners[entry]
            found.setdefault(place, {}).setdefault(item, []).append(issue)
    return found


def _reduced(run: _Run, one: Piece, bad: Mapping[int, Sequence[Issue]]) -> Piece:
    """The piece without its bad items, which go into the report."""
    for item, issues in bad.items():
        run.report.refused.append(Refusal(run.source.path, one.place.line, one.items[item].entry, issues))
    return one.without(set(bad))


def _emptied(run: _Run, one: Piece, error: ServiceError) -> Piece:
    """The piece without any item: it is refused as a whole."""
    run.report.refused.append(Refusal(run.source.path, one.place.line, None, error.issues))
    return replace(one, items=())


def _commit(run: _Run, pieces: Sequence[Piece]) -> None:
    """One transaction: the resources, the hashes of those without id, the refused lines, and the progress."""
    with run.ctx.snapshot() as tx:
        known = imports.known(tx, {item.hash for one in pieces for item in one.items if item.hash})
    items = [_resolved(item, known) for one in pieces for item in one.items]
    done: list[Committed] = []

    def conclude(bound: Context, committed: Sequence[Committed]) -> Answer:
        done[:] = committed
        _note(bound, run, pieces, zip(items, committed, strict=True))
        return _DONE

    commit_once(run.ctx, [item.change for item in items], Receipt("import", "import", None, "", conclude))
    run.report.add(done)


def _resolved(item: Item, known: dict[bytes, str]) -> Item:
    """An item whose content went in before becomes a conditional create that finds it."""
    if item.hash is None or item.hash not in known or not isinstance(item.change, Create):
        return item
    return replace(item, change=replace(item.change, if_none_exist=f"_id={known[item.hash]}"))


def _note(bound: Context, run: _Run, pieces: Sequence[Piece], done: Iterable[tuple[Item, Committed]]) -> None:
    assert bound.tx is not None
    file = run.source.hash
    imports.remember(bound.tx, {item.hash: one.id for item, one in done if item.hash and one.outcome == CREATED and one.id})
    refused = {refusal.line for refusal in run.report.refused if refusal.path == run.source.path}
    places = [one.place for one in pieces]
    if run.again:
        imports.forget(bound.tx, file, [place for place in places if place.line not in refused])
    else:
        imports.refuse(bound.tx, file, [place for place in places if place.line in refused])
        imports.advance(bound.tx, file, run.source.path.name, pieces[-1].end)
