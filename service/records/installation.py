"""The clinic's definitions as resources of the record: what the service ships is read, searched and linked like everything else.

The database holds what `infusion-records db upgrade` put there. A definition keeps its id; a new version of it is written only when
its content is another, so that installing again, or in several processes at once, changes nothing.
The service itself works by what it ships (`fhir.library`), not by what is installed. docs/decisions/0017-an-implementation-guide.md
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from service.clock import to_text
from service.fhir import guide, rewrite
from service.fhir.document import Document
from service.records.change import Update
from service.records.commit import commit
from service.records.context import Context, Service
from service.records.write import CREATED, UPDATED
from service.security.caller import Caller
from service.storage import versions
from service.storage.versions import Key, Row

_GUIDE = "ImplementationGuide"


@dataclass(frozen=True, slots=True)
class Definition:
    """One definition of the clinic as it is to be stored."""

    type: str
    id: str
    document: Document


def install(ctx: Context) -> int:
    """Write the definitions that are missing or differ, all or none; how many were written."""
    changes = [Update(one.type, one.id, one.document) for one in _different(ctx.service)]
    if not changes:
        return 0
    done = commit(replace(ctx, caller=Caller.internal("installation"), installs=True), changes)
    return sum(one.outcome in (CREATED, UPDATED) for one in done)


def advice(service: Service) -> str:
    """The sentence that asks for an installation; empty when what is installed is what this version ships."""
    keys = _keys(service)
    if len(_numbers(service, keys)) < len(keys) or any(_different(service)):
        return "The clinic's definitions in the database are not those of this version. Run: infusion-records db upgrade"
    return ""


class Watch:
    """`advice` for who asks often: what is stored is compared again only when the number of a version has changed. Thread-safe."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._known: tuple[Mapping[Key, int], str] | None = None

    def advice(self) -> str:
        """What `advice` says."""
        numbers, known = _numbers(self._service, _keys(self._service)), self._known
        if known is None or known[0] != numbers:
            known = self._known = (numbers, advice(self._service))
        return known[1]


def _keys(service: Service) -> list[Key]:
    return [(service.definitions.type_number(tree["resourceType"]), tree["id"]) for tree in guide.artifacts(service.library)]


def _numbers(service: Service, keys: Sequence[Key]) -> dict[Key, int]:
    with service.database.read() as tx:
        return versions.numbers(tx, keys)


def _definitions(service: Service) -> Iterator[Definition]:
    for tree in guide.complete(service.library, service.definitions):
        shown = guide.without_examples(tree) if tree["resourceType"] == _GUIDE else tree
        yield Definition(shown["resourceType"], shown["id"], Document.of(shown))


def _different(service: Service) -> Iterator[Definition]:
    with service.database.read() as tx:
        there = versions.newest(tx, _keys(service))
    for one in _definitions(service):
        row = there.get((service.definitions.type_number(one.type), one.id))
        if row is None or not _is_same(one, row):
            yield one


def _is_same(one: Definition, row: Row) -> bool:
    return rewrite.stamped(one.document, one.id, row.version, to_text(row.last_updated)) == row.body
