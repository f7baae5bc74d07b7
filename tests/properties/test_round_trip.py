"""What goes in comes out: every token of a resource keeps its characters and its place, whichever way it is read."""

import json
from collections.abc import Iterator

import msgspec
import pytest
from flask.testing import FlaskClient
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.app import create_app
from service.config import Settings
from tests.access import admitted
from tests.databases import KINDS, Databases
from tests.properties.raw_json import DATES, SPACES, Elements, Members, decimals, render, shuffled, strings

_EXAMPLES = 30
_JSON = "application/fhir+json"
_SERVER = ("id", "meta")


@pytest.fixture(scope="module", params=KINDS)
def http(request: pytest.FixtureRequest, databases: Databases) -> Iterator[FlaskClient]:
    """The application on one database for all examples."""
    with databases.fresh(request.param) as url:
        app = create_app(Settings(database_url=url, cursor_key="c" * 32))
        yield admitted(app)
        app.extensions["infusion_records"].database.dispose()


def _component(value: st.SearchStrategy[str]) -> st.SearchStrategy[Members]:
    return shuffled(code=shuffled(text=strings()), valueQuantity=shuffled(value=value, unit=strings()))


OBSERVATIONS = shuffled(
    resourceType='"Observation"',
    status='"final"',
    code=shuffled(text=strings()),
    effectiveDateTime=DATES,
    valueQuantity=shuffled(value=decimals(), unit=strings(), system='"http://unitsofmeasure.org"', code='"mg"'),
    note=shuffled(text=strings()).map(lambda one: Elements((one,))),
    component=st.lists(_component(decimals()), min_size=1, max_size=2).map(lambda some: Elements(tuple(some))),
    extension=shuffled(url='"https://clinic.example/weight"', valueDecimal=decimals()).map(lambda one: Elements((one,))),
)


def _plain(value: str) -> Members:
    quantity = Members((("value", value), ("unit", '"mg"')))
    return Members(
        (("status", '"final"'), ("resourceType", '"Observation"'), ("code", Members((("text", '"x"'),))), ("valueQuantity", quantity))
    )


@example(resource=_plain("1.10"), space="")
@example(resource=_plain("1E2"), space=" ")
@example(resource=_plain("0.000"), space="\n")
@example(resource=_plain("-0.0"), space="")
@example(resource=_plain("0.1000000000000000055"), space="")
@example(resource=_plain("12345678901234567890.123456789"), space="\t")
@given(resource=OBSERVATIONS, space=SPACES)
@settings(max_examples=_EXAMPLES, deadline=None)
def test_every_token_survives(http: FlaskClient, resource: Members, space: str) -> None:
    """Create, read, vread, search, history and a transaction Bundle: the same characters in the same order."""
    expected = [(name, render(value)) for name, value in resource.pairs]
    created = http.post("/fhir/Observation", data=render(resource, space).encode(), content_type=_JSON)
    assert created.status_code == 201, created.text
    assert _members(created.data) == expected
    id = json.loads(created.data)["id"]
    assert _members(http.get(f"/fhir/Observation/{id}").data) == expected
    assert _members(http.get(f"/fhir/Observation/{id}/_history/1").data) == expected
    for path in (f"/fhir/Observation?_id={id}", f"/fhir/Observation/{id}/_history"):
        assert _members(_first(http.get(path).data)) == expected
    posted = http.post("/fhir", data=_transaction(resource, space), content_type=_JSON, headers={"Prefer": "return=representation"})
    assert posted.status_code == 200, posted.text
    assert _members(_first(posted.data)) == expected


@given(first=OBSERVATIONS, second=OBSERVATIONS)
@settings(max_examples=_EXAMPLES // 4, deadline=None)
def test_an_update_replaces_every_token(http: FlaskClient, first: Members, second: Members) -> None:
    """After a PUT the new characters are there and the old ones are in the old version."""
    id = json.loads(http.post("/fhir/Observation", data=render(first).encode(), content_type=_JSON).data)["id"]
    body = Members((*second.pairs, ("id", json.dumps(id))))
    put = http.put(f"/fhir/Observation/{id}", data=render(body).encode(), content_type=_JSON)
    assert put.status_code == 200, put.text
    assert _members(http.get(f"/fhir/Observation/{id}").data) == [(name, render(value)) for name, value in second.pairs]
    assert _members(http.get(f"/fhir/Observation/{id}/_history/1").data) == [(name, render(value)) for name, value in first.pairs]


def _members(raw: bytes) -> list[tuple[str, str]]:
    """The members of a JSON object as characters, without what the server sets."""
    found = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    return [(name, bytes(value).decode()) for name, value in found.items() if name not in _SERVER]


def _first(bundle: bytes) -> bytes:
    entries = msgspec.json.decode(msgspec.json.decode(bundle, type=dict[str, msgspec.Raw])["entry"], type=list[dict[str, msgspec.Raw]])
    return bytes(entries[0]["resource"])


def _transaction(resource: Members, space: str) -> bytes:
    request = Members((("method", '"POST"'), ("url", '"Observation"')))
    entry = Members((("resource", resource), ("request", request)))
    return render(Members((("resourceType", '"Bundle"'), ("type", '"transaction"'), ("entry", Elements((entry,))))), space).encode()
