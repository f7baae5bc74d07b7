"""From one imported document to the changes that bring it in.

a resource with an id           update, which creates it under that id when it is new
a resource without an id        create; its content hash tells the next run that it is there
a transaction Bundle            its POST, PUT and DELETE entries, all or none
any other Bundle                its entries, each by itself, but committed together so that they may refer to each other
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

from service.errors import BadRequest
from service.fhir.definitions import Definitions
from service.fhir.document import Document
from service.records.change import Change, Create, Delete, Update
from service.search import apart
from service.storage.imports import Place


@dataclass(frozen=True, slots=True)
class Item:
    """One change of a piece; `hash` of its content where no id tells it apart, `entry` its place in a Bundle."""

    change: Change
    hash: bytes | None = None
    entry: int | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """What one line of a file asks for. `atomic`: refuse all of it when one item is refused."""

    place: Place
    end: Place
    items: Sequence[Item]
    atomic: bool = False

    def keys(self) -> set[object]:
        """What may not be touched twice in one commit: resources by id, contents by hash, conditions."""
        return {key for item in self.items for key in _keys(item)}

    def without(self, places: set[int]) -> "Piece":
        """The piece without the items at `places`; without any item when it is atomic."""
        kept = () if self.atomic and places else tuple(item for place, item in enumerate(self.items) if place not in places)
        return replace(self, items=kept)


def _keys(item: Item) -> list[object]:
    change = item.change
    if isinstance(change, Create):
        return [(change.type, "?", change.if_none_exist)] if change.if_none_exist else [item.hash]
    return [(change.type, change.id, change.condition)]


def piece(definitions: Definitions, document: Document, place: Place, end: Place) -> Piece:
    """The changes that `document` asks for. Raises BadRequest when it is no resource, or of a type that cannot be written."""
    tree = document.tree
    if not isinstance(tree, dict) or not isinstance(tree.get("resourceType"), str):
        raise BadRequest.of("structure", "import-resource", "A line must be a JSON object with a resourceType.")
    if tree["resourceType"] != "Bundle":
        return Piece(place, end, (_resource(definitions, document, None),))
    atomic = tree.get("type") == "transaction"
    entries = document.members()["entry"].elements() if isinstance(tree.get("entry"), list) else []
    items = [item for index, entry in enumerate(entries) if (item := _entry(definitions, entry, index)) is not None]
    return Piece(place, end, tuple(items), atomic)


def _resource(definitions: Definitions, document: Document, full_url: str | None) -> Item:
    type = _type(definitions, document.tree)
    id = document.tree.get("id")
    if isinstance(id, str):
        return Item(Update(type, id, document, full_url=full_url))
    return Item(Create(type, document, full_url=full_url), _hash(document, full_url))


def _entry(definitions: Definitions, entry: Document, index: int) -> Item | None:
    tree = entry.tree
    if not isinstance(tree, dict):
        raise BadRequest.of("structure", "import-entry", f"Bundle.entry[{index}] is not a JSON object.")
    search, request = tree.get("search"), tree.get("request")
    if isinstance(search, dict) and search.get("mode") == "outcome":
        return None
    full_url = tree.get("fullUrl") if isinstance(tree.get("fullUrl"), str) else None
    if isinstance(request, dict):
        return replace(_asked(definitions, entry, request, index), entry=index)
    return replace(_resource(definitions, _body(entry, index), full_url), entry=index)


def _asked(definitions: Definitions, entry: Document, request: Mapping[str, Any], index: int) -> Item:
    """The change that a transaction, batch or history entry asks for."""
    method, url = str(request.get("method")), str(request.get("url", ""))
    path, _, query = url.partition("?")
    type, _, id = path.strip("/").partition("/")
    condition = query if query and not id else None
    if method == "DELETE" and type in definitions.types and (id or condition):
        return Item(Delete(type, id or None, condition))
    if method not in ("POST", "PUT"):
        raise BadRequest.of("not-supported", "import-method", f"Bundle.entry[{index}].request.method {method[:10]!r} is not imported.")
    body = _body(entry, index)
    full_url = entry.tree.get("fullUrl")
    if _type(definitions, body.tree) != type:
        raise BadRequest.of("invalid", "import-url", f"Bundle.entry[{index}].request.url {url[:80]!r} does not fit its resource.")
    if method == "PUT":
        return Item(Update(type, id or None, body, condition, full_url=full_url))
    if_none_exist = request.get("ifNoneExist")
    return Item(Create(type, body, if_none_exist, full_url), None if if_none_exist else _hash(body, full_url))


def _body(entry: Document, index: int) -> Document:
    if not isinstance(entry.tree.get("resource"), dict):
        raise BadRequest.of("required", "import-entry", f"Bundle.entry[{index}].resource is missing.")
    return entry.members()["resource"]


def _type(definitions: Definitions, tree: Any) -> str:
    name = tree.get("resourceType") if isinstance(tree, dict) else None
    served = definitions.types.get(name) if isinstance(name, str) else None
    if name == apart.TYPE:
        raise BadRequest.of(
            "not-supported", "import-type", f"{name} resources are written by the service alone, of what it does itself. Leave it out."
        )
    if served is None or not {"create", "update"} & served.interactions:
        raise BadRequest.of("not-supported", "import-type", f"The resource type {str(name)[:64]!r} cannot be written here.")
    return served.name


def _hash(document: Document, full_url: str | None) -> bytes:
    return blake2b(f"{full_url or ''} {document.text}".encode(), digest_size=16).digest()
