"""The resources that a report refers to: each read once, many in one statement, and patients only as far as the caller may see them.

A patient whose amounts are in the register is a patient whose data are shown: every one that is asked for is told to the audit trail,
also where the caller sees no more than the reference.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from service.fhir.document import stored
from service.records.context import Context
from service.records.shown import Shown
from service.search.viewer import Viewer
from service.storage import versions
from service.storage.database import Transaction

Tree = Mapping[str, Any]

_PATIENT = "Patient/"


class Sheets:
    """The newest versions of what is referred to, in one transaction. References are `Type/id`."""

    def __init__(self, ctx: Context, tx: Transaction) -> None:
        self._ctx, self._tx = ctx, tx
        self._known: dict[str, Tree | None] = {}

    def load(self, references: Iterable[str | None]) -> None:
        """Read those of `references` that are not known yet, in few statements."""
        wanted = {one for one in references if one and one not in self._known}
        if not wanted:
            return
        self._known.update(dict.fromkeys(wanted))
        patients = {one for one in wanted if one.startswith(_PATIENT)}
        self._ctx.trail.patients.update(one.removeprefix(_PATIENT) for one in patients)
        self._read(wanted - patients)
        if patients and self._ctx.access.may("r", "Patient"):
            self._read(patients, is_restricted=True)

    def get(self, reference: str | None) -> Tree | None:
        """The resource; None when it is not there, or is a patient whom the caller may not see."""
        if not reference:
            return None
        if reference not in self._known:
            self.load((reference,))
        return self._known[reference]

    def _read(self, references: Iterable[str], is_restricted: bool = False) -> None:
        definitions, shown = self._ctx.service.definitions, Shown(self._ctx)
        parts = [one.partition("/") for one in references]
        keys = {(definitions.type_number(type), id) for type, _, id in parts if type in definitions.types}
        if is_restricted:
            keys = Viewer(self._tx, self._ctx.service.registry, self._ctx.access).visible(keys)
        for (number, id), row in versions.newest(self._tx, keys).items():
            if row.body is not None:
                type = definitions.type_name(number)
                text = shown.text("r", type, row.body) if is_restricted else row.body
                self._known[f"{type}/{id}"] = stored(text).tree
