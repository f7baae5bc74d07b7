"""The example visit as a clinic writes it down: all at once, or step by step, with anything altered; and what the ledger made of it."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service import clock
from service.ledger.entry import Entry
from service.storage import ledger
from tests.access import admitted

SAFE, PATIENT, NURSE, WITNESS, ESCORT, VIAL, RECEIPT, SYRINGE, CONSENT, ORDER = 3, 4, 6, 7, 8, 12, 14, 15, 19, 20
VISIT, DRAW, COUNT, GIVEN, FIRST, SECOND, ALERT, WASTE, DISCHARGE = 22, 79, 80, 81, 82, 83, 96, 101, 102
"""Places in the Bundle."""
FHIR = "application/fhir+json"
SIGNATURE_TYPES = "urn:iso-astm:E1762-95:2013"
LATE_REASON = "https://clinic.example/fhir/StructureDefinition/late-entry-reason"
_PATH = Path(__file__).parents[1] / "data" / "example-visit.json"
_MOMENT = re.compile(r'"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}-08:00)"')
_ENDED = "2026-11-17T11:25:00-08:00"
_AGO = timedelta(minutes=90)

Tree = dict[str, Any]


def bundle() -> Tree:
    """The visit as it was, days or years ago."""
    tree: Tree = json.loads(_PATH.read_text(encoding="utf-8"))
    return tree


def lately() -> Tree:
    """The same visit, ended a while ago: nothing of it is late, and its vial was received with it. What expires does so far ahead."""
    text = _PATH.read_text(encoding="utf-8").replace('"2027-', '"2999-').replace("2026-11-10T08:15:00", "2026-11-17T08:15:00")
    moved = datetime.fromisoformat(clock.to_text(clock.now())).replace(microsecond=0) - _AGO - datetime.fromisoformat(_ENDED)
    tree: Tree = json.loads(_MOMENT.sub(lambda found: json.dumps((datetime.fromisoformat(found[1]) + moved).isoformat()), text))
    return tree


def altered(tree: Tree, number: int, path: str, value: Any) -> Tree:
    """A copy of the Bundle in which one element of one entry is another; None takes it away."""
    changed = copy.deepcopy(tree)
    here = changed["entry"][number]["resource"]
    *above, last = path.split(".")
    for step in above:
        here = here[int(step)] if step.isdigit() else here[step]
    if value is None:
        del here[last]
    else:
        here[int(last) if last.isdigit() else last] = value
    return changed


def process(client: FlaskClient, tree: Tree) -> TestResponse:
    """POST a Bundle."""
    return client.post("/fhir", data=json.dumps(tree), content_type=FHIR, headers={"Prefer": "return=OperationOutcome"})


def issues(answer: TestResponse) -> list[tuple[str, str, str]]:
    """(rule, severity, text) of everything that an answer says, also inside the entries of a Bundle."""
    tree = answer.json
    outcomes = [one["response"].get("outcome", {}) for one in tree["entry"]] if tree["resourceType"] == "Bundle" else [tree]
    return [
        (_rule(one), one["severity"], one["diagnostics"]) for outcome in outcomes for one in outcome.get("issue", ()) if "details" in one
    ]


def rules(answer: TestResponse, severity: str = "error") -> set[str]:
    """The rules of controlled substances that an answer names with a severity."""
    return {rule for rule, said, _ in issues(answer) if said == severity and rule.startswith("cs-")}


def _rule(issue: Tree) -> str:
    return next((one["code"] for one in issue["details"].get("coding", ())), "")


def places(answer: TestResponse) -> list[str]:
    """`Type/id` of every entry of a transaction."""
    assert answer.status_code == 200, answer.text
    return [_address(one["response"]["location"]) for one in answer.json["entry"]]


def _address(location: str) -> str:
    return "/".join(location.partition("/_history/")[0].split("/")[-2:])


def lines(app: Flask) -> list[Entry]:
    """The whole ledger, in the order of events."""
    with app.extensions["infusion_records"].database.read() as tx:
        return [Entry(*row) for row in ledger.lines(tx, ledger.Asked())]


def standing(app: Flask) -> list[tuple[str, int]]:
    """(kind, micrograms) of the lines that stand."""
    found = lines(app)
    gone = {(one.vial, one.reverses) for one in found if one.reverses}
    return [(one.kind, one.amount_ug) for one in found if not one.reverses and (one.vial, one.number) not in gone]


def remaining(app: Flask) -> int:
    """What the one vial of the ledger holds."""
    with app.extensions["infusion_records"].database.read() as tx:
        (vial,) = ledger.known(tx)
        return vial.remaining_ug


@dataclass
class Chart:
    """A visit that is written down step by step. `tree` is the Bundle, `at` where its entries are, `versions` their ETags."""

    client: FlaskClient
    tree: Tree
    at: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    @classmethod
    def on(cls, app: Flask, tree: Tree | None = None) -> "Chart":
        """A chart of the recent visit."""
        return cls(admitted(app), tree or lately())

    def resource(self, number: int, changes: Mapping[str, Any] | None = None) -> Tree:
        """The resource of an entry, referring to what is written down; `changes` replace its elements, None takes one away."""
        raw = self.tree["entry"][number]["resource"]
        named = re.sub(r'"(urn:uuid:[0-9a-f-]{36})"', lambda found: json.dumps(self.at.get(found[1], found[1])), json.dumps(raw))
        found = {name: value for name, value in {**json.loads(named), **(changes or {})}.items() if value is not None}
        place = self.at.get(self.tree["entry"][number]["fullUrl"])
        return {**found, "id": place.split("/")[1]} if place else found

    def place(self, number: int) -> str:
        """`Type/id` of an entry."""
        return self.at[self.tree["entry"][number]["fullUrl"]]

    def write(self, number: int, **changes: Any) -> TestResponse:
        """Write an entry down, or its next version on the one that was read."""
        name = self.tree["entry"][number]["fullUrl"]
        body = json.dumps(self.resource(number, changes))
        if name in self.at:
            headers = {"If-Match": self.versions[name]}
            answer = self.client.put(f"/fhir/{self.at[name]}", data=body, content_type=FHIR, headers=headers)
        else:
            answer = self.client.post(f"/fhir/{json.loads(body)['resourceType']}", data=body, content_type=FHIR)
        if answer.status_code in (200, 201):
            self.at[name] = self.at.get(name) or _address(answer.headers["Location"])
            self.versions[name] = answer.headers["ETag"]
        return answer

    def done(self, number: int, **changes: Any) -> None:
        """Write down what must be taken."""
        answer = self.write(number, **changes)
        assert answer.status_code in (200, 201), answer.text

    def begin(self, *numbers: int, **visit: Any) -> None:
        """Everything that these entries refer to, and the visit under way, before anything is drawn."""
        for number in sorted({*self._needed(numbers)} - {VISIT}, key=lambda one: one in self._of_the_visit()):
            if number == min(self._of_the_visit()):
                self._open(visit)
            self.done(number)
        if self.tree["entry"][VISIT]["fullUrl"] not in self.at:
            self._open(visit)

    def _open(self, visit: Mapping[str, Any]) -> None:
        self.done(VISIT, **{"status": "in-progress", "hospitalization": None, **visit})

    def _of_the_visit(self) -> list[int]:
        name = self.tree["entry"][VISIT]["fullUrl"]
        return [number for number, one in enumerate(self.tree["entry"]) if name in json.dumps(one["resource"])]

    def _needed(self, numbers: tuple[int, ...]) -> Iterator[int]:
        """What `numbers` refer to, however far; not themselves."""
        at = {one["fullUrl"]: number for number, one in enumerate(self.tree["entry"])}
        seen: set[int] = set()
        todo = list(numbers)
        while todo:
            text = json.dumps(self.tree["entry"][todo.pop()]["resource"])
            found = {at[name] for name in re.findall(r"urn:uuid:[0-9a-f-]{36}", text) if name in at} - seen
            seen |= found
            todo += found
        yield from seen - set(numbers)

    def why(self, number: int, **changes: Any) -> Tree:
        """The Provenance of an amendment of an entry, signed as a modification."""
        place, version = self.place(number), self.versions[self.tree["entry"][number]["fullUrl"]].strip('W/"')
        who = {"reference": self.place(NURSE)}
        signature = {
            "type": [{"system": SIGNATURE_TYPES, "code": "1.2.840.10065.1.12.1.16"}],
            "when": clock.to_text(clock.now()),
            "who": who,
            "data": "ZXhhbXBsZS1zaWduYXR1cmU=",
        }
        stated = {
            "resourceType": "Provenance",
            "target": [{"reference": place}],
            "recorded": clock.to_text(clock.now()),
            "agent": [{"who": who}],
            "reason": [{"text": "Read from the wrong mark"}],
            "entity": [{"role": "revision", "what": {"reference": f"{place}/_history/{version}"}}],
            "signature": [signature],
        }
        return {name: value for name, value in {**stated, **changes}.items() if value is not None}

    def amend(self, number: int, provenance: Tree | None, if_match: bool = True, **changes: Any) -> TestResponse:
        """A new version of an entry and its Provenance, in one transaction."""
        request = {"method": "PUT", "url": self.place(number)}
        if if_match:
            request["ifMatch"] = self.versions[self.tree["entry"][number]["fullUrl"]]
        entries: list[Tree] = [{"resource": self.resource(number, changes), "request": request}]
        if provenance is not None:
            entries.append({"resource": provenance, "request": {"method": "POST", "url": "Provenance"}})
        answer = process(self.client, {"resourceType": "Bundle", "type": "transaction", "entry": entries})
        if answer.status_code == 200:
            self.versions[self.tree["entry"][number]["fullUrl"]] = answer.json["entry"][0]["response"]["etag"]
        return answer
