"""A FHIR client that keeps the characters of what it gets."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import requests

from service.fhir.document import Document, Limits, decode, encode
from tests.access import bearer

FHIR_JSON = "application/fhir+json"


@dataclass(frozen=True)
class Answer:
    """A response: status, headers, and the body as a document (None when empty)."""

    status: int
    headers: Mapping[str, str]
    document: Document | None

    @property
    def tree(self) -> Any:
        """The body as a tree."""
        assert self.document is not None
        return self.document.tree

    def resources(self, mode: str | None = None) -> list[Any]:
        """The resources in a Bundle, all or of one search mode."""
        entries = self.tree.get("entry", [])
        return [entry["resource"] for entry in entries if mode is None or entry["search"]["mode"] == mode]

    def link(self, relation: str) -> str | None:
        """A link of a Bundle."""
        return next((link["url"] for link in self.tree.get("link", []) if link["relation"] == relation), None)


@dataclass(frozen=True)
class Client:
    """Requests below one FHIR base, with one token."""

    base_url: str
    token: str
    session: requests.Session

    @classmethod
    def of(cls, base_url: str, token: str) -> Self:
        """A client with connections of its own."""
        session = requests.Session()
        session.headers.update(bearer(token))
        return cls(base_url, token, session)

    def another(self) -> Self:
        """The same client over other connections."""
        return type(self).of(self.base_url, self.token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """A request; `path` is below the base or an absolute link; a `body` that is no bytes is a tree."""
        url = path if path.startswith("http") else f"{self.base_url}/{path}".rstrip("/")
        data = body if body is None or isinstance(body, bytes) else encode(body).encode()
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        got = self.session.request(method, url, data=data, headers={"Content-Type": FHIR_JSON, "Accept": FHIR_JSON, **fields}, timeout=60)
        return Answer(got.status_code, got.headers, decode(got.content, Limits()) if got.content else None)

    def get(self, path: str, **headers: str) -> Answer:
        """A GET that must succeed."""
        answer = self.send("GET", path, **headers)
        assert answer.status == 200, answer.tree
        return answer

    def pages(self, path: str) -> Iterator[Answer]:
        """A search and every page after it."""
        link: str | None = path
        while link:
            assert link == path or link.startswith(self.base_url), link
            answer = self.get(link)
            yield answer
            link = answer.link("next")
