"""The index of R4's definitions and the types that the service serves."""

import pytest

from service.fhir.definitions import INTERACTIONS, load

DEFINITIONS = load()


def test_the_types_are_those_of_r4() -> None:
    assert len(DEFINITIONS.all_types) == 146
    assert list(DEFINITIONS.all_types) == sorted(DEFINITIONS.all_types)
    assert {"Binary", "Bundle", "Parameters", "OperationOutcome"} <= set(DEFINITIONS.all_types)
    assert {"Resource", "DomainResource"}.isdisjoint(DEFINITIONS.all_types)


def test_types_have_stable_numbers() -> None:
    assert (DEFINITIONS.type_number("Account"), DEFINITIONS.type_number("VisionPrescription")) == (1, 146)
    assert all(DEFINITIONS.type_name(DEFINITIONS.type_number(name)) == name for name in DEFINITIONS.all_types)


def test_the_setting_adds_types() -> None:
    assert "Account" not in DEFINITIONS.types
    assert load("Account, Media").types.keys() == DEFINITIONS.types.keys() | {"Account", "Media"}
    assert tuple(load("all").types) == tuple(name for name in DEFINITIONS.all_types if name != "Subscription")
    for name in ("Client", "Subscription"):
        with pytest.raises(ValueError, match=f"'{name}'"):
            load(name)


def test_audit_events_are_read_only_and_subscriptions_wait() -> None:
    assert {"create", "update", "patch", "delete"}.isdisjoint(DEFINITIONS.types["AuditEvent"].interactions)
    assert {"create", "update", "patch", "delete"}.isdisjoint(load("all").types["AuditEvent"].interactions)
    assert DEFINITIONS.types["Patient"].interactions == frozenset(INTERACTIONS)
    assert "Subscription" not in DEFINITIONS.types


def test_elements_are_found_by_path_through_datatypes_and_shared_content() -> None:
    assert DEFINITIONS.element("Encounter.period.start") is DEFINITIONS.element("Period.start")
    low = DEFINITIONS.element("Observation.component.referenceRange.low")
    assert low is not None
    assert (low.path, low.simple_quantity, low.repeats) == ("Observation.referenceRange.low", True, False)
    assert DEFINITIONS.element("Observation.foo") is None
    assert DEFINITIONS.element("Client.name") is None
    assert DEFINITIONS.element("Questionnaire.item.item.item.linkId") is not None


def test_a_choice_has_a_member_name_per_type() -> None:
    value = DEFINITIONS.element("Observation.value[x]")
    assert value is not None
    assert value.choice
    assert value.properties["valueDateTime"] == value.type("dateTime")
    assert set(value.properties) >= {"valueQuantity", "valueCodeableConcept", "valueBoolean"}


def test_references_know_their_targets() -> None:
    subject = DEFINITIONS.element("Observation.subject")
    assert subject is not None
    assert set(subject.types[0].targets) == {"Patient", "Group", "Device", "Location"}


def test_required_value_sets_are_expanded_or_named() -> None:
    status = DEFINITIONS.element("Observation.status")
    assert status is not None
    assert status.binding is not None
    codes = DEFINITIONS.codes(status.binding.value_set)
    assert codes is not None
    assert ("http://hl7.org/fhir/observation-status", "final") in codes
    assert DEFINITIONS.codes("http://hl7.org/fhir/ValueSet/mimetypes|4.0.1") is None
    assert DEFINITIONS.value_sets.syntax("http://hl7.org/fhir/ValueSet/mimetypes|4.0.1") == "mime-type"
    assert DEFINITIONS.codes("http://x.example/unknown") is None


def test_the_summary_keeps_marked_and_mandatory_elements() -> None:
    assert {"id", "meta", "status", "code", "valueQuantity"} <= DEFINITIONS.summary_elements("Observation")
    assert {"note", "text", "category"}.isdisjoint(DEFINITIONS.summary_elements("Observation"))


def test_every_structure_can_be_read() -> None:
    assert len(DEFINITIONS.structures) == len([structure.name for structure in DEFINITIONS.structures.values()]) == 209
