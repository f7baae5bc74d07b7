"""Which parameters put a resource into a compartment: https://hl7.org/fhir/R4/compartmentdefinition.html."""

from service.fhir import compartment
from tests.unit.search.registry import EVERY_TYPE


def test_the_five_compartments_of_r4() -> None:
    known = compartment.load()
    assert sorted(known) == ["Device", "Encounter", "Patient", "Practitioner", "RelatedPerson"]
    assert known["Patient"]["Observation"] == ("subject", "performer")
    assert known["Encounter"]["Observation"] == ("encounter",)
    assert "Medication" not in known["Patient"]


def test_what_a_compartment_is_about_belongs_to_it() -> None:
    known = compartment.load()
    assert known["Patient"]["Patient"] == ("_id", "link")
    assert {known[kind][kind] for kind in known if kind != "Patient"} == {("_id",)}


def test_every_parameter_of_a_compartment_can_be_searched() -> None:
    for kind, types in compartment.load().items():
        for type, codes in types.items():
            assert codes == EVERY_TYPE.compartment(kind, type)
            for code in codes:
                parameter = EVERY_TYPE.parameter(type, code)
                assert parameter is not None
                assert parameter.refusal is None
                assert parameter.kind in ("reference", "token")
                assert code == "_id" or not parameter.targets or kind in parameter.targets


def test_a_type_outside_a_compartment_has_no_parameters() -> None:
    assert EVERY_TYPE.compartment("Patient", "Medication") == ()
    assert EVERY_TYPE.compartment("Organization", "Patient") == ()
