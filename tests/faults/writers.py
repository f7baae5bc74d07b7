"""Clients that write without a pause and remember what was acknowledged, to be asked after a crash."""

import json
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.faults.target import JSON
from tests.server import Live

Entry = dict[str, Any]


@dataclass
class Ledger:
    """What the service acknowledged: the highest version of each resource with its text, and the entries of every transaction sent."""

    acknowledged: dict[str, tuple[int, Any]] = field(default_factory=dict)
    groups: list[list[str]] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, resource: Any) -> None:
        """Remember a resource as it came back from a write."""
        version = int(resource["meta"]["versionId"])
        with self.lock:
            known = self.acknowledged.get(resource["id"], (0, None))
            self.acknowledged[resource["id"]] = max(known, (version, resource), key=lambda pair: pair[0])

    def count(self) -> int:
        """How many resources are acknowledged."""
        return len(self.acknowledged)


class Writers:
    """Threads that create, update and post transactions until `stop`. Broken connections and 503 are what they expect of a crash."""

    def __init__(self, live: Live, threads: int) -> None:
        self.ledger = Ledger()
        self._live = live
        self._headers = {**live.headers, "Content-Type": JSON, "Prefer": "return=representation", "Connection": "close"}
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(threads)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> Ledger:
        """End the threads."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        return self.ledger

    def _work(self, number: int) -> None:
        turn = 0
        while not self._stopped.is_set():
            turn += 1
            try:
                (self._create, self._update, self._transact)[turn % 3](number, turn)
            except requests.RequestException:
                self._stopped.wait(0.02)

    def _create(self, number: int, turn: int) -> None:
        self._put(_observation(f"c-{number}-{turn}-{uuid.uuid4().hex[:8]}", turn))

    def _update(self, number: int, turn: int) -> None:
        self._put(_observation(f"u-{number}", turn))

    def _put(self, resource: Entry) -> None:
        answer = self._send("PUT", f"/Observation/{resource['id']}", resource)
        if answer.status_code in (200, 201):
            self.ledger.note(answer.json())

    def _transact(self, number: int, turn: int) -> None:
        ids = [f"t-{number}-{turn}-{uuid.uuid4().hex[:8]}-{place}" for place in range(4)]
        with self.ledger.lock:
            self.ledger.groups.append(ids)
        entries = [{"resource": _observation(id, turn), "request": {"method": "PUT", "url": f"Observation/{id}"}} for id in ids]
        answer = self._send("POST", "/", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
        if answer.status_code == 200:
            for entry in answer.json()["entry"]:
                self.ledger.note(entry["resource"])

    def _send(self, method: str, path: str, body: Entry) -> requests.Response:
        answer = self._live.send(method, path, self._headers, data=json.dumps(body))
        if answer.status_code not in (200, 201, 503):
            self.ledger.unexpected.append(f"{answer.status_code} {answer.text[:300]}")
        return answer


def _observation(id: str, turn: int) -> Entry:
    quantity = {"value": turn, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
    return {"resourceType": "Observation", "id": id, "status": "final", "code": {"text": f"turn {turn}"}, "valueQuantity": quantity}
