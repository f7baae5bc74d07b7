"""An AuditEvent in words: who asked, what was done, to what, how it ended, why. For pages and reports; no markup."""

from collections.abc import Iterator, Mapping
from typing import Any

from service.audit.projection import asked

Tree = Mapping[str, Any]

_DONE: Mapping[str, str] = {
    "create": "created",
    "delete": "deleted",
    "history-instance": "read the history",
    "history-system": "read the history of everything",
    "history-type": "read the history of a type",
    "operation": "ran an operation",
    "patch": "changed",
    "read": "read",
    "search-system": "searched everything",
    "search-type": "searched",
    "update": "changed",
    "vread": "read a version",
}
_OUTCOMES: Mapping[str, str] = {"0": "done", "4": "refused", "8": "refused or failed", "12": "failed"}
_DATA, _PATIENT = "4", "1"


def who(tree: Tree) -> str:
    """Who asked: the person, by name where it is known, and the client that was used."""
    person = _person(tree)
    if person is None:
        return client(tree)
    reference = str(person["who"]["reference"])
    return f"{person['name']} ({reference}), with {client(tree)}" if person.get("name") else f"{reference}, with {client(tree)}"


def client(tree: Tree) -> str:
    """The id of the client."""
    identified = (one["who"]["identifier"].get("value", "") for one in tree.get("agent", ()) if "identifier" in one.get("who", {}))
    return str(next(identified, ""))


def roles(tree: Tree) -> list[str]:
    """The codes of the roles of who asked."""
    found = (role for agent in tree.get("agent", ()) for role in agent.get("role", ()))
    return [str(coding["code"]) for one in found for coding in one.get("coding", ()) if coding.get("code")]


def done(tree: Tree) -> str:
    """What was done."""
    coding = next(iter(tree.get("subtype", ())), tree.get("type", {}))
    code = str(coding.get("code", ""))
    return _DONE.get(code) or str(coding.get("display") or code)


def resource(tree: Tree) -> str:
    """The reference of the resource that it was done to, or its type; empty when there is none."""
    what: Tree = next((one.get("what", {}) for one in _entities(tree, _DATA)), {})
    return str(what.get("reference") or what.get("type") or "")


def patient(tree: Tree) -> str:
    """The reference of the patient; empty when the event is about none."""
    return next((str(one["what"].get("reference", "")) for one in _entities(tree, _PATIENT) if "what" in one), "")


def question(tree: Tree) -> str:
    """What was asked for, as far as the reader of the event may see it."""
    return next((asked(one) for one in tree.get("entity", ()) if "query" in one), "")


def outcome(tree: Tree) -> str:
    """How it ended."""
    return _OUTCOMES.get(str(tree.get("outcome", "")), "")


def reason(tree: Tree) -> str:
    """Why it was refused or failed."""
    return str(tree.get("outcomeDesc", ""))


def purposes(tree: Tree) -> str:
    """The purpose of use that was stated; empty when none was."""
    codings = (coding for one in tree.get("purposeOfEvent", ()) for coding in one.get("coding", ()))
    return ", ".join(str(one.get("display") or one.get("code", "")) for one in codings)


def _person(tree: Tree) -> Tree | None:
    return next((one for one in tree.get("agent", ()) if one.get("requestor") and "reference" in one.get("who", {})), None)


def _entities(tree: Tree, role: str) -> Iterator[Tree]:
    return (one for one in tree.get("entity", ()) if one.get("role", {}).get("code") == role)
