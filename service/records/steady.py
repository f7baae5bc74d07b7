"""Questions that are answered by the search parameters that they were read with: what can be searched may change meanwhile."""

from collections.abc import Callable
from typing import TypeVar

from service.records.context import Context
from service.search.parameter import Registry

Answer = TypeVar("Answer")


def steadily(ctx: Context, ask: Callable[[Registry], Answer]) -> Answer:
    """What `ask` answers with the search parameters of now; asked again when they changed before the answer was there."""
    while True:
        registry = ctx.service.registry
        answer = ask(registry)
        if ctx.service.registry is registry:
            return answer
