"""What `*` means (row 45): every R4 type is in one of three sets, and `*` covers the clinical ones alone."""

import pytest

from service.fhir import compartment
from service.security.clinical import CLINICAL, DEFINITIONS, NAMED, reaches
from tests.unit.security import scopes


def test_every_r4_type_is_in_one_set() -> None:
    assert set(scopes.DEFINITIONS.all_types) == CLINICAL | DEFINITIONS | NAMED
    assert len(CLINICAL) + len(DEFINITIONS) + len(NAMED) == len(scopes.DEFINITIONS.all_types)


def test_whatever_may_be_of_a_patient_is_clinical_but_for_what_is_named() -> None:
    of_patients = {type for type, codes in compartment.load()["Patient"].items() if codes}
    assert of_patients - CLINICAL == {"AuditEvent", "MeasureReport"}


@pytest.mark.parametrize("type", ["AuditEvent", "Subscription", "StructureDefinition", "ValueSet", "Questionnaire", "Bundle", "Tomorrow"])
def test_row_45_any_type_does_not_mean_this_one(type: str) -> None:
    assert not reaches("*", type)
    assert reaches(type, type)


def test_row_45_any_type_means_the_record() -> None:
    assert all(reaches("*", type) for type in CLINICAL)
    assert not reaches("Patient", "Observation")
    assert not reaches("Patient", "*")
    assert reaches("*", "*")
