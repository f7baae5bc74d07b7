"""Bundles, put together from stored JSON text that is never decoded (https://hl7.org/fhir/R4/bundle.html)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.fhir.document import encode, quoted

Link = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: `resource` is JSON text, `search` the mode (match, include, outcome); `request` and `response` are small trees."""

    full_url: str | None = None
    resource: str | None = None
    search: str | None = None
    request: Mapping[str, Any] | None = None
    response: Mapping[str, Any] | None = None

    def text(self) -> str:
        """The entry as JSON, its members in the order of the specification."""
        members = []
        if self.full_url is not None:
            members.append(f'"fullUrl":{quoted(self.full_url)}')
        if self.resource is not None:
            members.append(f'"resource":{self.resource}')
        if self.search is not None:
            members.append(f'"search":{{"mode":"{self.search}"}}')
        for name, tree in (("request", self.request), ("response", self.response)):
            if tree is not None:
                members.append(f'"{name}":{encode(tree)}')
        return "{" + ",".join(members) + "}"


def bundle(
    type: str,
    entries: Iterable[Entry],
    links: Sequence[Link] = (),
    total: int | None = None,
    last_updated: str | None = None,
) -> str:
    """The JSON of a Bundle of `type`. `links` are (relation, url); empty lists are left out, as FHIR JSON demands."""
    members = ['"resourceType":"Bundle"']
    if last_updated is not None:
        members.append(f'"meta":{{"lastUpdated":{quoted(last_updated)}}}')
    members.append(f'"type":{quoted(type)}')
    if total is not None:
        members.append(f'"total":{total}')
    if links:
        members.append(f'"link":{encode([{"relation": relation, "url": url} for relation, url in links])}')
    if texts := [entry.text() for entry in entries]:
        members.append(f'"entry":[{",".join(texts)}]')
    return "{" + ",".join(members) + "}"


def matched(full_url: str, resource: str, mode: str = "match") -> Entry:
    """An entry of a searchset. `mode` is match, include or outcome."""
    return Entry(full_url, resource, search=mode)


def advised(outcome: Mapping[str, Any]) -> Entry:
    """The entry of a searchset that tells what the search ignored."""
    return Entry(resource=encode(outcome), search="outcome")
