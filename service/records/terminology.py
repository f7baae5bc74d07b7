"""Questions about codes: asked of one snapshot, answered from what is stored here and, where nothing is, from the library.

https://hl7.org/fhir/R4/terminology-service.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from service.errors import NotFound, ServiceError, Unprocessable
from service.fhir.document import stored
from service.records import read as records
from service.records.context import Context
from service.records.steady import steadily
from service.search.parameter import Registry
from service.search.vocabulary import Vocabulary
from service.terminology.lookup import Unanswerable
from service.terminology.translation import Maps

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a question is answered from: `lookup` finds definitions by their URL, `resource` reads them by their id."""

    lookup: Maps
    _ctx: Context

    def resource(self, type: str, id: str) -> Mapping[str, Any]:
        """The resource `type`/`id`. Raises NotFound or Gone."""
        text = records.read(self._ctx, type, id).text
        assert text is not None
        tree: Mapping[str, Any] = stored(text).tree
        return tree


def asked(ctx: Context, question: Callable[[Terms], Answer]) -> Answer:
    """The answer to `question`. What it cannot answer truthfully is NotFound where something is not here, else Unprocessable."""

    def ask(registry: Registry) -> Answer:
        with ctx.snapshot() as tx:
            return question(Terms(Vocabulary(tx, registry), ctx.within(tx)))

    try:
        return steadily(ctx, ask)
    except Unanswerable as error:
        raise refusal(error) from None


def refusal(error: Unanswerable, kind: type[ServiceError] | None = None) -> ServiceError:
    """Why there is no answer: 404 for what is not here, 422 for what cannot be told; always `kind` when it is given."""
    kind = kind or (NotFound if error.code == "not-found" else Unprocessable)
    text = str(error)
    return kind.of(error.code, error.rule, f"{text[:1].upper()}{text[1:]}.{_MENDS.get(error.rule, '')}")


_MENDS = {
    "value-set": " POST it as a ValueSet, or name one that is here by its canonical URL.",
    "code-system": " POST it as a CodeSystem, or let an administrator load one: nothing is said of codes that are not here.",
    "code-system-content": " POST it with its concepts, or let an administrator load them: nothing is said of codes that are not here.",
}
