"""Sends the requests of one caller. Every answer is searched for every word that the caller may not see."""

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.leaks.principals import Principal
from tests.leaks.world import World

FHIR = "application/fhir+json"
_OF_THE_MOMENT = frozenset({"X-Request-Id", "Date", "Last-Modified", "X-Audit-Entry"})


@dataclass
class Sender:
    """One caller in one world. `asked` counts the answers that were looked at."""

    world: World
    who: Principal
    client: FlaskClient
    asked: int = 0
    hidden: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        words = (
            (content.word, self.who.words(one, content))
            for one in self.world.kept.values()
            for content in one.versions
            if not content.is_deletion
        )
        self.hidden = [word for word, is_seen in words if not is_seen]
        assert self.hidden, "somebody who may see everything proves nothing"

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        """One request below the base. AssertionError when its answer has a word in it that the caller may not see, or is a 5xx."""
        content = {} if body is None else {"json": body, "content_type": FHIR}
        if method == "POST" and path.endswith("_search"):
            content = {"data": body or "", "content_type": "application/x-www-form-urlencoded"}
        fields = {"Accept": FHIR, **{name.replace("_", "-"): value for name, value in headers.items()}}
        answer = self.client.open(f"/fhir/{path}", method=method, headers=fields, **content)
        self.look(f"{method} {path}", answer)
        return answer

    def look(self, what: str, answer: TestResponse) -> None:
        """That an answer has nothing in it that the caller may not see."""
        self.asked += 1
        assert answer.status_code < 500, f"{what}: {answer.text}"
        text = answer.text + repr(sorted(answer.headers))
        leaked = [word for word in self.hidden if word in text or b64encode(word.encode()).decode().rstrip("=")[:-1] in text]
        assert leaked == [], f"{what} as {self.who.name} shows {leaked}"

    def outcome(self, method: str, path: str, id: str, body: Any = None, **headers: str) -> tuple[Any, ...]:
        """All of an answer but the moment, with the id of the request taken out of it: equal for what may not be told apart."""
        answer = self.send(method, path, body, **headers)
        fields = sorted((name, value.replace(id, "{id}")) for name, value in answer.headers if name not in _OF_THE_MOMENT)
        return answer.status_code, answer.text.replace(id, "{id}"), [one for one in fields if one[0] != "Content-Length"]

    def found(self, path: str) -> list[str] | None:
        """The addresses in a searchset, all pages of it; None when it was refused."""
        addresses: list[str] = []
        link: str | None = path
        while link:
            answer = self.send("GET", link)
            if answer.status_code != 200:
                return None
            bundle = answer.get_json()
            shown = [entry["resource"] for entry in bundle.get("entry", ()) if entry["search"]["mode"] != "outcome"]
            addresses += [f"{one['resourceType']}/{one['id']}" for one in shown]
            link = next((one["url"].partition("/fhir/")[2] for one in bundle["link"] if one["relation"] == "next"), None)
        return addresses
