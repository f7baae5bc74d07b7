"""What comes in and what goes out, free of any HTTP framework: batches, tests and the command line speak it too."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from service.fhir.document import Document
from service.records.context import Context

Pairs = tuple[tuple[str, str], ...]

FHIR_JSON = "application/fhir+json"


@dataclass(frozen=True, slots=True)
class FhirRequest:
    """One request below the FHIR base.

    `path` holds the decoded segments after the base, `query` the decoded parameters in their order, `headers` the header
    fields by lower-case name. `document` is the resource when it is already decoded (an entry of a Bundle); then `body` is
    empty. `format` is that of a report (json, csv, xlsx, pdf) that a request of its own asks for; empty in the entries of Bundles.
    """

    method: str
    path: tuple[str, ...]
    query: Pairs = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    document: Document | None = None
    format: str = ""


@dataclass(frozen=True, slots=True)
class FhirResponse:
    """The answer: a status, header fields, and the body as stored JSON text, raw bytes (None: no body).

    `last_updated` is the instant of the version that it is about (microseconds): entries of Bundles carry it to the millisecond.
    `pieces` stand in the place of a body that would be large: they are made while they are sent, which nothing can keep from succeeding.
    """

    status: int
    body: str | bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = FHIR_JSON
    last_updated: int | None = None
    pieces: Iterable[bytes] | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose URL is understood.

    `interaction` is the code of https://hl7.org/fhir/R4/valueset-restful-interaction.html, `template` its URL template;
    `type`, `id` and `version` are what the URL names; with `kind` it names the compartment `kind`/`id`, and `type` in it. `query`
    lacks the parameters about presentation (`_format`, `_pretty`). `again` dispatches another request the same way: Bundles use it
    for their entries.
    """

    request: FhirRequest
    interaction: str
    template: str
    type: str | None
    id: str | None
    version: str | None
    query: Pairs
    again: "Dispatch"
    kind: str | None = None

    @property
    def named_type(self) -> str:
        """The resource type of a URL that has one."""
        assert self.type is not None
        return self.type

    @property
    def named_id(self) -> str:
        """The id of a URL that has one."""
        assert self.id is not None
        return self.id

    def header(self, name: str) -> str | None:
        """A header field by its lower-case name; None when absent. A blank one is empty: whoever sent it meant something."""
        found = self.request.headers.get(name)
        return None if found is None else found.strip()

    def with_document(self, document: Document) -> "Call":
        """The same call with its body decoded."""
        return replace(self, request=replace(self.request, document=document))


Dispatch = Callable[[Context, FhirRequest], FhirResponse]
