"""What is asked of the record, as data. Every write, from one POST to an import of thousands, is a list of these.

`condition` and `if_none_exist` are search strings without the question mark; `full_url` is the name under which other
entries of the same Bundle refer to the resource; `if_match` the version that the client read.
"""

from dataclasses import dataclass

from service.fhir.document import Document
from service.fhir.patch import Patch as PatchDocument


@dataclass(frozen=True, slots=True)
class Create:
    """Make a new resource, unless one matches `if_none_exist` (https://hl7.org/fhir/R4/http.html#ccreate).

    `attests`: it is the Provenance of all else that the same commit makes, and is given its targets there.
    """

    type: str
    document: Document
    if_none_exist: str | None = None
    full_url: str | None = None
    attests: bool = False


@dataclass(frozen=True, slots=True)
class Update:
    """Replace a resource, named by `id` or found by `condition`; make it when there is none (https://hl7.org/fhir/R4/http.html#update)."""

    type: str
    id: str | None
    document: Document
    condition: str | None = None
    if_match: int | None = None
    if_none_match: bool = False
    full_url: str | None = None


@dataclass(frozen=True, slots=True)
class Patch:
    """Change parts of a resource (https://hl7.org/fhir/R4/http.html#patch)."""

    type: str
    id: str | None
    patch: PatchDocument
    condition: str | None = None
    if_match: int | None = None
    full_url: str | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """End a resource; its history stays (https://hl7.org/fhir/R4/http.html#delete)."""

    type: str
    id: str | None
    condition: str | None = None
    if_match: int | None = None
    full_url: str | None = None


Change = Create | Update | Patch | Delete
