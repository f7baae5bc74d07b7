"""`$cs-export`, from the question to the files that an inspector verifies."""

import csv
import json
import stat
import subprocess
import sys
import zipfile
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from pypdf import PdfReader

from service import cli
from service.audit import verify_register
from service.bulk.register_export import reports
from service.clock import to_text
from service.config import PREFIX
from service.errors import NotFound
from service.records.clients import Registration
from service.records.context import Context
from service.records.register import exports
from service.security.caller import Caller
from service.security.grant import Grant
from service.security.roles import ROLES
from service.storage import audit_log
from tests.access import admitted
from tests.register_exports.conftest import Clinic, visited
from tests.register_exports.made import ASYNC, asked, verified
from tests.sequencing.trails import Worker

PLACE = "schedule-iii-v"
REPORTS = (*reports.OF_A_PERIOD, *reports.OF_ITS_END)
AUDITOR = Registration("auditor", " ".join(ROLES["auditor"].scopes), role="auditor")


def _auditor(clinic: Clinic) -> FlaskClient:
    return admitted(clinic.app, AUDITOR)


def _read(clinic: Clinic, path: str) -> str:
    return (clinic.maker.path(clinic.made) / path).read_text()


def _trees(clinic: Clinic, path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in _read(clinic, path).splitlines()]


def _events(client: FlaskClient, query: str) -> list[dict[str, Any]]:
    found = client.get(f"/fhir/AuditEvent?{query}&_count=200").json
    return [entry["resource"] for entry in found.get("entry", ())]


def _clients(events: list[dict[str, Any]]) -> list[str]:
    return [one["agent"][0]["who"]["identifier"]["value"] for one in events]


def test_an_export_waits_is_made_and_verifies(clinic: Clinic) -> None:
    answer = clinic.client.get("/fhir/$cs-export", headers=ASYNC)
    assert answer.status_code == 202
    assert answer.json["resourceType"] == "OperationOutcome"
    assert answer.headers["Preference-Applied"] == "respond-async"
    place = answer.headers["Content-Location"].removeprefix("http://127.0.0.1:8080")
    waiting = clinic.client.get(place)
    assert (waiting.status_code, waiting.headers["Retry-After"], waiting.data) == (202, "5", b"")
    assert "no worker is alive" in waiting.headers["X-Progress"]
    clinic.maker.make()
    done = clinic.client.get(place)
    assert (done.status_code, done.content_type) == (200, "application/json")
    assert {one["type"] for one in done.json["output"]} >= {"Medication", "MedicationAdministration", "Observation", "Provenance"}
    assert done.json["requiresAccessToken"] is True
    assert verified(clinic.maker.path(place.rpartition("/")[2])) == 0


def test_it_goes_back_two_years_unless_told_otherwise(empty: Clinic) -> None:
    before = empty.maker.service.clock()
    export = empty.maker.find(asked(empty.client, ""))
    assert before <= export.until
    assert (export.until - export.since) // (24 * 3600 * 1_000_000) >= 730


def test_the_lines_are_those_of_the_ledger(world: Clinic) -> None:
    lines = _trees(world, f"{PLACE}/ledger.ndjson")
    assert [(one["kind"], one["amount_ug"]) for one in lines] == [
        *(("received", 500_000), ("drawn", 50_000), ("counted", 450_000), ("given", 32_200), ("wasted", 17_800)),
    ]
    [vial] = _trees(world, f"{PLACE}/vials.ndjson")
    assert (vial["remaining_ug"], vial["entries"], vial["head"]) == (450_000, 5, lines[-1]["hash"])
    assert not (world.maker.path(world.made) / "schedule-i-ii").exists()


def test_every_version_of_the_records_is_in_it(clinic: Clinic) -> None:
    [row] = list(clinic.client.get("/fhir/SupplyDelivery").json["entry"])
    id = row["resource"]["id"]
    label = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [{"system": "urn:test", "code": "t"}]}}]}
    answer = clinic.client.post(f"/fhir/SupplyDelivery/{id}/$meta-add", json=label)
    assert answer.status_code == 200, answer.json
    export = asked(clinic.client)
    clinic.maker.make()
    lines = (clinic.maker.path(export) / PLACE / "SupplyDelivery.ndjson").read_text().splitlines()
    assert [json.loads(line)["meta"]["versionId"] for line in lines] == ["1", "2"]
    assert verified(clinic.maker.path(export)) == 0


def test_the_parts_of_an_infusion_and_who_vouches_for_it_are_in_it(world: Clinic) -> None:
    given = _trees(world, f"{PLACE}/MedicationAdministration.ndjson")
    assert (len(given), sum("partOf" in one for one in given)) == (3, 2)
    assert _trees(world, f"{PLACE}/Provenance.ndjson")


def test_a_discrepancy_and_its_task_are_in_it(empty: Clinic) -> None:
    """A count that differs from the book, with what the service opened because of it; the alert of blood pressure is none."""
    visited(empty, counted="449")
    id = asked(empty.client)
    empty.maker.make()
    folder = empty.maker.path(id) / PLACE
    issues = [json.loads(line) for line in (folder / "DetectedIssue.ndjson").read_text().splitlines()]
    assert [one["code"]["coding"][0]["code"] for one in issues] == ["cs-discrepancy"]
    assert len((folder / "Task.ndjson").read_text().splitlines()) >= 1
    assert verified(empty.maker.path(id)) == 0


def test_what_is_no_controlled_substance_stays_out(world: Clinic) -> None:
    """Neither the ondansetron of the visit, nor its vital signs, nor the alert of blood pressure, nor who the patient is."""
    told = {path.name for path in (world.maker.path(world.made) / PLACE).iterdir()}
    assert told.isdisjoint({"Patient.ndjson", "AdverseEvent.ndjson", "Flag.ndjson", "QuestionnaireResponse.ndjson"})
    text = "".join(path.read_text() for path in (world.maker.path(world.made) / PLACE).glob("*.ndjson"))
    assert "ondansetron" not in text.lower()
    assert "vital-signs" not in text


def test_the_reports_have_the_same_rows_on_paper(world: Clinic) -> None:
    for name in REPORTS:
        assert (world.maker.path(world.made) / PLACE / f"{name}.csv").is_file()
        assert (world.maker.path(world.made) / PLACE / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    log = _read(world, f"{PLACE}/cs-administration-log.csv")
    assert all(told in log for told in ("Jordan Sample", "32.2", "17.8", "KET24A117"))
    rows = list(csv.reader(StringIO(_read(world, f"{PLACE}/cs-waste.csv").removeprefix("\ufeff"))))
    assert any("17.8" in row for row in rows)
    paper = PdfReader(world.maker.path(world.made) / PLACE / "cs-waste.pdf")
    assert "17.8" in "".join(page.extract_text() for page in paper.pages)


def test_the_files_are_sent_as_they_were_signed(world: Clinic) -> None:
    files = world.client.get(f"/exports/{world.made}").json["extension"]["files"]
    assert len(files) == len([path for path in world.maker.path(world.made).rglob("*") if path.is_file()])
    for one in files:
        answer = world.client.get(one["url"].removeprefix("http://127.0.0.1:8080"))
        assert answer.status_code == 200
        assert len(answer.data) == one["size"] == int(answer.headers["Content-Length"])
        assert answer.headers["Content-Disposition"].startswith("attachment; ")
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.data == (world.maker.path(world.made) / one["path"]).read_bytes()


def test_all_files_in_one_verify_after_unpacking(world: Clinic, tmp_path: Path) -> None:
    """As an inspector does it: without the service, with the program that came along."""
    answer = world.client.get(f"/exports/{world.made}/export.zip")
    assert answer.content_type == "application/zip"
    zipfile.ZipFile(BytesIO(answer.data)).extractall(tmp_path / "taken")
    folder = tmp_path / "taken/register"
    done = subprocess.run([sys.executable, "-I", folder / "verify.py", folder], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("verified: made ")
    told = CliRunner().invoke(cli.main, ["audit", "verify", str(folder)])
    assert (told.exit_code, told.output) == (0, done.stdout)


def test_a_checkpoint_that_was_kept_is_an_anchor(world: Clinic, tmp_path: Path) -> None:
    with world.maker.service.database.glance() as tx:
        newest = audit_log.newest_checkpoint(tx)
    assert newest
    (tmp_path / "kept.txt").write_text(newest.note)
    code, told = verify_register.verify(world.maker.path(world.made), tmp_path / "kept.txt")
    assert (code, told.rpartition(", ")[2]) == (0, "by a key of the trusted checkpoints")


def test_nobody_else_on_the_machine_may_read_the_files(world: Clinic) -> None:
    root = world.maker.path(world.made)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (root.parent, root, *root.rglob("*"))}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


def test_the_audit_trail_tells_of_making_and_fetching(clinic: Clinic) -> None:
    """The patients are told once to who asked; to anybody else with each fetching."""
    id, (row,) = asked(clinic.client), clinic.client.get("/fhir/Patient").json["entry"]
    clinic.maker.make()
    question = f"type=110106&patient=Patient/{row['resource']['id']}"
    assert _clients(_events(clinic.client, question)) == ["tests"]
    assert clinic.client.get(f"/exports/{id}/files/manifest.txt").status_code == 200
    assert _clients(_events(clinic.client, question)) == ["tests"]
    fetched = _auditor(clinic).get(f"/exports/{id}/files/manifest.txt", headers={"X-Purpose-Of-Use": "HLEGAL"})
    assert fetched.status_code == 200
    assert _clients(_events(clinic.client, f"{question}&purpose=HLEGAL")) == ["auditor"]


def test_the_purpose_of_who_asks_is_that_of_the_export(clinic: Clinic) -> None:
    answer = clinic.client.get("/fhir/$cs-export", headers={**ASYNC, "X-Purpose-Of-Use": "HCOMPL"})
    assert answer.status_code == 202
    clinic.maker.make()
    assert len(_events(clinic.client, "type=110106&purpose=HCOMPL")) == 1


def test_an_auditor_asks_and_sees_of_patients_what_an_inspection_asks_for(clinic: Clinic) -> None:
    id = asked(_auditor(clinic))
    clinic.maker.make()
    assert verified(clinic.maker.path(id)) == 0
    text = (clinic.maker.path(id) / PLACE / "cs-patient.csv").read_text()
    assert "32.2" in text


def test_who_may_not_read_the_register_is_refused(world: Clinic) -> None:
    stranger = admitted(world.app, Registration("stranger", "system/*.rs"))
    assert stranger.get("/fhir/$cs-export", headers=ASYNC).status_code == 403
    for path in ("", "/files/manifest.txt", "/export.zip"):
        assert stranger.get(f"/exports/{world.made}{path}").status_code == 403
    assert stranger.delete(f"/exports/{world.made}").status_code == 403
    treated = admitted(world.app, Registration("portal", "patient/*.rs ledger.read"), patient="p1")
    assert treated.get("/fhir/$cs-export", headers=ASYNC).status_code == 403
    assert treated.get(f"/exports/{world.made}/export.zip").status_code == 403
    nobody = world.app.test_client()
    for path in ("", "/files/manifest.txt", "/export.zip"):
        assert nobody.get(f"/exports/{world.made}{path}").status_code == 401


def test_who_may_not_read_the_records_is_refused(world: Clinic) -> None:
    without = admitted(world.app, Registration("half", "ledger.read system/Medication.rs"))
    answer = without.get("/fhir/$cs-export", headers=ASYNC)
    assert answer.status_code == 403
    assert "DetectedIssue" in answer.json["issue"][0]["diagnostics"]


def test_of_other_sites_nothing_is_there(world: Clinic) -> None:
    parts = world.maker.service
    grant = Grant.of(parts.identity.grammar.typed(AUDITOR.scopes))
    confined = Context(parts, Caller("tests", grant, role="clinician", organizations=("elsewhere",)))
    assert world.maker.find(world.made).sites is None
    with pytest.raises(NotFound):
        exports.view(confined, world.made)
    with pytest.raises(NotFound):
        exports.fetched(confined, world.made, ("manifest.txt",))


def test_only_who_asked_gives_it_up(clinic: Clinic) -> None:
    id, auditor = asked(clinic.client), _auditor(clinic)
    clinic.maker.make()
    assert auditor.get(f"/exports/{id}").status_code == 200
    assert auditor.delete(f"/exports/{id}").status_code == 403
    assert clinic.client.delete(f"/exports/{id}").status_code == 202
    assert clinic.client.get(f"/exports/{id}").status_code == 404
    assert clinic.client.get(f"/exports/{id}/files/manifest.txt").status_code == 404
    clinic.maker.exports().sweep()
    assert not clinic.maker.path(id).exists()


@pytest.mark.parametrize(
    ("query", "headers", "rule"),
    [
        ("", {}, "export-async"),
        ("", {"Prefer": "return=minimal"}, "export-async"),
        ("?start=2026-02-01&end=2026-01-01", ASYNC, "operation-parameter"),
        ("?start=yesterday", ASYNC, "operation-parameter"),
        ("?start=2026-01-01&start=2026-01-01", ASYNC, "operation-parameter"),
        ("?schedule=2", ASYNC, "operation-parameter"),
        ("?start=9999-12-31&end=0001-01-01", ASYNC, "operation-parameter"),
    ],
    ids=["no-prefer", "other-prefer", "backwards", "no-date", "twice", "unknown", "far"],
)
def test_what_cannot_be_meant_is_refused(world: Clinic, query: str, headers: dict[str, str], rule: str) -> None:
    answer = world.client.get(f"/fhir/$cs-export{query}", headers=headers)
    assert answer.status_code == 400, answer.json
    assert answer.json["issue"][0]["details"]["coding"][0]["code"] == rule


def test_the_parameters_may_come_in_a_body(empty: Clinic) -> None:
    body = {"resourceType": "Parameters", "parameter": [{"name": "start", "valueDate": "2026-11-01"}]}
    answer = empty.client.post("/fhir/$cs-export", json=body, headers=ASYNC)
    assert answer.status_code == 202
    export = empty.maker.find(answer.headers["Content-Location"].rpartition("/")[2])
    assert to_text(export.since) == "2026-11-01T06:00:00.000Z"


@pytest.mark.parametrize(
    "path", ["../manifest.txt", "..%2f..%2fetc%2fpasswd", "nothing.csv", "%00", "manifest.txt%00.csv", "manifest.txt/"]
)
def test_other_files_are_not_there(world: Clinic, path: str) -> None:
    assert world.client.get(f"/exports/{world.made}/files/{path}").status_code == 404


@pytest.mark.parametrize("id", ["x", "%00", "0" * 3000, "01a203c8-875d-7baf-8fd3-343481a5d8b3"], ids=["short", "nul", "long", "unknown"])
def test_other_exports_are_not_there(world: Clinic, id: str) -> None:
    assert world.client.get(f"/exports/{id}").status_code == 404
    assert world.client.delete(f"/exports/{id}").status_code == 404


def test_all_of_time_is_a_period(clinic: Clinic) -> None:
    id = asked(clinic.client, "?start=0001-01-01&end=9999-12-31")
    clinic.maker.make()
    assert verified(clinic.maker.path(id)) == 0
    assert (clinic.maker.path(id) / PLACE / "cs-waste.csv").is_file()
    assert clinic.client.get(f"/exports/{id}").json["extension"]["period"]["start"] == "1970-01-01T00:00:00.000Z"


def test_an_operator_writes_one_at_once(clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = clinic.maker.service.settings
    for name in ("database_url", "audit_key", "time_zone"):
        monkeypatch.setenv(f"{PREFIX}{name.upper()}", getattr(settings, name))
    Worker(clinic.maker.service.database).sign()
    place = tmp_path / "register"
    command = ["audit", "export-register", "--start", "2026-01-01", "-o", str(place)]
    told = CliRunner().invoke(cli.main, command)
    assert told.exit_code == 0, told.output
    assert verified(place) == 0
    [row] = clinic.client.get("/fhir/Patient").json["entry"]
    question = f"type=110106&patient=Patient/{row['resource']['id']}"
    assert _clients(_events(clinic.client, question)) == ["command-line"]
    assert CliRunner().invoke(cli.main, command).exit_code == 2
    assert CliRunner().invoke(cli.main, [*command[:3], "tomorrow", "-o", str(tmp_path / "other")]).exit_code == 2
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(("register", "other"))) == ["register"]


def test_one_caller_has_five_at_most(empty: Clinic) -> None:
    for _ in range(exports.MOST):
        asked(empty.client)
    answer = empty.client.get("/fhir/$cs-export", headers=ASYNC)
    assert answer.status_code == 409
    assert answer.json["issue"][0]["details"]["coding"][0]["code"] == "export-limit"


def test_an_empty_register_is_exported_too(empty: Clinic) -> None:
    id = asked(empty.client)
    empty.maker.make()
    assert verified(empty.maker.path(id)) == 0
    assert empty.client.get(f"/exports/{id}").json["output"] == []
