"""The example visit: what was sent, where it went, and whether what is there is what was sent, token for token."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from service.fhir.document import Document, Limits, decode
from tests.stories.client import Client

PATH = Path(__file__).parent.parent / "data" / "example-visit.json"
_SERVER_META = ("versionId", "lastUpdated")


def sent() -> Document:
    """The visit as a document."""
    return decode(PATH.read_bytes(), Limits())


def entries() -> list[tuple[str, Document]]:
    """The (fullUrl, resource) of every entry."""
    return [(one.tree["fullUrl"], one.members()["resource"]) for one in sent().members()["entry"].elements()]


@dataclass(frozen=True)
class Visit:
    """Where the entries of the visit are: fullUrl -> Type/id."""

    places: Mapping[str, str]

    @classmethod
    def posted(cls, client: Client) -> Self:
        """Post the visit as one transaction."""
        answer = client.send("POST", "", PATH.read_bytes())
        assert answer.status == 200, answer.tree
        locations = [entry["response"]["location"] for entry in answer.tree["entry"]]
        urls = [url for url, _ in entries()]
        assert len(locations) == len(urls) == 106
        return cls({url: address(location) for url, location in zip(urls, locations, strict=True)})

    def place(self, type_name: str, number: int = 0) -> str:
        """The address of the visit's nth resource of a type."""
        return [self.places[url] for url, one in entries() if one.tree["resourceType"] == type_name][number]


def address(location: str) -> str:
    """`Type/id` of a Location header."""
    parts = location.split("/_history/")[0].split("/")
    return "/".join(parts[-2:])


def tokens(resource: Document, places: Mapping[str, str]) -> list[tuple[str, Any]]:
    """The members of a resource in their order, each as its characters, without what the server sets and with references resolved."""
    members = []
    for name, one in resource.members().items():
        if name == "meta":
            inner = [(key, value.text) for key, value in one.members().items() if key not in _SERVER_META]
            members += [(name, inner)] if inner else []
        elif name != "id":
            members.append((name, _resolved(one.text, places)))
    return members


def _resolved(text: str, places: Mapping[str, str]) -> str:
    for url, place in places.items():
        text = text.replace(f'"{url}"', f'"{place}"')
    return text
