"""What a change comes to, once conditions, ids and references are resolved: the plan of one write."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from service.errors import Forbidden, Issue, ServiceError
from service.fhir.document import Document
from service.records.change import Change
from service.storage.versions import Current, Key

CREATED, UPDATED, UNCHANGED, EXISTING, DELETED, ABSENT = "created", "updated", "unchanged", "existing", "deleted", "absent"
_WRITES = (CREATED, UPDATED, DELETED)


@dataclass(frozen=True, slots=True)
class Write:
    """One resource that a change touches.

    `entry` is the place of the change in its list. `outcome`: created, updated, deleted (a new version is written),
    unchanged, existing (a conditional create that found one), absent (nothing there to delete). `before` is the current
    version, `document` what will be stored; both None where there is none.
    """

    entry: int
    change: Change
    outcome: str
    key: Key | None = None
    before: Current | None = None
    document: Document | None = None

    @property
    def writes(self) -> bool:
        """Whether a new version is stored."""
        return self.outcome in _WRITES

    @property
    def version(self) -> int:
        """The number of the version that the resource has afterwards; 0 when there is none."""
        before = self.before.version if self.before else 0
        return before + 1 if self.writes else before


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the audit trail tells of something: the id of the event, and its leaf in the tree."""

    audit_id: str
    leaf: bytes


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of one change. `text` is the stored JSON (None after a deletion); `findings` are warnings of the review.

    `id` is None when nothing or more than one resource was touched (`count` says how many). `last_updated` in microseconds.
    `marks`: the events that tell of it.
    """

    change: Change
    outcome: str
    type: str
    id: str | None
    version: int
    last_updated: int
    text: str | None
    findings: Sequence[Issue] = ()
    count: int = 1
    marks: Sequence[Mark] = ()


@contextmanager
def naming(entry: int) -> Iterator[None]:
    """Let an error say which change it is about; a refusal for lack of access says nothing of the kind."""
    try:
        yield
    except Forbidden:
        raise
    except ServiceError as error:
        error.entry = entry
        raise
