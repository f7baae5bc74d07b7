"""Units of quantities: a code that claims to be UCUM's should be one (https://hl7.org/fhir/R4/datatypes.html#Quantity).

A warning, because the amount is what was recorded; yet such a quantity cannot be compared with others.
"""

from collections.abc import Mapping
from typing import Any

from service.fhir.units import UCUM, canonical, suggestion
from service.validation.run import Run

QUANTITIES = frozenset({"Quantity", "Age", "Count", "Distance", "Duration"})


def check(value: Mapping[str, Any], path: str, run: Run) -> None:
    """Warns of a unit that UCUM does not know, with the code that was probably meant."""
    code = value.get("code")
    if value.get("system") == UCUM and isinstance(code, str) and canonical(code) is None:
        meant = suggestion(code)
        mend = f"write {meant!r}" if meant else "correct it, or give the unit as text alone"
        run.warning("code-invalid", "ucum-unit", f"{path}.code", f"is {code[:40]!r}, which is no unit of UCUM: {mend}")
