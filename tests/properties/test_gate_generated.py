"""Resources of every R4 type, grown from the definitions: the gate finds nothing but broken invariants, and the oracle agrees."""

import re

import pytest
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import given, settings
from hypothesis import strategies as st

from service.fhir.definitions import load
from service.fhir.document import encode
from service.validation.check import Gate
from tests.properties.generated import Garden

DEFINITIONS = load("all")
GATE = Gate(DEFINITIONS)
NIGHTLY = 10_000
INVARIANT = re.compile(r"[a-z]{2,3}-[0-9]+[a-z]?")

NOT_IN_R4B = {
    "EffectEvidenceSynthesis", "MedicinalProduct", "MedicinalProductAuthorization", "MedicinalProductContraindication",
    "MedicinalProductIndication", "MedicinalProductIngredient", "MedicinalProductInteraction", "MedicinalProductManufactured",
    "MedicinalProductPackaged", "MedicinalProductPharmaceutical", "MedicinalProductUndesirableEffect", "RiskEvidenceSynthesis",
    "SubstanceNucleicAcid", "SubstancePolymer", "SubstanceProtein", "SubstanceReferenceInformation", "SubstanceSourceMaterial",
    "SubstanceSpecification",
}  # fmt: skip
CHANGED_IN_R4B = {"Evidence", "EvidenceVariable"}


def compare(name: str, seed: int) -> None:
    """Asserts that the gate finds no fault in the structure, and that the oracle accepts what the gate accepts."""
    tree = Garden(DEFINITIONS, seed).resource(name)
    issues = GATE.check(tree)
    assert [issue for issue in issues if not INVARIANT.fullmatch(issue.rule) and issue.rule != "too-many-issues"] == []
    if name not in NOT_IN_R4B | CHANGED_IN_R4B and not any(issue.severity == "error" for issue in issues):
        get_fhir_model_class(name).model_validate_json(encode(tree))


@pytest.mark.parametrize("name", DEFINITIONS.types)
def test_every_type_can_be_written(name: str) -> None:
    for seed in range(3):
        compare(name, seed)


@pytest.mark.nightly
@settings(max_examples=NIGHTLY, deadline=None)
@given(st.sampled_from(sorted(DEFINITIONS.types)), st.integers(0, 2**32))
def test_every_type_can_be_written_at_length(name: str, seed: int) -> None:
    compare(name, seed)
