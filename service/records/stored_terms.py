"""The value sets and code systems that are stored, for the gate: looked at only when the library could not answer.

Nothing is read before the first question; then all questions about one resource are answered from one snapshot, or inside the
transaction that the context is bound to. What cannot be searched at the moment is not known.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, Self, TypeVar

from service.errors import ServiceError
from service.records.context import Context
from service.search.vocabulary import Vocabulary
from service.terminology.code_system import CodeSystem

Json = Any
Answer = TypeVar("Answer")


class StoredTerms:
    """A `terminology.lookup.Lookup`, to be used in a `with` statement that ends before its context does."""

    def __init__(self, ctx: Context) -> None:
        self.compiled: dict[str, Any] = {}
        self._ctx = ctx
        self._open = ExitStack()
        self._vocabulary: Vocabulary | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def value_set(self, url: str, version: str | None) -> Json | None:
        """The ValueSet; the library's before a stored one."""
        return self._asked(lambda known: known.value_set(url, version), None)

    def code_system(self, url: str, version: str | None) -> CodeSystem | None:
        """The CodeSystem, the fuller of the library's and the stored one."""
        return self._asked(lambda known: known.code_system(url, version), None)

    def all_of(self, url: str) -> str | None:
        """The code system of which `url` is the value set of all codes."""
        return self._asked(lambda known: known.all_of(url), None)

    def supplements(self, url: str) -> Sequence[Json]:
        """The supplements of the code system."""
        return self._asked(lambda known: known.supplements(url), ())

    def _asked(self, ask: Callable[[Vocabulary], Answer], otherwise: Answer) -> Answer:
        if self._vocabulary is None:
            tx = self._open.enter_context(self._ctx.snapshot())
            self._vocabulary = Vocabulary(tx, self._ctx.service.registry)
        try:
            return ask(self._vocabulary)
        except ServiceError:
            return otherwise
