"""S-30 over the whole suite: every answer below the FHIR base leaves with exactly the rows of the audit trail that it ought to have."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import request

from service.records.context import Context
from service.rest.exchange import FhirResponse
from service.web import fhir

_BUNDLES = {"transaction-response", "batch-response"}


def rows(status: int, headers: Any, body: str | bytes | None) -> int:
    """How many events an answer stands for: one, one for each entry of a Bundle, one for each resource that a deletion took."""
    if status == 429:  # the first of a minute alone is told, at once
        return 0
    tree = json.loads(body) if status == 200 and isinstance(body, str) and "-response" in body[:120] else {}
    if tree.get("type") in _BUNDLES and tree.get("entry"):
        return sum(_marks(entry["response"]) for entry in tree["entry"])
    return max(1, headers.get("X-Audit-Entry", "").count(";leaf="))


def _marks(response: dict[str, Any]) -> int:
    texts = [one["valueString"] for one in response.get("extension", ()) if one["url"].endswith("/audit-entry")]
    return max(1, sum(text.count(";leaf=") for text in texts))


@pytest.fixture(autouse=True)
def audited_exactly(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails the test in which an answer left with more or fewer events than it stands for."""
    wrong: list[str] = []
    settled = fhir._settled

    def counted(ctx: Context, answer: FhirResponse) -> FhirResponse:
        wanted = rows(answer.status, answer.headers, answer.body)
        again = "Idempotency-Key" in request.headers and ctx.trail.count == 1
        failed = answer.status >= 500 and ctx.trail.count >= 1
        if ctx.trail.count != wanted and not again and not failed:
            wrong.append(f"{request.method} {request.path}: {answer.status} with {ctx.trail.count} events instead of {wanted}")
        return settled(ctx, answer)

    monkeypatch.setattr(fhir, "_settled", counted)
    yield
    assert not wrong, "\n".join(wrong)
