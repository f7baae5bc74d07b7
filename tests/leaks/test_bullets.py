"""Requirements that are one sentence each: what a letter of a scope is for, that each entry is judged, that nothing widens what is seen."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.errors import BadRequest
from service.records import clients, tokens
from service.records.clients import Registration
from service.search.query import EVERYTHING, NOTHING
from service.security import belonging
from service.security.access import Access
from service.security.caller import Caller
from service.security.grant import Grant
from tests.access import bearer
from tests.leaks.world import CATEGORY, World

FHIR = "application/fhir+json"
_numbers = count()
With = Callable[..., FlaskClient]


@pytest.fixture
def with_scopes(place: Any) -> With:
    """A test client whose token has these scopes."""
    world, others = place

    def made(scopes: str, seconds: int = 3600, patient: str | None = None) -> FlaskClient:
        name = f"bullets-{next(_numbers)}"
        clients.register(world.service, Registration(name, scopes))
        sender: FlaskClient = next(iter(others.values())).application.test_client()
        issued = tokens.issue(world.service, name, seconds=seconds, patient=patient)
        sender.environ_base["HTTP_AUTHORIZATION"] = bearer(issued.text)["Authorization"]
        return sender

    return made


def _status(client: FlaskClient, method: str, path: str, **more: Any) -> int:
    return client.open(f"/fhir/{path}", method=method, headers={"Accept": FHIR}, **more).status_code


def _patient(id: str | None = None) -> dict[str, Any]:
    return {"resourceType": "Patient", **({"id": id} if id else {}), "name": [{"family": "New"}]}


def test_RS4_expiry_is_judged_when_a_token_is_used(with_scopes: With, world: World) -> None:
    client, service = with_scopes("system/Patient.rs", seconds=60), world.service
    text = client.environ_base["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
    now = service.clock()
    for passed, is_good in ((0, True), (59_000_000, True), (61_000_000, False)):
        known = tokens.caller(replace(service, clock=lambda at=now + passed: at), text)
        assert (known is not None) == is_good


@pytest.mark.parametrize(
    ("letter", "method", "path"),
    [
        ("r", "GET", "Patient/personA"),
        ("r", "GET", "Patient/personA/_history"),
        ("r", "GET", "Patient/personA/_history/1"),
        ("s", "GET", "Patient?_count=1"),
        ("s", "POST", "Patient/_search"),
        ("s", "GET", "Patient/_history"),
        ("s", "GET", "_history"),
        ("c", "POST", "Patient"),
        ("u", "PUT", "Patient/personA"),
        ("d", "DELETE", "Patient/nobody"),
    ],
)
def test_SC3_each_letter_is_for_its_interactions_and_no_other_will_do(with_scopes: With, letter: str, method: str, path: str) -> None:
    body: dict[str, Any] = {}
    if method in ("POST", "PUT") and "_search" not in path:
        body = {"json": _patient("personA" if method == "PUT" else None), "content_type": FHIR, "headers": {"If-Match": 'W/"99"'}}
    elif "_search" in path:
        body = {"data": "", "content_type": "application/x-www-form-urlencoded"}
    others = "".join(one for one in "cruds" if one != letter)
    headers = {"Accept": FHIR, **body.pop("headers", {})}
    mine, others_ = (
        with_scopes(f"system/Patient.{letters}").open(f"/fhir/{path}", method=method, headers=headers, **body).status_code
        for letters in (letter, others)
    )
    assert others_ == 403
    assert mine in (200, 201, 204, 412)


def test_SC4_and_RULE13_each_entry_of_a_batch_is_authorised(with_scopes: With) -> None:
    client = with_scopes("system/Patient.r")
    urls = (("GET", "Patient/personA"), ("GET", "Observation/vitalA"), ("GET", "Patient?_count=1"), ("DELETE", "Patient/personA"))
    entries = [{"request": {"method": method, "url": url}} for method, url in urls]
    answer = client.post("/fhir", json={"resourceType": "Bundle", "type": "batch", "entry": entries}, content_type=FHIR)
    assert [entry["response"]["status"][:3] for entry in answer.get_json()["entry"]] == ["200", "403", "403", "403"]
    whole = client.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries[:2]}, content_type=FHIR)
    assert whole.status_code == 403
    assert "ntry" not in whole.get_json()["issue"][0]["diagnostics"]


def _access(scopes: str, world: World, patients: tuple[str, ...] = ()) -> Access:
    service = world.service
    grant = Grant.of(service.identity.grammar.scopes(scopes))
    return Access(Caller("c", grant, patients=patients), belonging.load(service.settings.base_url))


def test_RULE1_what_is_visible_is_the_union_of_the_scopes_and_nothing_without_one(world: World) -> None:
    one, other = f"system/Observation.rs?category={CATEGORY}|laboratory", f"system/Observation.rs?category={CATEGORY}|vital-signs"
    lab, vital, both = (_access(scopes, world) for scopes in (one, other, f"{one} {other}"))
    for access, seen in ((lab, {"laboratory"}), (vital, {"vital-signs"}), (both, {"laboratory", "vital-signs"})):
        trees = {
            code: {"resourceType": "Observation", "category": [{"coding": [{"system": CATEGORY, "code": code}]}]} for code in seen | {"x"}
        }
        assert {code for code, tree in trees.items() if access.sees("r", "Observation", tree)} == seen
    assert both.of("r", "Observation") not in (EVERYTHING, NOTHING)
    assert _access(f"{one} system/*.rs", world).of("r", "Observation") == EVERYTHING
    assert lab.of("u", "Observation") == lab.of("r", "Patient") == NOTHING
    assert _access("patient/*.rs", world).of("r", "Observation") == NOTHING


@pytest.mark.parametrize("id", ["personA", "personB", "never"])
def test_RULE2_without_the_letter_every_id_is_refused_alike(with_scopes: With, id: str) -> None:
    client = with_scopes("system/Observation.rs")
    answer = client.get(f"/fhir/Patient/{id}", headers={"Accept": FHIR})
    assert answer.status_code == 403
    assert id not in answer.text
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    "view", ["_elements=subject,category", "_summary=true", "_summary=text", "_summary=data", "_elements=*", "_format=json&_pretty=true"]
)
def test_RULE17_what_is_shown_of_a_resource_does_not_widen_what_is_seen(with_scopes: With, view: str) -> None:
    client = with_scopes(f"system/Observation.rs?category={CATEGORY}|vital-signs")
    answer = client.get(f"/fhir/Observation?{view}&_count=100", headers={"Accept": FHIR})
    if answer.status_code == 200:
        assert {entry["resource"]["id"] for entry in answer.get_json()["entry"] if entry["search"]["mode"] == "match"} == {
            "vitalA",
            "vitalB",
            "moved",
        }
    assert "labA" not in answer.text
    assert _status(client, "GET", f"Observation/labA?{view}") in (400, 404)


def test_RULE19_a_refusal_says_the_same_of_what_is_hidden_and_of_what_never_was(with_scopes: With) -> None:
    client = with_scopes("patient/*.cruds", patient="personA")
    for method, path in (
        ("GET", "Observation/{}"),
        ("GET", "Observation/{}/_history/1"),
        ("DELETE", "Observation/{}"),
        ("GET", "Encounter/{}/$everything"),
    ):
        told = []
        for id in ("labB", "never"):
            answer = client.open("/fhir/" + path.format(id), method=method, headers={"Accept": FHIR})
            told.append((answer.status_code, answer.text.replace(id, "ID"), sorted(answer.headers.keys())))
        assert told[0] == told[1]


@pytest.mark.parametrize(
    "scope",
    [
        *("system:Patient.read", "Patient/*.rs", "system/*.RS", "system/*.rs\u00a0", "system/Patient%2ers", "system/Patient.rs?category"),
        *("system/patient.rs", "system/Patient.sr", "system/Patient.", "system/Patient.rs?category=a|b", "system/*.rs?code=http://x|y"),
    ],
)
def test_leak_44_a_scope_that_is_not_understood_is_refused(world: World, scope: str) -> None:
    with pytest.raises(BadRequest):
        clients.register(world.service, Registration(f"odd-{next(_numbers)}", scope))
