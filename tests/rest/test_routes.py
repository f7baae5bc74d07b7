"""The URL grammar: https://hl7.org/fhir/R4/http.html#summary."""

import pytest

from service.errors import BadRequest, MethodNotAllowed, NotFound, ServiceError, Unprocessable
from service.fhir import definitions
from service.rest import routes

DEFINITIONS = definitions.load()


def match(method: str, url: str) -> routes.Match:
    return routes.match(DEFINITIONS, method, tuple(part for part in url.split("/") if part))


@pytest.mark.parametrize(
    ("method", "url", "interaction"),
    [
        ("GET", "metadata", "capabilities"),
        ("POST", "", "transaction"),
        ("GET", "", "search-system"),
        ("POST", "_search", "search-system"),
        ("GET", "_history", "history-system"),
        ("GET", "Patient", "search-type"),
        ("POST", "Patient/_search", "search-type"),
        ("POST", "Patient", "create"),
        ("PUT", "Patient", "update"),
        ("PATCH", "Patient", "patch"),
        ("DELETE", "Patient", "delete"),
        ("GET", "Patient/_history", "history-type"),
        ("GET", "Patient/a-1.B", "read"),
        ("HEAD", "Patient/a-1.B", "read"),
        ("PUT", "Patient/1", "update"),
        ("PATCH", "Patient/1", "patch"),
        ("DELETE", "Patient/1", "delete"),
        ("GET", "Patient/1/_history", "history-instance"),
        ("GET", "Patient/1/_history/2", "vread"),
    ],
)
def test_every_url_of_the_specification_names_its_interaction(method: str, url: str, interaction: str) -> None:
    assert match(method, url).route.interaction == interaction


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "Patient/1/2/3/4",
        "patient/1",
        "Patient/1/$nothing",
        "$nope",
        "Observation/1/$lastn",
        "Patient/_nope",
        "_history/2",
        "Patient/1/_history/2/3",
    ],
)
def test_a_path_of_no_interaction_is_not_found(url: str) -> None:
    with pytest.raises(NotFound):
        match("GET", url)


def test_an_unknown_type_is_not_found_and_the_known_ones_are_listed() -> None:
    with pytest.raises(NotFound, match=r"Did you mean Patient\?.*AdverseEvent, .*Observation, OperationDefinition, Organization"):
        match("GET", "Pateint/1")
    with pytest.raises(NotFound, match="a resource type of R4 that this server does not serve"):
        match("GET", "MolecularSequence/1")


def test_an_impossible_id_is_not_found_when_read_and_refused_when_written() -> None:
    with pytest.raises(NotFound, match="1 to 64 characters"):
        match("GET", "Patient/" + "a" * 65)
    with pytest.raises(BadRequest, match="1 to 64 characters"):
        match("PUT", "Patient/a!")


@pytest.mark.parametrize(
    ("method", "url", "allow"),
    [
        ("DELETE", "metadata", "GET, HEAD"),
        ("POST", "Patient/1", "DELETE, GET, HEAD, PATCH, PUT"),
        ("BREW", "Patient", "DELETE, GET, HEAD, PATCH, POST, PUT"),
        ("PUT", "Patient/1/_history/2", "GET, HEAD"),
        ("POST", "AuditEvent", "GET, HEAD"),
        ("PUT", "AuditEvent/1", "GET, HEAD"),
        ("DELETE", "", "GET, HEAD, POST"),
    ],
)
def test_a_verb_that_is_not_offered_is_answered_with_those_that_are(method: str, url: str, allow: str) -> None:
    with pytest.raises(MethodNotAllowed) as raised:
        match(method, url)
    assert raised.value.headers["Allow"] == allow


def test_subscriptions_are_not_supported_yet() -> None:
    with pytest.raises(Unprocessable) as raised:
        match("POST", "Subscription")
    assert raised.value.issues[0].code == "not-supported"


@pytest.mark.parametrize("segment", ["", "\x00", "..", "%2e", "\ud800", "é", "a" * 10_000, "$", "_"])
def test_hostile_segments_are_refused_without_failing(segment: str) -> None:
    for method in ("GET", "PUT", "POST"):
        for path in ((segment,), ("Patient", segment), ("Patient", segment, "_history", segment)):
            assert refusal(method, path) in (None, 400, 404, 405)


def refusal(method: str, path: tuple[str, ...]) -> int | None:
    try:
        routes.match(DEFINITIONS, method, path)
    except ServiceError as error:
        return error.status
    return None


@pytest.mark.parametrize(
    ("method", "url", "found"),
    [
        ("GET", "Patient/p/Observation", ("search-type", "Patient", "p", "Observation")),
        ("HEAD", "Patient/p/Observation", ("search-type", "Patient", "p", "Observation")),
        ("POST", "Encounter/e/Observation/_search", ("search-type", "Encounter", "e", "Observation")),
        ("GET", "Encounter/e/*", ("search-system", "Encounter", "e", None)),
        ("POST", "Encounter/e/*/_search", ("search-system", "Encounter", "e", None)),
    ],
)
def test_a_compartment_is_named_by_its_resource(method: str, url: str, found: tuple[str | None, ...]) -> None:
    matched = match(method, url)
    assert (matched.route.interaction, matched.kind, matched.id, matched.type) == found


def test_a_compartment_has_known_types_and_is_only_read() -> None:
    for url in ("Pateint/p/Observation", "Patient/p/Obs", "MolecularSequence/m/*"):
        with pytest.raises(NotFound, match="resource type of R4"):
            match("GET", url)
    for url in ("Patient/p/Observation", "Patient/p/*"):
        with pytest.raises(MethodNotAllowed, match="Offered: GET, HEAD"):
            match("POST", url)


@pytest.mark.parametrize(
    ("method", "url", "type", "operation"),
    [
        ("GET", "$meta", None, "meta"),
        ("GET", "Patient/$meta", "Patient", "meta"),
        ("POST", "Patient/1/_history/2/$meta", "Patient", "meta"),
        ("POST", "Patient/1/$meta-add", "Patient", "meta-add"),
        ("GET", "Observation/$lastn", "Observation", "lastn"),
        ("HEAD", "Encounter/1/$everything", "Encounter", "everything"),
    ],
)
def test_operations_have_routes(method: str, url: str, type: str | None, operation: str) -> None:
    found = match(method, url)
    assert (found.type, found.route.interaction, found.route.operation) == (type, "operation", operation)


def test_an_unknown_operation_is_answered_with_those_that_are() -> None:
    with pytest.raises(NotFound, match=r"no operation '\$nope' here\. There is: \$everything, \$meta, .*, \$validate\."):
        match("GET", "Patient/1/$nope")
    with pytest.raises(NotFound, match=r"There is: \$lastn, \$meta, \$stats, \$validate\."):
        match("POST", "Observation/$everything")
    with pytest.raises(NotFound, match=r"There are: .*/\$meta, /CodeSystem/\$lookup"):
        match("GET", "Patient/1/2/3/4/5/$meta")
    with pytest.raises(MethodNotAllowed):
        match("GET", "Patient/1/$meta-add")
    with pytest.raises(MethodNotAllowed):
        match("POST", "AuditEvent/1/$meta-add")
    with pytest.raises(NotFound, match="Did you mean Patient"):
        match("GET", "Pateint/$meta")
