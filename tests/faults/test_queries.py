"""Hostile query strings: every one is answered or refused with a reason, none is a 5xx.

Each search parameter of several types meets about 150 hostile values and 20 modifiers. In `make test` each pair of them is drawn by
a fixed rule, about one in thirty; nightly sends them all.
"""

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from service.records.context import Service
from service.web.fhir import HEADERS
from tests.faults.hostile import MODIFIERS, RESULT_PARAMETERS, TEXTS
from tests.faults.target import RULES, Target, require_sane

TYPES = ("Patient", "Observation", "Encounter", "MedicationAdministration", "ValueSet", "RiskAssessment")
ONE_IN = 31

Pair = tuple[str, str]


def _questions(service: Service, type: str) -> Iterator[tuple[str, Pair]]:
    """(route, name and value): what may stand in the query string of a search or a history."""
    names = [*service.registry.for_type(type), *RESULT_PARAMETERS]
    for name in names:
        for text in TEXTS:
            yield f"/fhir/{type}", (name, text)
        for modifier in MODIFIERS:
            yield f"/fhir/{type}", (f"{name}:{modifier}", "a")
            yield f"/fhir/{type}", (f"{name}.{modifier}", "a")
    for text in TEXTS:
        yield f"/fhir/{type}", (text, "a")
        for name in ("_since", "_at", "_count", "_cursor", "_sort"):
            yield f"/fhir/{type}/_history", (name, text)


def _encoded(pair: Pair) -> str:
    return "=".join(quote(part, safe="", errors="surrogatepass") for part in pair)


def _ask(client: FlaskClient, route: str, pair: Pair) -> None:
    answer = client.get(f"{route}?{_encoded(pair)}")
    assert answer.status_code < 500 or answer.status_code == 503, (route, pair, answer.text[:300])
    if answer.status_code >= 400:
        issue = answer.get_json(force=True)["issue"][0]
        assert issue["diagnostics"], (route, pair)
        assert issue["details"]["coding"][0]["system"] == RULES, (route, pair)


def _fill(client: FlaskClient) -> None:
    for tree in (
        {
            "resourceType": "Patient",
            "name": [{"family": "Ünal"}],
            "birthDate": "1970",
            "identifier": [{"system": "http://a.example", "value": "a|b"}],
        },
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "x"},
            "effectiveDateTime": "9999-12-31",
            "valueQuantity": {"value": 5},
        },
        {"resourceType": "RiskAssessment", "status": "final", "subject": {"display": "x"}, "prediction": [{"probabilityDecimal": 1e-9}]},
        {"resourceType": "ValueSet", "status": "active", "url": "http://a.example/vs", "version": "1"},
    ):
        assert client.post(f"/fhir/{tree['resourceType']}", json=tree, content_type="application/fhir+json").status_code == 201


@pytest.mark.parametrize("type", TYPES)
def test_some_hostile_searches(app, client: FlaskClient, type: str) -> None:
    _fill(client)
    for number, (route, pair) in enumerate(_questions(app.extensions["infusion_records"], type)):
        if number % ONE_IN == len(type) % ONE_IN:
            _ask(client, route, pair)


@pytest.mark.nightly
@pytest.mark.parametrize("type", TYPES)
def test_all_hostile_searches(app, client: FlaskClient, type: str) -> None:
    _fill(client)
    for route, pair in _questions(app.extensions["infusion_records"], type):
        _ask(client, route, pair)


@pytest.mark.parametrize("handling", ["strict", "lenient"])
def test_hostile_names_and_values_together(client: FlaskClient, handling: str) -> None:
    for number, text in enumerate(TEXTS):
        query = "&".join(_encoded(pair) for pair in (("name", text), (text, "a"), ("_count", text), ("_sort", TEXTS[number - 1])))
        answer = client.get(f"/fhir/Patient?{query}", headers={"Prefer": f"handling={handling}"})
        assert answer.status_code < 500, (text, answer.text[:300])
        form = client.post("/fhir/Patient/_search", data=query, content_type="application/x-www-form-urlencoded")
        assert form.status_code < 500, (text, form.text[:300])


@pytest.mark.parametrize(
    "query",
    [
        "name",
        "=",
        "=a",
        "&",
        "&&&",
        "a=b=c",
        "name=%",
        "name=%f",
        "name=%ff",
        "name=%ed%a0%80",
        "name=%00",
        "%00=a",
        "name=a;b=c",
        "?name=a",
        "name=" + "a" * 7000,
        "&".join(["name=a"] * 61),
        "&".join(["name=a"] * 1000),
        "_count=0",
        "_count=-1",
        "_count=99999999999999999999",
        "_count=1&_count=2",
        "_sort=" + ",".join(["name"] * 500),
        "_sort=-",
        "_sort=--name",
        "_include=*",
        "_include=Patient:*:*",
        "_include=" + ":" * 500,
        "_include:iterate=*",
        "_revinclude=*",
        "_has:Observation:patient:code=a",
        "_has:" + "a:" * 500 + "b=c",
        "subject.name=a",
        "general-practitioner.name.family=a",
        "a." * 500 + "b=c",
        "organization.partof.partof.partof.partof.name=a",
        "_summary=true&_summary=count",
        "_elements=" + "a," * 2000,
        "_elements=.",
        "_total=x",
        "_format=xml",
        "_format=",
        "_format=json&_format=xml",
        "_pretty=x",
        "_cursor=a",
        "_cursor=" + "A" * 5000,
        "_cursor=%00",
        "_lastUpdated=ge9999",
        "_lastUpdated=ap0001",
        "_id=" + ",".join(["a"] * 301),
        "_id=a%2Cb",
    ],
)
def test_hostile_query_strings_over_http(target: Target, query: str) -> None:
    require_sane(target.send("GET", f"/Patient?{query}"))
    answer = target.send("GET", f"/?{query}")
    assert answer.status_code < 500
    require_sane(target.send("POST", "/Patient/_search", query, Content_Type="application/x-www-form-urlencoded"))
    require_sane(target.send("GET", f"/Patient/_history?{query}"))
    require_sane(target.send("DELETE", f"/Patient?{query}&identifier=nobody"))
    require_sane(target.send("POST", "/Patient", {"resourceType": "Patient"}, If_None_Exist=f"{query}&identifier=nobody"))


PATHS = [
    "//",
    "/Patient//a",
    "/Patient/../Patient",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/Patient/%2e%2e",
    "/Patient/..%2f..%2fetc%2fpasswd",
    "/Patient/%00",
    "/Patient/a%00b",
    "/Patient/%ff",
    "/Patient/%ed%a0%80",
    "/Patient/" + "a" * 65,
    "/Patient/" + "a" * 8000,
    "/Patient/a%20b",
    "/Patient/a%2Fb",
    "/Patient/é",
    "/Patient/a/b",
    "/Patient/a/_history",
    "/Patient/a/_history/",
    "/Patient/a/_history/0",
    "/Patient/a/_history/-1",
    "/Patient/a/_history/1.5",
    "/Patient/a/_history/01",
    "/Patient/a/_history/x",
    "/Patient/a/_history/99999999999",
    "/Patient/a/_history/" + "9" * 100,
    "/Patient/a/_history/" + "9" * 5000,
    "/Patient/a/_history/1/2",
    "/Patient/_history/1",
    "/patient/a",
    "/Shoe",
    "/Shoe/a",
    "/DomainResource",
    "/Subscription",
    "/Patient/$everything",
    "/$",
    "/Patient/$",
    "/Patient/_search/x",
    "/_history/1",
    "/metadata/x",
    "/Patient;a=b",
    "/Patient/a;b",
    "/Patient/a#b",
    "/" + "a/" * 2000,
    "/Patient/'%3B%20DROP%20TABLE%20resource",
    "/Patient/*",
    "/Patient/a.",
    "/Patient/.",
    "/Patient/-",
]


@pytest.mark.parametrize("path", PATHS)
def test_hostile_paths(target: Target, path: str) -> None:
    for method in ("GET", "HEAD", "DELETE", "PUT", "PATCH", "POST", "OPTIONS", "TRACE", "BREW"):
        body = {"resourceType": "Patient", "id": "a"} if method in ("PUT", "PATCH", "POST") else None
        answer = target.send(method, path, body)
        assert answer.status_code < 500, (method, path, answer.text[:200])
        if (
            answer.status_code >= 400
            and method != "HEAD"
            and answer.headers.get("Server") == "gunicorn"
            and "text/html" not in answer.headers["Content-Type"]
        ):
            require_sane(answer)
        assert HEADERS["X-Content-Type-Options"] == answer.headers.get("X-Content-Type-Options", "nosniff")
