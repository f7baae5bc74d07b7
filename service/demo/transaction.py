"""A transaction Bundle in the making (https://hl7.org/fhir/R4/http.html#transaction).

Entries name each other by urn:uuid. The uuids derive from the name of the Bundle and of the entry, so the same clinic day
has the same bytes every time.
"""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from fhir.resources.R4B.reference import Reference
from pydantic import BaseModel

from service.demo.elements import built, tree

Tree = dict[str, Any]


@dataclass
class Transaction:
    """The entries of one Bundle, in the order in which they were added; `name` is unique among the day's Bundles."""

    name: str
    entries: list[Tree] = field(default_factory=list)

    def reference(self, type_name: str, key: str) -> Reference:
        """The reference by which other entries name the resource added, or yet to be added, under `key`."""
        return Reference(reference=self._url(key), type=type_name)

    def add(self, key: str, model: type[BaseModel], **elements: Any) -> Reference:
        """Add a resource to be created; answers the reference to it."""
        return self._append(key, built(model, **elements), {})

    def ensure(self, key: str, model: type[BaseModel], **elements: Any) -> Reference:
        """Add a resource to be created unless one with its first identifier (or, for conformance resources, its url) is there."""
        resource = built(model, **elements)
        content = tree(resource)
        if "identifier" in content:
            first = content["identifier"][0]
            condition = f"identifier={quote(first['system'] + '|' + first['value'], safe=':/|')}"
        else:
            condition = f"url={quote(content['url'], safe=':/')}"
        return self._append(key, resource, {"ifNoneExist": condition})

    def tree(self) -> Tree:
        """The Bundle."""
        return {"resourceType": "Bundle", "type": "transaction", "entry": self.entries}

    def _append(self, key: str, resource: BaseModel, extra: Tree) -> Reference:
        kind = type(resource).__name__
        request = {"method": "POST", "url": kind, **extra}
        self.entries.append({"fullUrl": self._url(key), "resource": tree(resource), "request": request})
        return self.reference(kind, key)

    def _url(self, key: str) -> str:
        return f"urn:uuid:{uuid5(NAMESPACE_URL, f'https://clinic.example/demo/{self.name}/{key}')}"
