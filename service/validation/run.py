"""One run of the gate over one document: where it stands and what it found."""

from collections.abc import Callable, Mapping
from typing import Any

from service.errors import Issue
from service.terminology.lookup import Lookup

MOST_ISSUES = 100


class Full(Exception):
    """Enough was found; the rest of the document is not looked at."""


class Run:
    """Collects issues, at most `MOST_ISSUES`, and knows the resources around the element at hand.

    `root` is the resource that holds `contained` (%rootResource), `resource` the nearest resource (%resource),
    `contained` the types of contained resources by id, `full_urls` the types of the entries of an enclosing Bundle, `bundle` that Bundle.
    `profile` is the profile whose rules are being asked (None: R4's own). `terms` answers about codes what the library cannot;
    `thorough` wants information too. `extensions` are those that the walk met, with their places; `later` what waits until the
    whole document is known to be well-formed; `remembered` what expressions found out about a resource.
    """

    __slots__ = (
        "bundle",
        "contained",
        "envelope",
        "extensions",
        "full_urls",
        "issues",
        "later",
        "profile",
        "remembered",
        "resource",
        "root",
        "terms",
        "thorough",
    )

    def __init__(self, tree: Mapping[str, Any], envelope: bool = False, terms: Lookup | None = None, thorough: bool = False) -> None:
        self.issues: list[Issue] = []
        self.root = self.resource = tree
        self.contained: Mapping[str, str] = {}
        self.full_urls: Mapping[str, str] = {}
        self.bundle: Mapping[str, Any] = {}
        self.envelope = envelope
        self.profile: str | None = None
        self.terms = terms
        self.thorough = thorough
        self.extensions: list[tuple[Mapping[str, Any], str]] = []
        self.remembered: dict[Any, Any] = {}
        self.later: list[Callable[[], None]] = []

    def error(self, code: str, rule: str, path: str, text: str) -> None:
        """Adds an error on the element at `path`; `text` continues the sentence that the path begins."""
        self.add(Issue("error", code, rule, f"{path} {text}", path, profile=self.profile))

    def warning(self, code: str, rule: str, path: str, text: str) -> None:
        """Adds a warning on the element at `path`."""
        self.add(Issue("warning", code, rule, f"{path} {text}", path, profile=self.profile))

    def information(self, code: str, rule: str, path: str, text: str) -> None:
        """Adds information on the element at `path`, when it is wanted."""
        if self.thorough:
            self.add(Issue("information", code, rule, f"{path} {text}", path, profile=self.profile))

    def add(self, issue: Issue) -> None:
        """Adds an issue. Raises Full when there are enough."""
        self.issues.append(issue)
        if len(self.issues) >= MOST_ISSUES:
            raise Full

    def passes(self, check: Callable[[], None]) -> bool:
        """Whether a check finds no error; what it finds is not kept."""
        kept, self.issues = self.issues, []
        try:
            check()
            return not any(issue.severity in ("error", "fatal") for issue in self.issues)
        except Full:
            return False
        finally:
            self.issues = kept

    def enter(self, resource: Mapping[str, Any]) -> tuple[Any, ...]:
        """Steps into a resource that stands on its own; returns what `leave` needs."""
        state = (self.root, self.resource, self.contained, self.full_urls, self.bundle)
        self.root = self.resource = resource
        inner = resource.get("contained")
        self.contained = _types_by(inner, "id") if inner else {}
        entries = resource.get("entry") if resource.get("resourceType") == "Bundle" else None
        if entries:
            self.full_urls, self.bundle = _full_urls(entries), resource
        return state

    def enter_contained(self, resource: Mapping[str, Any]) -> tuple[Any, ...]:
        """Steps into a contained resource, which shares its container's `contained`."""
        state = (self.root, self.resource, self.contained, self.full_urls, self.bundle)
        self.resource = resource
        return state

    def leave(self, state: tuple[Any, ...]) -> None:
        """Steps back to where `enter` was called."""
        self.root, self.resource, self.contained, self.full_urls, self.bundle = state

    def target(self, reference: str) -> Mapping[str, Any] | None:
        """The resource that a reference points to, where it is at hand: contained, or in the enclosing Bundle."""
        if reference == "#":
            return self.root
        if reference.startswith("#"):
            return self._at_hand(self.root).get(reference[1:])
        return self._at_hand(self.bundle).get(reference) if reference in self.full_urls else None

    def _at_hand(self, holder: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """The resources inside another one by id or URL, the first of each; listed once, as references may be as many."""
        key = ("at hand", id(holder))
        if key not in self.remembered:
            inner = [(row["id"], row) for row in holder.get("contained", ()) if "id" in row]
            inner += [(row["fullUrl"], row["resource"]) for row in holder.get("entry", ()) if "resource" in row and "fullUrl" in row]
            self.remembered[key] = dict(reversed(inner))
        found: Mapping[str, Mapping[str, Any]] = self.remembered[key]
        return found


def _types_by(resources: Any, key: str) -> dict[str, str]:
    found = [entry for entry in resources if isinstance(entry, dict)] if isinstance(resources, list) else []
    return {str(entry[key]): str(entry.get("resourceType")) for entry in found if key in entry}


def _full_urls(entries: Any) -> dict[str, str]:
    found = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    pairs = [(entry.get("fullUrl"), entry.get("resource")) for entry in found]
    return {str(url): str(resource.get("resourceType")) for url, resource in pairs if url and isinstance(resource, dict)}
