"""`:below` and `:above` on references: https://hl7.org/fhir/R4/search.html#reference."""

import pytest

from service.errors import BadRequest
from service.search import hierarchy
from service.search.query import Chain, Match, Target
from service.search.types import reference
from tests.search.clinic import Clinic, Json
from tests.search.looked_up import found

PLACES = {"clinic": None, "floor": "clinic", "room": "floor", "chair": "room", "elsewhere": None}


def location(id: str, within: str | None) -> Json:
    """A place."""
    return {"resourceType": "Location", "id": id, **({"partOf": {"reference": f"Location/{within}"}} if within else {})}


def procedure(id: str, place: str) -> Json:
    """Something done there."""
    return {"resourceType": "Procedure", "id": id, "status": "completed", "location": {"reference": f"Location/{place}"}}


def asked(parameter: str, modifier: str, *targets: Target) -> Match:
    """`parameter:modifier=...`"""
    return Match(parameter, targets, modifier)


@pytest.fixture
def house(clinic: Clinic) -> Clinic:
    """A clinic with floors and rooms, and one procedure in each."""
    clinic.put(*(location(id, within) for id, within in PLACES.items()), *(procedure(f"in-{place}", place) for place in PLACES))
    return clinic


@pytest.mark.parametrize(
    ("modifier", "place", "places"),
    [
        ("below", "clinic", ["chair", "clinic", "floor", "room"]),
        ("below", "room", ["chair", "room"]),
        ("below", "elsewhere", ["elsewhere"]),
        ("below", "nowhere", []),
        ("above", "chair", ["chair", "clinic", "floor", "room"]),
        ("above", "floor", ["clinic", "floor"]),
        ("above", "clinic", ["clinic"]),
    ],
)
def test_places_below_and_above(house: Clinic, modifier: str, place: str, places: list[str]) -> None:
    assert found(house, "Procedure", asked("location", modifier, Target(place, "Location"))) == [f"in-{one}" for one in places]


def test_the_hierarchy_itself(house: Clinic) -> None:
    assert found(house, "Location", asked("partof", "below", Target("clinic", "Location"))) == ["chair", "floor", "room"]
    assert found(house, "Location", asked("partof", "above", Target("room", "Location"))) == ["chair", "floor", "room"]


def test_several_are_united(house: Clinic) -> None:
    both = asked("location", "below", Target("room", "Location"), Target("elsewhere", "Location"))
    assert found(house, "Procedure", both) == ["in-chair", "in-elsewhere", "in-room"]


def test_within_a_chain(house: Clinic) -> None:
    house.put({"resourceType": "Observation", "id": "o", "status": "final", "partOf": [{"reference": "Procedure/in-chair"}]})
    below = asked("location", "below", Target("clinic", "Location"))
    assert found(house, "Observation", Chain("part-of", (("Procedure", below),), "Procedure")) == ["o"]


def test_a_circle_ends(clinic: Clinic) -> None:
    clinic.put(location("a", "c"), location("b", "a"), location("c", "b"), location("self", "self"), procedure("p", "b"))
    assert found(clinic, "Procedure", asked("location", "below", Target("c", "Location"))) == ["p"]
    assert found(clinic, "Procedure", asked("location", "above", Target("c", "Location"))) == ["p"]
    assert found(clinic, "Location", asked("partof", "below", Target("self", "Location"))) == ["self"]


def test_a_reference_to_one_version_is_one_to_the_resource(clinic: Clinic) -> None:
    clinic.put(
        location("top", None),
        {**location("low", None), "partOf": {"reference": "Location/top/_history/1"}},
        procedure("p", "low"),
        procedure("q", "top"),
    )
    assert found(clinic, "Procedure", asked("location", "below", Target("top", "Location"))) == ["p", "q"]
    assert found(clinic, "Procedure", asked("location", "above", Target("low", "Location"))) == ["p", "q"]


def test_what_is_deleted_or_moved_leads_nowhere(house: Clinic) -> None:
    (attic,) = house.put(location("attic", "clinic"))
    house.put(procedure("in-attic", "attic"))
    below = asked("location", "below", Target("clinic", "Location"))
    assert "in-attic" in found(house, "Procedure", below)
    house.remove(attic)
    assert "in-attic" not in found(house, "Procedure", below)


def test_the_type_is_found_when_only_one_has_a_hierarchy(house: Clinic) -> None:
    house.put(
        {"resourceType": "Organization", "id": "group"},
        {"resourceType": "Organization", "id": "branch", "partOf": {"reference": "Organization/group"}},
    )
    house.put({"resourceType": "Patient", "id": "ada", "generalPractitioner": [{"reference": "Organization/branch"}]})
    assert found(house, "Patient", asked("general-practitioner", "below", Target("group"))) == ["ada"]


@pytest.mark.parametrize(
    ("type", "clause", "code", "text"),
    [
        ("Observation", asked("subject", "below", Target("ada", "Patient")), "not-supported", "Patient has no hierarchy"),
        ("Observation", asked("patient", "above", Target("ada", "Patient")), "not-supported", "Leave the modifier out"),
        ("Observation", asked("subject", "below", Target("a", "Group")), "not-supported", "these have one: Location"),
        ("Provenance", asked("target", "below", Target("x")), "invalid", "needs the type"),
        ("Procedure", asked("location", "below", Target("a", "Location", "1")), "invalid", "not for one version"),
        ("Procedure", asked("location", "below", Target(url="http://x/Location/1")), "invalid", "Name one as Type/id"),
        ("QuestionnaireResponse", asked("questionnaire", "above", Target(url="http://x/q|1")), "not-supported", "':below'"),
    ],
)
def test_where_there_is_no_hierarchy(clinic: Clinic, type: str, clause: Match, code: str, text: str) -> None:
    with pytest.raises(BadRequest) as error:
        found(clinic, type, clause)
    (issue,) = error.value.issues
    assert (issue.code, issue.expression) == (code, f"http.{clause.parameter}:{clause.modifier}")
    assert text in issue.diagnostics


def test_versions_of_a_canonical_url(clinic: Clinic) -> None:
    versions = ["", "|1", "|1.0", "|1.2.3", "|1-draft", "|10", "|2.0"]
    for number, version in enumerate(versions):
        tree = {
            "resourceType": "QuestionnaireResponse",
            "id": f"r{number}",
            "status": "completed",
            "questionnaire": f"http://x.example/q{version}",
        }
        clinic.put(tree)

    def below(url: str) -> list[str]:
        return found(clinic, "QuestionnaireResponse", asked("questionnaire", "below", Target(url=url)))

    assert below("http://x.example/q|1") == ["r1", "r2", "r3", "r4"]
    assert below("http://x.example/q|1.2") == ["r3"]
    assert below("http://x.example/q|3") == []
    assert below("http://x.example/q") == [f"r{number}" for number in range(len(versions))]


def test_a_canonical_url_of_a_resource_here(clinic: Clinic) -> None:
    url = "http://clinic.example/fhir/Questionnaire/q"
    for id, version in {"any": "", "one": "|1.1", "two": "|2"}.items():
        clinic.put({"resourceType": "QuestionnaireResponse", "id": id, "status": "completed", "questionnaire": url + version})
    for text, ids in {url: ["any", "one", "two"], f"{url}|1": ["one"]}.items():
        parameter = clinic.registry.parameter("QuestionnaireResponse", "questionnaire")
        assert parameter is not None
        target = reference.parse(text, "below", parameter, clinic.registry.reading)
        assert found(clinic, "QuestionnaireResponse", asked("questionnaire", "below", target)) == ids


def test_a_hierarchy_that_is_too_large(house: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hierarchy, "MOST_RESOURCES", 3)
    with pytest.raises(BadRequest) as error:
        found(house, "Procedure", asked("location", "below", Target("clinic", "Location")))
    assert error.value.issues[0].code == "too-costly"
