"""In a database that is open to everyone, everything that is written says of itself that it is test data.

https://terminology.hl7.org/CodeSystem-v3-ActReason.html, code HTEST
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from service.fhir import rewrite
from service.fhir.document import Document
from service.fhir.patch import Patch as PatchDocument
from service.records.change import Change, Create, Patch, Update
from service.records.context import Context
from service.records.labels import Labels

TEST_DATA = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST", "display": "test health data"}
_LABEL = Labels({"security": (TEST_DATA,)}, adds=True)


@dataclass(frozen=True, slots=True)
class _Marked:
    """A patch, and the label on what comes of it."""

    patch: PatchDocument

    def apply(self, tree: Any) -> Any:
        """The resource after the patch, with the label."""
        return _LABEL.apply(self.patch.apply(tree))


def labelled(ctx: Context, changes: Sequence[Change]) -> Sequence[Change]:
    """`changes` as they are; with the label where the database is open to everyone, but for the clinic's own definitions."""
    if not ctx.service.is_insecure or ctx.installs:
        return changes
    return [_labelled(change) for change in changes]


def _labelled(change: Change) -> Change:
    if isinstance(change, Create | Update) and isinstance(change.document.tree, dict):
        return replace(change, document=_with_label(change.document))
    return replace(change, patch=_Marked(change.patch)) if isinstance(change, Patch) else change


def _with_label(document: Document) -> Document:
    meta = document.tree.get("meta", {})
    is_fit = isinstance(meta, dict) and isinstance(meta.get("security", []), list)
    return rewrite.spliced(document, _LABEL.apply(document.tree)) if is_fit else document
