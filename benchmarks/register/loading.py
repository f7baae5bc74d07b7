"""python -m benchmarks.register.loading DATABASE_URL [--days N] [--processes N]

Loads the clinic of many years (`service.demo.years`) through the commit that every write goes through: one transaction for each room's day,
which is one vial with its ten visits. The database is brought to the newest schema first; one that holds some of it gets the rest.
"""

import argparse
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context

from service import wiring
from service.config import Settings
from service.demo import years as foundation
from service.demo import years_day
from service.demo.years import Tree, Years
from service.fhir.document import Document
from service.records import installation
from service.records.change import Update
from service.records.commit import commit
from service.records.context import Context
from service.records.find import find
from service.security.caller import Caller
from service.storage import migrate

PROCESSES = 2
_CALLER = Caller.internal("benchmark")


@dataclass(frozen=True, slots=True)
class Loaded:
    """How much went in, and in how many seconds."""

    resources: int
    seconds: float


def load(url: str, years: Years, processes: int = PROCESSES) -> Loaded:
    """Bring the years into the database; SQLite takes one process. Raises the ServiceError of what is refused."""
    processes = 1 if url.startswith("sqlite") else processes
    begun = time.perf_counter()
    with _context(url, first=True) as ctx:
        count = sum(_put(ctx, batch) for batch in foundation.foundation(years))
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        count += sum(pool.map(_part, [(url, years, part, processes) for part in range(processes)]))
    with _context(url) as ctx:
        ctx.service.database.refresh_statistics()
    return Loaded(count, time.perf_counter() - begun)


def _part(share: tuple[str, Years, int, int]) -> int:
    """The days of every so-many-th room: vials belong to rooms, so that no process waits for another's."""
    url, years, part, parts = share
    with _context(url) as ctx:
        rooms = range(part, years.rooms, parts)
        return sum(_day(ctx, years, day, room) for day in range(years.days) for room in rooms)


def _day(ctx: Context, years: Years, day: int, room: int) -> int:
    batch = years_day.room_day(years, day, room)
    vial = next(one["id"] for one in batch if one["resourceType"] == "Medication")
    return 0 if _is_there(ctx, vial) else _put(ctx, batch)


def _is_there(ctx: Context, vial: str) -> bool:
    _, page = find(ctx, "Medication", (("_id", vial), ("_count", "1")), lenient=False)
    return bool(page.matches)


def _put(ctx: Context, batch: list[Tree]) -> int:
    return len(commit(ctx, [Update(one["resourceType"], one["id"], Document.of(one)) for one in batch]))


@contextmanager
def _context(url: str, first: bool = False) -> Iterator[Context]:
    settings = Settings(database_url=url, cursor_key="c" * 32)
    if first:
        database = wiring.database(settings)
        migrate.upgrade(database)
        database.dispose()
    ctx = Context(wiring.service(settings), _CALLER)
    try:
        if first:
            installation.install(ctx)
        yield ctx
    finally:
        ctx.service.database.dispose()


def main() -> None:
    """Load what the command line asks for, and say how fast it went."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.register.loading", description="Load two years of a clinic with ten rooms.")
    parser.add_argument("url", help="as INFUSION_RECORDS_DATABASE_URL")
    parser.add_argument("--days", type=int, default=Years().days)
    parser.add_argument("--processes", type=int, default=PROCESSES)
    asked = parser.parse_args()
    years = Years(days=asked.days)
    done = load(asked.url, years, asked.processes)
    rate = f"{done.resources / done.seconds:.0f} resources/s"
    print(f"{years.administrations:,} administrations, {done.resources:,} resources in {done.seconds:.0f} s: {rate}")


if __name__ == "__main__":
    main()
