"""Every parameter of every served type answers: with a value of its kind, with its modifiers, as a sort key, with hostile text."""

import pytest

from service.errors import BadRequest
from service.search.types import modifiers
from service.search.types.protocol import SearchParameter
from tests.search.clinic import Clinic
from tests.search.conftest import REGISTRY

VALUES = {
    "date": "ap2026-03-14",
    "number": "ap1e3",
    "quantity": "ap5.4|http://unitsofmeasure.org|mg",
    "reference": "x",
    "string": "%",
    "token": "s|c",
    "uri": "urn:x",
}
ASKED = {
    "exact": "x",
    "contains": "x",
    "not": "x",
    "text": "x",
    "of-type": "s|c|v",
    "identifier": "x",
    "missing": "true",
}
"""A value for each modifier that needs nothing stored."""
HOSTILE = (
    "'",
    '"',
    "';--",
    "%00",
    "\\",
    "\\\\",
    "$",
    "|",
    "||",
    ",",
    ",,",
    "{{7*7}}",
    "%(v0)s",
    ":v0",
    "?",
    "\n",
    "\u202e",
    "\U0001f600" * 50,
    "9" * 5000,
    "1e999999999",
    "-0",
    "NaN",
    "Infinity",
    "2026-02-30",
    "0000-00-00",
    "99999-01-01",
    "ge",
    "Patient/",
    "/",
    "Patient/../x",
    "http://",
    "urn:uuid:",
    "a" * 10_000,
    "null",
    "true",
)


@pytest.mark.parametrize("type", sorted(REGISTRY.definitions.types))
def test_every_parameter_answers(clinic: Clinic, type: str) -> None:
    clinic.put({"resourceType": type, "id": "one"})
    for code, parameter in REGISTRY.for_type(type).items():
        clinic.page(type, [(code, _value(parameter))])
        for modifier in (*modifiers(parameter), "missing") if parameter.keys else ():
            if modifier in ASKED:
                clinic.page(type, [(f"{code}:{modifier}", ASKED[modifier])])
            elif parameter.kind == "uri":
                clinic.page(type, [(f"{code}:{modifier}", "http://a/b")])
        if parameter.kind != "composite" and not parameter.alias:
            assert clinic.ids(type, f"_sort=-{code}") == ["one"]


def _value(parameter: SearchParameter) -> str:
    if parameter.kind == "composite":
        return "$".join(map(_value, parameter.components))
    if parameter.elements and parameter.elements <= {"Age", "Duration"}:
        return "ap5.4|http://unitsofmeasure.org|h"
    return VALUES[parameter.kind]


@pytest.mark.parametrize("type", ["Patient", "Observation", "RiskAssessment", "QuestionnaireResponse"])
def test_hostile_text_is_answered_or_refused(clinic: Clinic, type: str) -> None:
    refusals: list[str] = []
    for code in REGISTRY.for_type(type):
        for value in HOSTILE:
            for modifier in ("", ":exact", ":contains", ":not", ":identifier"):
                try:
                    clinic.page(type, [(code + modifier, value)])
                except BadRequest as error:
                    refusals += [issue.diagnostics for issue in error.issues]
    assert all(0 < len(text) < 3000 for text in refusals)
