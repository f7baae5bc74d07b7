"""Both sides in turn, pair by pair: a machine that slows down slows both, so the ratio within a pair holds where rates do not."""

import time
from dataclasses import dataclass
from statistics import median

from benchmarks import processes
from benchmarks.access.loads import Load
from benchmarks.client import drive
from benchmarks.servers import Running

_QUIET_SECONDS = 0.2
_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Scale:
    """How many pairs of rounds, the seconds of a round and of the warm-up before the first."""

    pairs: int = 7
    seconds: float = 1.5
    warm_up: float = 0.7


@dataclass(frozen=True, slots=True)
class Round:
    """Seconds and CPU seconds a request: of the service, its database and its worker, until all of them rest."""

    seconds: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """A load on both sides: (with, without) by pair."""

    load: Load
    rounds: tuple[tuple[Round, Round], ...]

    def ratios(self) -> list[float]:
        """How many times as long a request took with them, in every pair, sorted."""
        return sorted(guarded.seconds / bare.seconds for guarded, bare in self.rounds)

    def cpu_ratios(self) -> list[float]:
        """The same for CPU time."""
        return sorted(guarded.cpu / bare.cpu for guarded, bare in self.rounds if bare.cpu)

    def rates(self) -> tuple[float, float]:
        """Requests a second with and without, each the median of its rounds."""
        guarded, bare = zip(*self.rounds, strict=True)
        return tuple(median(1 / one.seconds for one in side) for side in (guarded, bare))  # type: ignore[return-value]


def compare(guarded: Running, bare: Running, load: Load, scale: Scale) -> Comparison:
    """Ask both sides the same in turn; who is first changes from pair to pair. Raises Wrong for an answer that is."""
    for running in (guarded, bare):
        drive(running.peer, load.requests(), load.clients, scale.warm_up)
    rounds = []
    for number in range(scale.pairs):
        order = (guarded, bare) if number % 2 else (bare, guarded)
        measured = {running.root: _round(running, load, scale.seconds) for running in order}
        rounds.append((measured[guarded.root], measured[bare.root]))
    return Comparison(load, tuple(rounds))


def _round(running: Running, load: Load, seconds: float) -> Round:
    before = _spent(running)
    sample = drive(running.peer, load.requests(), load.clients, seconds)
    requests = len(sample.latencies)
    return Round(sample.seconds / requests, (_rested(running) - before) / requests)


def _rested(running: Running) -> float:
    """The CPU seconds when nothing works any more: what the audit trail puts off is not put on the other side."""
    until = time.perf_counter() + _PATIENCE_SECONDS
    spent = _spent(running)
    while time.perf_counter() < until:
        time.sleep(_QUIET_SECONDS)
        before, spent = spent, _spent(running)
        if spent - before <= _QUIET_SECONDS / 10:
            break
    return spent


def _spent(running: Running) -> float:
    return sum(processes.read(running.groups()).groups.values())
