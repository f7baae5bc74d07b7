"""Values of one code are sorted along the units that values of that code have."""

import pytest

from service.search import choose
from tests.search.clinic import Clinic

UCUM = "http://unitsofmeasure.org"
VALUES = {
    "slow": ("hr", 60, "/min"),
    "fast": ("hr", 120, "/min"),
    "hertz": ("hr", 1.5, "Hz"),
    "light": ("weight", 60500, "g"),
    "heavy": ("weight", 90, "kg"),
    "unmeasured": ("panel", None, ""),
    "other": ("hr", None, ""),
}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("code=hr&_sort=-value-quantity", ["fast", "hertz", "slow", "other"]),
        ("code=hr&_sort=value-quantity", ["slow", "hertz", "fast", "other"]),
        ("code=http://c|weight&_sort=-value-quantity", ["heavy", "light"]),
        ("code=panel&_sort=-value-quantity", ["unmeasured"]),
        ("code=hr,weight&status=final&_sort=value-quantity&_count=2", ["slow", "hertz"]),
        ("code:not=weight&_sort=-value-quantity&_count=3", ["fast", "hertz", "slow"]),
    ],
)
@pytest.mark.parametrize("few", [0, choose.FEW], ids=["along the values", "collected"])
def test_values_of_a_code_are_sorted(clinic: Clinic, asked: str, expected: list[str], few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "FEW", few)
    for id, (code, value, unit) in VALUES.items():
        measured = {} if value is None else {"valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit}}
        coded = {"coding": [{"system": "http://c", "code": code}]}
        clinic.put({"resourceType": "Observation", "id": id, "status": "final", "code": coded, **measured})
    assert clinic.ids("Observation", asked)[: len(expected)] == expected
