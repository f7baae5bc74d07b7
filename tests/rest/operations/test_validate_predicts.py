"""`$validate` with a mode says before what the write says: of every valid example of the profiles, and of a share of the others."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.rest.made import FHIR

EXAMPLES = Path(__file__).parents[3] / "fhir_profiles/examples"
VALID = sorted((EXAMPLES / "valid").glob("*.json"))
INVALID = sorted((EXAMPLES / "invalid").glob("*.json"))[::7]


def _errors(answer: TestResponse) -> set[tuple[str, str | None]]:
    """The rule and the element of each error."""
    issues = answer.json["issue"] if answer.json["resourceType"] == "OperationOutcome" else []
    return {
        (one["details"]["coding"][0]["code"], next(iter(one.get("expression", ())), None)) for one in issues if one["severity"] == "error"
    }


def _send(clinic: FlaskClient, method: str, url: str, tree: dict[str, Any]) -> TestResponse:
    return clinic.open(f"/fhir/{url}", method=method, data=json.dumps(tree), content_type=FHIR)


@pytest.mark.parametrize("way", ["create", "update"])
@pytest.mark.parametrize("share", [VALID, INVALID], ids=["valid", "invalid"])
def test_examples(clinic: FlaskClient, share: list[Path], way: str) -> None:
    assert len(share) > 40
    refused = 0
    for path in share:
        tree = json.loads(path.read_text())
        type, id = tree["resourceType"], f"{tree['id']}-x"
        written = {**tree, "id": id}
        url, method = (type, "POST") if way == "create" else (f"{type}/{id}", "PUT")
        told = _send(clinic, "POST", f"{url}/$validate?mode={way}", written)
        assert told.status_code == 200, (path.name, told.text)
        done = _send(clinic, method, url, written)
        accepted = done.status_code in (200, 201)
        assert accepted is not bool(_errors(told)), (path.name, told.text, done.text)
        assert _errors(done) <= _errors(told), path.name
        refused += not accepted
    assert refused < len(share) if share is VALID else refused == len(share)
