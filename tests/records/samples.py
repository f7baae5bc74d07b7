"""Small valid resources and the changes that write them. Invented people only."""

import json
from typing import Any

from service.fhir.document import Document, Limits, decode
from service.fhir.patch import JsonPatch
from service.records.change import Create, Delete, Patch, Update
from service.records.commit import commit
from service.records.context import Context
from service.records.write import Committed

IDENTIFIERS = "https://clinic.example/ids"

Tree = dict[str, Any]


def document(tree: Tree | str) -> Document:
    """A document as a client would send it."""
    return decode((tree if isinstance(tree, str) else json.dumps(tree)).encode(), Limits())


def patient(number: str | None = None, **members: Any) -> Tree:
    """A patient, with an identifier when `number` is given."""
    identifier = {"identifier": [{"system": IDENTIFIERS, "value": number}]} if number else {}
    return {"resourceType": "Patient", **identifier, "name": [{"family": "Example"}], **members}


def observation(subject: str | None = None, **members: Any) -> Tree:
    """An observation, of `subject` when given."""
    about = {"subject": {"reference": subject}} if subject else {}
    return {"resourceType": "Observation", "status": "final", "code": {"text": "mood"}, **about, **members}


def condition(number: str) -> str:
    """The search string that finds the resource with identifier `number`."""
    return f"identifier={IDENTIFIERS}|{number}"


def create(tree: Tree | str, if_none_exist: str | None = None, full_url: str | None = None) -> Create:
    """The change that makes the resource."""
    made = document(tree)
    return Create(made.tree["resourceType"], made, if_none_exist, full_url)


def update(tree: Tree | str, where: str | None = None, **options: Any) -> Update:
    """The change that puts the resource at its id, or where `where` finds one."""
    made = document(tree)
    return Update(made.tree["resourceType"], None if where else made.tree["id"], made, where, **options)


def patch(address: str, *operations: Tree, **options: Any) -> Patch:
    """The change that applies JSON Patch `operations` to `Type/id` or `Type?condition`."""
    type, id, where = _split(address)
    return Patch(type, id, JsonPatch.of(list(operations)), where, **options)


def delete(address: str, **options: Any) -> Delete:
    """The change that deletes `Type/id` or what `Type?condition` finds."""
    type, id, where = _split(address)
    return Delete(type, id, where, **options)


def one(ctx: Context, change: Create | Update | Patch | Delete) -> Committed:
    """Commit a single change."""
    return commit(ctx, [change])[0]


def address(committed: Committed) -> str:
    """`Type/id` of what was written."""
    return f"{committed.type}/{committed.id}"


def tree(committed: Committed) -> Any:
    """The stored JSON, parsed."""
    assert committed.text is not None
    return json.loads(committed.text)


def _split(address: str) -> tuple[str, str | None, str | None]:
    if "?" in address:
        type, where = address.split("?", 1)
        return type, None, where
    type, id = address.split("/")
    return type, id, None
