"""One run of the gate over one document: where it stands and what it found."""

from collections.abc import Mapping
from typing import Any

from service.errors import Issue

MOST_ISSUES = 100


class Full(Exception):
    """Enough was found; the rest of the document is not looked at."""


class Run:
    """Collects issues, at most `MOST_ISSUES`, and knows the resources around the element at hand.

    `root` is the resource that holds `contained` (%rootResource), `resource` the nearest resource (%resource),
    `contained` the types of contained resources by id, `full_urls` the types of the entries of an enclosing Bundle.
    """

    __slots__ = ("contained", "envelope", "full_urls", "issues", "resource", "root")

    def __init__(self, tree: Mapping[str, Any], envelope: bool = False) -> None:
        self.issues: list[Issue] = []
        self.root = self.resource = tree
        self.contained: Mapping[str, str] = {}
        self.full_urls: Mapping[str, str] = {}
        self.envelope = envelope

    def error(self, code: str, rule: str, path: str, text: str) -> None:
        """Adds an error on the element at `path`; `text` continues the sentence that the path begins."""
        self.add(Issue("error", code, rule, f"{path} {text}", path))

    def warning(self, code: str, rule: str, path: str, text: str) -> None:
        """Adds a warning on the element at `path`."""
        self.add(Issue("warning", code, rule, f"{path} {text}", path))

    def add(self, issue: Issue) -> None:
        """Adds an issue. Raises Full when there are enough."""
        self.issues.append(issue)
        if len(self.issues) >= MOST_ISSUES:
            raise Full

    def enter(self, resource: Mapping[str, Any]) -> tuple[Any, ...]:
        """Steps into a resource that stands on its own; returns what `leave` needs."""
        state = (self.root, self.resource, self.contained, self.full_urls)
        self.root = self.resource = resource
        inner = resource.get("contained")
        self.contained = _types_by(inner, "id") if inner else {}
        entries = resource.get("entry") if resource.get("resourceType") == "Bundle" else None
        if entries:
            self.full_urls = _full_urls(entries)
        return state

    def enter_contained(self, resource: Mapping[str, Any]) -> tuple[Any, ...]:
        """Steps into a contained resource, which shares its container's `contained`."""
        state = (self.root, self.resource, self.contained, self.full_urls)
        self.resource = resource
        return state

    def leave(self, state: tuple[Any, ...]) -> None:
        """Steps back to where `enter` was called."""
        self.root, self.resource, self.contained, self.full_urls = state


def _types_by(resources: Any, key: str) -> dict[str, str]:
    found = [entry for entry in resources if isinstance(entry, dict)] if isinstance(resources, list) else []
    return {str(entry[key]): str(entry.get("resourceType")) for entry in found if key in entry}


def _full_urls(entries: Any) -> dict[str, str]:
    found = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    pairs = [(entry.get("fullUrl"), entry.get("resource")) for entry in found]
    return {str(url): str(resource.get("resourceType")) for url, resource in pairs if url and isinstance(resource, dict)}
