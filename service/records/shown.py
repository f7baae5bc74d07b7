"""The last look at what leaves: that it is within reach, decided anew and by other code, and that no more of it is shown than may be.

The restriction of a search is in its SQL. Here every resource that a restricted caller is given is read and judged by itself; one that
should not be there is a defect of the service: nothing is sent, and the log says so.
"""

import logging
from dataclasses import dataclass, replace
from typing import Any

from service.fhir.document import encode, stored
from service.records.context import Context
from service.search.execute import Found

_LOG = logging.getLogger("infusion_records.access")
_SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
_ALWAYS = ("resourceType", "id", "meta")


class Breach(Exception):
    """A resource was about to leave that its receiver may not see."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What one caller is shown."""

    ctx: Context

    def found(self, letter: str, found: Found) -> Found:
        """A resource of a result, as far as it is shown. Raises Breach."""
        text = self.text(letter, found.type, found.text)
        return found if text is found.text else replace(found, text=text)

    def text(self, letter: str, type: str, text: str) -> str:
        """The stored JSON of a resource, as far as it is shown. Raises Breach."""
        access = self.ctx.access
        if access.is_plain(letter, type):
            return text
        tree = stored(text).tree
        if not access.sees(letter, type, tree):
            _LOG.critical("a resource of type %s was about to leave out of reach; nothing was sent", type)
            raise Breach(type)
        elements = access.elements(type)
        return text if elements is None else encode(_cut(tree, elements))


def _cut(tree: Any, elements: tuple[str, ...]) -> dict[str, Any]:
    meta = dict(tree.get("meta", {}))
    meta["tag"] = [*meta.get("tag", []), _SUBSETTED]
    kept = {name: value for name, value in tree.items() if name in (*_ALWAYS, *elements)}
    return kept | {"meta": meta}
