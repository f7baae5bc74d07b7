"""`$cs-export`, from the question to the files that an inspector verifies."""

import json

from flask.testing import FlaskClient

from service.audit import verify_register
from tests.register_exports.made import Maker, asked, verified


def test_an_export_is_made_and_verifies(visit: FlaskClient, maker: Maker) -> None:
    id = asked(visit)
    waiting = visit.get(f"/exports/{id}")
    assert (waiting.status_code, waiting.headers["Retry-After"]) == (202, "5")
    assert waiting.headers["X-Progress"]
    maker.make()
    done = visit.get(f"/exports/{id}")
    assert done.status_code == 200
    assert done.content_type == "application/json"
    print(json.dumps(done.json, indent=1)[:6000], maker.find(id))
    print((maker.path(id) / "manifest.txt").read_text())
    print((maker.path(id) / "schedule-iii-v/ledger.ndjson").read_text()[:3000])
    print(verify_register.verify(maker.path(id)))
    assert verified(maker.path(id)) == 0
