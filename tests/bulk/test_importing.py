"""Import: what goes in, what is refused and where, and that nothing goes in twice."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from service.bulk import importing
from service.bulk.importing import Report, import_files
from service.records.context import Context
from service.records.find import find
from tests.access import TESTS
from tests.stories.visit import PATH as VISIT


@pytest.fixture
def ctx(app: Flask) -> Context:
    """A context on an empty database."""
    return Context(app.extensions["infusion_records"], TESTS)


def _patient(id: str | None = None, **elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **({"id": id} if id else {}), **elements}


def _pulse(subject: str, minute: int = 0, **elements: Any) -> dict[str, Any]:
    when = f"2026-11-17T10:{minute % 60:02d}:00-08:00"
    observation = {"resourceType": "Observation", "status": "final", "code": {"text": f"pulse {minute}"}, "effectiveDateTime": when}
    return {**observation, "subject": {"reference": subject}, **elements}


def _ndjson(folder: Path, name: str, *lines: dict[str, Any] | str) -> Path:
    path = folder / name
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return path


def _document(folder: Path, name: str, tree: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps(tree, indent=2), encoding="utf-8")
    return path


def _count(ctx: Context, type: str) -> int:
    _, page = find(ctx, type, [("_count", "1000")], lenient=False)
    return len(page.matches)


def _numbers(report: Report) -> tuple[int, int, int, int]:
    return report.created, report.updated, report.unchanged, len(report.refused)


def test_a_second_run_creates_nothing(ctx: Context, tmp_path: Path) -> None:
    """With ids and without, in any order of reference."""
    path = _ndjson(tmp_path, "all.ndjson", _pulse("Patient/p1", 1, id="o1"), _patient("p1"), "", _pulse("Patient/p1", 2), _patient())
    assert _numbers(import_files(ctx, [path])) == (4, 0, 0, 0)
    assert _numbers(import_files(ctx, [path])) == (0, 0, 0, 0)
    assert (_count(ctx, "Patient"), _count(ctx, "Observation")) == (2, 2)


def test_the_same_content_in_another_file(ctx: Context, tmp_path: Path) -> None:
    """What is there is known by its id or by its content."""
    lines = (_patient("p1"), _pulse("Patient/p1", 1), _pulse("Patient/p1", 2), _pulse("Patient/p1", 3, id="o3"))
    import_files(ctx, [_ndjson(tmp_path, "one.ndjson", *lines)])
    report = import_files(ctx, [_ndjson(tmp_path, "two.ndjson", *reversed(lines), _patient(gender="female"))])
    assert _numbers(report) == (1, 0, 4, 0)
    assert _count(ctx, "Observation") == 3


def test_refusals_name_file_line_and_reason(ctx: Context, tmp_path: Path) -> None:
    """The good lines go in; each bad one is reported."""
    path = _ndjson(
        tmp_path,
        "mixed.ndjson",
        _patient("p1"),
        '{"resourceType": "Patient", ',
        _patient(gender="fem"),
        {"resourceType": "Nonsense"},
        _pulse("Patient/nobody", 1),
        "[]",
        _pulse("Patient/p1", 2),
    )
    report = import_files(ctx, [path])
    assert report.created == 2
    assert sorted(refusal.line for refusal in report.refused) == [2, 3, 4, 5, 6]
    assert all(refusal.path == path and refusal.issues for refusal in report.refused)
    assert any("Patient.gender" in str(refusal) and str(refusal).startswith(f"{path}:3: ") for refusal in report.refused)
    assert any("Patient/nobody" in str(refusal) for refusal in report.refused)


def test_what_was_refused_goes_in_when_its_target_is_there(ctx: Context, tmp_path: Path) -> None:
    """A run over the same file tries the refused lines again, and reports those that still do not go in."""
    pulses = _ndjson(tmp_path, "pulses.ndjson", _pulse("Patient/late", 1), _patient(gender="fem"))
    assert len(import_files(ctx, [pulses]).refused) == 2
    import_files(ctx, [_ndjson(tmp_path, "patients.ndjson", _patient("late"))])
    again = import_files(ctx, [pulses])
    assert _numbers(again) == (1, 0, 0, 1)
    assert again.refused[0].line == 2
    assert again.refused[0].issues


def test_files_that_refer_to_each_other(ctx: Context, tmp_path: Path) -> None:
    """Circles over the border of a batch and of a file."""
    member = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    first = _ndjson(tmp_path, "first.ndjson", {**member, "id": "a", "hasMember": [{"reference": "Observation/b"}]})
    second = _ndjson(tmp_path, "second.ndjson", {**member, "id": "b"}, _pulse("Patient/p", 1), _patient("p"))
    assert _numbers(import_files(ctx, [first, second])) == (4, 0, 0, 0)


def test_an_interrupted_run_goes_on(ctx: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The progress is committed with the resources; what was done is not done again."""
    monkeypatch.setattr(importing, "BATCH", 10)
    path = _ndjson(tmp_path, "long.ndjson", _patient("p1"), *(_pulse("Patient/p1", number) for number in range(45)))
    told: list[int] = []

    def stop(done: int) -> None:
        told.append(done)
        if len(told) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_files(ctx, [path], stop)
    assert 0 < _count(ctx, "Observation") < 45
    told.clear()
    report = import_files(ctx, [path], told.append)
    assert sum(told) == path.stat().st_size
    assert report.created < 30
    assert _count(ctx, "Observation") == 45


def test_one_resource_twice_in_a_file(ctx: Context, tmp_path: Path) -> None:
    """The later line is the newer state."""
    path = _ndjson(tmp_path, "twice.ndjson", _patient("p1", gender="female"), _patient("p1", gender="other"))
    assert _numbers(import_files(ctx, [path])) == (1, 1, 0, 0)


def test_the_visit_as_a_transaction(ctx: Context, tmp_path: Path) -> None:
    """106 entries, pretty-printed; a second run and a copy of the file add nothing."""
    assert import_files(ctx, [VISIT]).created == 106
    assert _numbers(import_files(ctx, [VISIT])) == (0, 0, 0, 0)
    copy = _document(tmp_path, "copy.json", json.loads(VISIT.read_text(encoding="utf-8")))
    report = import_files(ctx, [copy])
    assert report.refused == []
    assert _count(ctx, "Encounter") == 1


def test_a_transaction_goes_in_whole_or_not_at_all(ctx: Context, tmp_path: Path) -> None:
    """One bad entry keeps all of it out, and is named."""
    entries = [{"resource": one, "request": {"method": "POST", "url": "Patient"}} for one in (_patient(), _patient(gender="fem"))]
    path = _document(tmp_path, "bad.json", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    report = import_files(ctx, [path])
    assert report.created == 0
    assert [(refusal.line, refusal.entry) for refusal in report.refused] == [(1, 1)]
    assert _count(ctx, "Patient") == 0


@pytest.mark.parametrize("type", ["collection", "searchset", "batch"])
def test_other_bundles_go_in_entry_by_entry(ctx: Context, tmp_path: Path, type: str) -> None:
    """References among the entries hold; a bad entry stays out alone; an outcome is no record."""
    urn = "urn:uuid:0013b006-2ebe-5f83-b771-fcbc9da0158f"
    resources = [(urn, _patient(name=[{"family": "Sample"}])), (None, _pulse(urn, 1)), (None, _patient(gender="fem"))]
    entries: list[dict[str, Any]] = [{**({"fullUrl": url} if url else {}), "resource": one} for url, one in resources]
    if type == "batch":
        entries = [{**entry, "request": {"method": "POST", "url": entry["resource"]["resourceType"]}} for entry in entries]
    if type == "searchset":
        entries.append({"resource": {"resourceType": "OperationOutcome"}, "search": {"mode": "outcome"}})
    path = _document(tmp_path, "some.json", {"resourceType": "Bundle", "type": type, "entry": entries})
    report = import_files(ctx, [path])
    assert report.created == 2
    assert [(refusal.line, refusal.entry) for refusal in report.refused] == [(1, 2)]
    assert _numbers(import_files(ctx, [path]))[0] == 0
    assert (_count(ctx, "Patient"), _count(ctx, "Observation")) == (1, 1)


def test_a_line_that_is_too_long(ctx: Context, tmp_path: Path) -> None:
    """It is refused without being read whole; the next line goes in."""
    path = _ndjson(tmp_path, "long.ndjson", '{"resourceType":"Patient","x":"' + "y" * 17_000_000 + '"}', _patient("p1"))
    report = import_files(ctx, [path])
    assert report.created == 1
    assert [refusal.line for refusal in report.refused] == [1]
