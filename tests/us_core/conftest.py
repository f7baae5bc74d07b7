"""The demonstration clinic on each database, with the few records beside it that a ketamine clinic does not make itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.app import create_app
from service.config import Settings
from service.demo.load import load
from service.records.context import Context
from tests.access import TESTS, admitted
from tests.databases import KINDS, Databases
from tests.us_core.beside import beside

FHIR = "application/fhir+json"


@dataclass(frozen=True)
class Clinic:
    """A service that holds the clinic. Bundles are read to their last page."""

    client: FlaskClient

    def search(self, type: str, /, **parameters: str) -> list[dict[str, Any]]:
        """Every resource that a search answers with, on all its pages."""
        return self._pages(self.client.get(f"/fhir/{type}", query_string=parameters))

    def post_search(self, type: str, /, **parameters: str) -> list[dict[str, Any]]:
        """The same by POST."""
        return self._pages(self.client.post(f"/fhir/{type}/_search", data=parameters))

    def _pages(self, answer: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            assert answer.status_code == 200, answer.text
            bundle = answer.json
            found += [entry["resource"] for entry in bundle.get("entry", ())]
            following = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
            if not following:
                return found
            answer = self.client.get(following[0].partition("8080")[2])


@pytest.fixture(scope="module", params=KINDS)
def clinic(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Clinic]:
    """The clinic, loaded once for the tests of a module."""
    with databases.fresh(request.param) as url:
        app = create_app(Settings(database_url=url, cursor_key="c" * 32))
        service = app.extensions["infusion_records"]
        load(Context(service, TESTS))
        client = admitted(app)
        patient = client.get("/fhir/Patient?identifier=KET-000201").json["entry"][0]["resource"]
        for resource in beside(f"Patient/{patient['id']}"):
            answer = client.post(f"/fhir/{resource['resourceType']}", json=resource, content_type=FHIR)
            assert answer.status_code == 201, answer.text
        yield Clinic(client)
        service.database.dispose()
