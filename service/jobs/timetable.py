"""Jobs and when each is due. A job that fails is logged and tried again at its next time; the others go on."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from service import clock

_LOG = logging.getLogger("infusion_records.jobs")


@dataclass(frozen=True, slots=True)
class Job:
    """One job: what it is called, how often it is done, and what it does."""

    name: str
    run: Callable[[], None]
    every_seconds: float


@dataclass(slots=True)
class Timetable:
    """The jobs of one process; `moment` is a monotonic clock."""

    jobs: Sequence[Job]
    moment: Callable[[], float] = clock.monotonic
    _done: dict[str, float] = field(default_factory=dict)

    def run(self) -> None:
        """Do what is due: a job that was never done, or not for as long as it may wait."""
        for job in self.jobs:
            now = self.moment()
            if job.name in self._done and now - self._done[job.name] < job.every_seconds:
                continue
            self._done[job.name] = now
            try:
                job.run()
            except Exception as error:  # noqa: BLE001 - whatever happens to one job, the others and the log go on
                _LOG.warning("the job %s failed: %s", job.name, type(error).__name__)
