"""Times of a shape: every answer is checked once, then the same questions are asked again and again with a clock beside them."""

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import processes
from benchmarks.search.asking import Ask, Refusal, answered, followed, request, understood
from benchmarks.search.shapes.shape import Shape
from benchmarks.search.world import World
from service.records.context import Service


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of each request, sorted, and of CPU a request, service and database together; or what is wrong (an answer that is not
    right, or a refusal)."""

    milliseconds: Sequence[float] = ()
    cpu: float = 0.0
    wrong: str | None = None

    def percentile(self, share: float) -> float:
        """The milliseconds that `share` of the requests stayed within."""
        return self.milliseconds[min(len(self.milliseconds) - 1, int(share * len(self.milliseconds)))]


class Asked:
    """The questions of a shape to one service, checked."""

    def __init__(self, service: Service, world: World, shape: Shape, draws: int, root: int | None = None) -> None:
        self.service = service
        self._root = root
        self._cpu = 0.0
        made = [shape.make(world, draw) for draw in range(1 if shape.same else draws)]
        self.asks: list[Ask] = []
        self.wrong: str | None = None
        self.times: list[float] = []
        for ask in made:
            try:
                self.asks.append(self._checked(ask, shape.pages))
            except Refusal as error:
                self.wrong = f"refused: {error}"
            except Wrong as error:
                self.wrong = str(error)
            except Exception as error:  # noqa: BLE001 - a shape that breaks must not hide the others
                self.wrong = f"{type(error).__name__}: {error}"[:400]
            if self.wrong:
                self.wrong += f" [{ask.text}]"
                return
        self.asks = (self.asks * draws)[:draws]

    def _checked(self, ask: Ask, pages: int) -> Ask:
        """`ask`, or the page of its walk that is to be measured."""
        for _ in range(pages):
            following = understood(answered(self.service, request(ask))).next
            if following is None:
                raise Wrong("the walk ends before the page that is measured")
            ask = followed(following, ask)
        problem = ask.check(understood(answered(self.service, request(ask))))
        if problem:
            raise Wrong(problem)
        return ask

    def round(self) -> None:
        """Ask everything once, with the clock."""
        if self.wrong:
            return
        requests = [request(ask) for ask in self.asks]
        gc.collect()
        before = self._spent()
        for one in requests:
            started = time.perf_counter()
            answered(self.service, one)
            self.times.append((time.perf_counter() - started) * 1000)
        self._cpu += self._spent() - before

    def result(self) -> Times:
        """What was measured."""
        return Times(sorted(self.times), self._cpu * 1000 / max(len(self.times), 1), self.wrong)

    def _spent(self) -> float:
        """CPU seconds of this process and of the database's."""
        return time.process_time() + (processes.cpu_seconds(self._root) if self._root else 0.0)


class Wrong(Exception):
    """An answer that is not what it must be."""
