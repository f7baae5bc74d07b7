"""The example visit: what was sent, where it went, and whether what is there is what was sent, token for token."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from service.fhir.document import Document, Limits, decode
from tests.stories.client import Client

PATH = Path(__file__).parent.parent / "data" / "example-visit.json"
YEAR = 2026
_LICENSED = "2024-01-01"
_EARLIEST = 1990
"""Since when the staff of a visit of another year have their licences."""
_SERVER_META = ("versionId", "lastUpdated")


def sent(year: int = YEAR) -> bytes:
    """The visit as it is posted; for another year with other dates, another patient, another vial and another lot."""
    text = PATH.read_text(encoding="utf-8")
    if year != YEAR:
        dates = ("2026-11-1", f"{year}-11-1"), (_LICENSED, f"{_EARLIEST}-01-01")
        for old, new in (
            *dates,
            ("KET-000123", f"KET-{year}"),
            ("KET24A117", lot(year)),
            ("-2026-", f"-{year}-"),
            ("-20261117-", f"-{year}1117-"),
        ):
            text = text.replace(old, new)
    return text.encode()


def lot(year: int) -> str:
    """The lot of the vial."""
    return "KET24A117" if year == YEAR else f"KET{year}"


def entries(year: int = YEAR) -> list[tuple[str, Document]]:
    """The (fullUrl, resource) of every entry."""
    bundle = decode(sent(year), Limits())
    return [(one.tree["fullUrl"], one.members()["resource"]) for one in bundle.members()["entry"].elements()]


def conditions(year: int = YEAR) -> dict[str, str]:
    """The ifNoneExist of the entries that have one, by fullUrl."""
    listed = decode(sent(year), Limits()).tree["entry"]
    return {entry["fullUrl"]: entry["request"]["ifNoneExist"] for entry in listed if "ifNoneExist" in entry["request"]}


@dataclass(frozen=True)
class Visit:
    """Where the entries of the visit of a year are: fullUrl -> Type/id."""

    year: int
    places: Mapping[str, str]

    @classmethod
    def posted(cls, client: Client, year: int = YEAR) -> Self:
        """Post the visit as one transaction."""
        answer = client.send("POST", "", sent(year))
        assert answer.status == 200, answer.tree
        locations = [entry["response"]["location"] for entry in answer.tree["entry"]]
        urls = [url for url, _ in entries(year)]
        assert len(locations) == len(urls) == 106
        return cls(year, {url: address(location) for url, location in zip(urls, locations, strict=True)})

    @property
    def day(self) -> str:
        """The date of the visit."""
        return f"{self.year}-11-17"

    def place(self, type_name: str, number: int = 0) -> str:
        """The address of the visit's nth resource of a type."""
        return [self.places[url] for url, one in entries(self.year) if one.tree["resourceType"] == type_name][number]


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
