"""The clinic's definitions in the database: installed once, kept up, read like other resources, and nobody's but the service's."""

import json
from collections.abc import Iterator
from dataclasses import replace
from threading import Barrier, Thread

import pytest

from service import wiring
from service.config import Settings
from service.errors import Conflict, ServiceError, Unprocessable
from service.fhir import guide
from service.fhir.document import Document
from service.records import installation, read
from service.records.change import Update
from service.records.commit import commit
from service.records.context import Context, Service
from service.records.find import find
from service.search import adoption
from tests.access import TESTS
from tests.databases import KINDS, Databases
from tests.records.samples import create, delete, one, patch, tree, update

PARAMETER = {
    "resourceType": "SearchParameter",
    "id": "Flag-status",
    "url": "https://clinic.example/fhir/SearchParameter/Flag-status",
    "name": "X",
    "status": "active",
    "description": "d",
    "code": "status",
    "base": ["Flag"],
    "type": "token",
    "expression": "Flag.status",
}
ADDRESS = "SearchParameter/Flag-status"


@pytest.fixture(scope="module", params=KINDS)
def installed(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Context]:
    """A record with the clinic's definitions; the tests share it and leave them as they are."""
    with databases.fresh(request.param) as url:
        service = wiring.service(Settings(database_url=url, cursor_key="c" * 32))
        ctx = Context(service, TESTS)
        assert installation.install(ctx) == len(_shipped(service)) > 0
        yield ctx
        service.database.dispose()


def _shipped(service: Service) -> list[tuple[str, str]]:
    return [(one["resourceType"], one["id"]) for one in guide.artifacts(service.library)]


def _update(ctx: Context, **members: object) -> Update:
    """An update of the installed search parameter."""
    stored = json.loads(read.read(ctx, *ADDRESS.split("/")).text)
    return update({**stored, **members})


def test_each_definition_is_a_resource_under_its_id(installed: Context) -> None:
    for type, id in _shipped(installed.service):
        stored = json.loads(read.read(installed, type, id).text)
        assert stored["url"] == f"https://clinic.example/fhir/{type}/{id}"
        assert stored["meta"]["versionId"] == "1"


def test_a_definition_is_found_by_its_url(installed: Context) -> None:
    _, page = find(installed, "SearchParameter", (("url", PARAMETER["url"]),), lenient=False)
    assert [match.id for match in page.matches] == ["Flag-status"]


def test_nothing_is_written_twice(installed: Context) -> None:
    assert installation.install(installed) == 0
    assert installation.advice(installed.service) == ""


def test_its_search_parameters_are_those_that_are_searched_already(installed: Context) -> None:
    registry = installed.service.registry
    assert registry.proposed.refused() == []
    assert registry.awaited() == {}
    assert adoption.prepare(installed.service.registries) == []
    assert registry.parameter("Flag", "status") is not None


def test_a_definition_that_differs_gets_a_new_version(ctx: Context) -> None:
    installation.install(ctx)
    _commit_as_installation(ctx, _update(ctx, description="Of an earlier release."))
    assert "db upgrade" in installation.advice(ctx.service)
    assert installation.install(ctx) == 1
    assert read.read(ctx, *ADDRESS.split("/")).version == 3
    assert installation.advice(ctx.service) == ""


def test_a_definition_that_was_deleted_comes_back(ctx: Context) -> None:
    installation.install(ctx)
    commit(replace(ctx, installs=True), [delete(f"ImplementationGuide/{guide.ID}")])
    assert "db upgrade" in installation.advice(ctx.service)
    assert installation.install(ctx) == 1


def test_an_empty_database_is_told(ctx: Context) -> None:
    watch = installation.Watch(ctx.service)
    assert "db upgrade" in watch.advice()
    installation.install(ctx)
    assert watch.advice() == ""


def test_several_processes_install_at_once(ctx: Context) -> None:
    counts, barrier = [], Barrier(3)

    def run() -> None:
        barrier.wait(60)
        counts.append(installation.install(ctx))

    threads = [Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counts) == [0, 0, len(_shipped(ctx.service))]
    assert read.read(ctx, *ADDRESS.split("/")).version == 1


def _commit_as_installation(ctx: Context, change: Update) -> None:
    commit(replace(ctx, installs=True), [change])


def _refusal(ctx: Context, change: object, kind: type[ServiceError] = Unprocessable) -> str:
    with pytest.raises(kind) as caught:
        one(ctx, change)  # type: ignore[arg-type]
    (issue,) = caught.value.issues
    assert (issue.rule, issue.entry) == ("clinic-definition", 0)
    assert "under a URL and an id of your own" in issue.diagnostics
    return str(issue.expression)


def test_no_client_may_change_one(installed: Context) -> None:
    assert _refusal(installed, _update(installed, description="Mine.")) == "SearchParameter.id"
    assert _refusal(installed, patch(ADDRESS, {"op": "replace", "path": "/status", "value": "retired"})) == "SearchParameter.id"
    assert _refusal(installed, _update(installed, url="https://else.example/x")) == "SearchParameter.id"


def test_no_client_may_delete_one(installed: Context) -> None:
    assert _refusal(installed, delete(ADDRESS), Conflict) == "SearchParameter.id"


@pytest.mark.parametrize("suffix", ["", "|2.0"])
def test_no_client_may_make_another_of_the_same_url(ctx: Context, suffix: str) -> None:
    other = {**PARAMETER, "url": PARAMETER["url"] + suffix}
    assert _refusal(ctx, create(other)) == "SearchParameter.url"
    assert _refusal(ctx, update({**other, "id": "mine"})) == "SearchParameter.url"


def test_no_client_may_take_its_place_before_it_is_installed(ctx: Context) -> None:
    assert _refusal(ctx, update({**PARAMETER, "url": "https://else.example/x"})) == "SearchParameter.id"


def test_to_write_what_is_there_changes_nothing_and_is_let_through(installed: Context) -> None:
    document = Document.of(json.loads(read.read(installed, *ADDRESS.split("/")).text))
    done = one(installed, Update("SearchParameter", "Flag-status", document))
    assert (done.outcome, done.version) == ("unchanged", 1)


def test_the_same_id_of_another_type_and_a_url_of_ones_own_are_free(ctx: Context) -> None:
    mine = {**PARAMETER, "id": "mine", "url": "https://else.example/fhir/SearchParameter/Flag-status", "code": "state"}
    assert one(ctx, update(mine)).outcome == "created"
    assert tree(one(ctx, update({"resourceType": "Basic", "id": "Flag-status", "code": {"text": "x"}})))["id"] == "Flag-status"
