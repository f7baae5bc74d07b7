"""Exports made in a test: asked for, worked on, read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from service.audit import verify_register
from service.bulk.register_export import reports
from service.bulk.register_export.work import Exports
from service.records.context import Service
from service.records.register.exports import Export
from service.storage import register_exports
from tests.sequencing.trails import SIGNER, Worker

ASYNC = {"Prefer": "respond-async"}


def asked(client: FlaskClient, query: str = "?start=2026-01-01") -> str:
    """Asks for an export: its id."""
    answer = client.get(f"/fhir/$cs-export{query}", headers=ASYNC)
    assert answer.status_code == 202, answer.json
    return answer.headers["Content-Location"].rpartition("/")[2]


@dataclass(slots=True)
class Maker:
    """The worker's part: it signs the log, and makes what waits."""

    service: Service

    def exports(self, **values: Any) -> Exports:
        """The job of a worker."""
        return Exports(self.service, SIGNER, values.pop("reports", reports.write), **values)

    def make(self, signs: bool = True, **values: Any) -> None:
        """Make everything that waits; with `signs` the log is signed before."""
        if signs:
            Worker(self.service.database).sign()
        job = self.exports(**values)
        assert job._taken()
        job.make()
        job._release()

    def find(self, id: str) -> Export:
        """How an export stands."""
        with self.service.database.glance() as tx:
            found = register_exports.find(tx, id)
        assert found
        return found

    def path(self, id: str) -> Path:
        """Where its files lie."""
        return Path(self.service.settings.register_exports) / id


def verified(folder: Path) -> int:
    """The exit code of the verifier."""
    code, message = verify_register.verify(folder)
    assert message
    return code
