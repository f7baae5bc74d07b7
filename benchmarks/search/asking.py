"""One question to the service and its answer, without a network between: the dispatcher answers as it does behind HTTP."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from benchmarks.search.dataset.identity import Name, named
from service.errors import ServiceError
from service.records.context import Context, Service
from service.rest.dispatch import dispatch
from service.rest.exchange import FhirRequest, FhirResponse, Pairs
from service.security.caller import Caller

Check = Callable[["Answer"], str | None]
"""Says what is wrong with an answer, None when nothing is."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A GET, and the check of its answer."""

    path: tuple[str, ...]
    query: Pairs
    check: Check

    @property
    def text(self) -> str:
        """As a person would write it."""
        return "/".join(self.path) + ("?" + "&".join(f"{name}={value}" for name, value in self.query) if self.query else "")


class Refusal(Exception):
    """The service does not answer the question; the message says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the body decoded."""

    tree: Any
    matches: Sequence[Name] = ()
    included: Sequence[Name] = ()
    total: int | None = None
    next: str | None = None
    resources: Sequence[Any] = field(default=())


def request(ask: Ask) -> FhirRequest:
    """The request of a question."""
    return FhirRequest("GET", ask.path, ask.query, {"accept": "application/fhir+json"})


def granted(service: Service) -> Caller:
    """A client that may read and write every clinical type."""
    return Caller("benchmark", service.identity.grant("system/*.cruds"), address="127.0.0.1", token="benchmark")


def answered(service: Service, asked: FhirRequest) -> FhirResponse:
    """The answer of the service to that client, with what is to be told to the audit trail, but not its commit.

    That takes the same time however large the record is, and would hide whether the answer does. Raises Refusal.
    """
    try:
        return dispatch(Context(service, granted(service)), asked)
    except ServiceError as error:
        raise Refusal("; ".join(issue.diagnostics for issue in error.issues)) from error


def understood(response: FhirResponse) -> Answer:
    """The answer decoded."""
    tree = json.loads(response.body or "{}")
    if tree.get("resourceType") != "Bundle":
        return Answer(tree, [named(tree["id"])], resources=[tree])
    entries = [entry for entry in tree.get("entry", ()) if entry["resource"]["resourceType"] != "OperationOutcome"]
    modes: dict[str, list[Name]] = {"match": [], "include": []}
    for entry in entries:
        modes[entry.get("search", {}).get("mode", "match")].append(named(entry["resource"]["id"]))
    following = next((link["url"] for link in tree.get("link", ()) if link["relation"] == "next"), None)
    resources = [entry["resource"] for entry in entries]
    return Answer(tree, modes["match"], modes["include"], tree.get("total"), following, resources)


def followed(url: str, ask: Ask) -> Ask:
    """The question that a link of an answer asks."""
    return Ask(ask.path, tuple(parse_qsl(urlsplit(url).query, keep_blank_values=True)), ask.check)
