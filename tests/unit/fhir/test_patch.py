"""JSON Patch on resources: https://hl7.org/fhir/R4/http.html#patch, https://www.rfc-editor.org/rfc/rfc6902."""

from typing import Any

import pytest

from service.errors import BadRequest, Unprocessable
from service.fhir.document import Document, Limits, Number, decode
from service.fhir.patch import MOST_OPERATIONS, JsonPatch
from service.fhir.rewrite import spliced

RESOURCE = decode(
    b'{"resourceType":"Observation","id":"a","meta":{"versionId":"3","lastUpdated":"2026-03-14T10:00:00.000Z"},'
    b'"status":"final","valueQuantity":{"value":1.10,"unit":"mg"},"note":[{"text":"first"},{"text":"second"}]}',
    Limits(),
)


def apply(*operations: dict[str, Any]) -> Any:
    return JsonPatch.of(list(operations)).apply(RESOURCE.tree)


def test_every_kind_of_operation_changes_a_copy_and_leaves_the_original() -> None:
    before = RESOURCE.text
    changed = apply(
        {"op": "test", "path": "/status", "value": "final"},
        {"op": "replace", "path": "/status", "value": "amended"},
        {"op": "add", "path": "/note/-", "value": {"text": "third"}},
        {"op": "remove", "path": "/note/0"},
        {"op": "move", "from": "/note/0", "path": "/note/1"},
        {"op": "copy", "from": "/valueQuantity/unit", "path": "/valueQuantity/code"},
    )
    assert changed["status"] == "amended"
    assert [note["text"] for note in changed["note"]] == ["third", "second"]
    assert changed["valueQuantity"]["code"] == "mg"
    assert Document.of(RESOURCE.tree).text == before


def test_untouched_decimals_keep_their_digits() -> None:
    changed = apply({"op": "replace", "path": "/status", "value": "amended"})
    assert isinstance(changed["valueQuantity"]["value"], Number)
    assert '"value":1.10' in spliced(RESOURCE, changed).text


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/id", "value": "b"},
        {"op": "replace", "path": "/resourceType", "value": "Patient"},
        {"op": "remove", "path": "/meta/versionId"},
        {"op": "replace", "path": "/meta/lastUpdated", "value": "2020-01-01T00:00:00Z"},
        {"op": "replace", "path": "/meta", "value": {"versionId": "9"}},
        {"op": "move", "from": "/id", "path": "/implicitRules"},
        {"op": "remove", "path": ""},
    ],
)
def test_what_the_server_keeps_cannot_be_patched(operation: dict[str, Any]) -> None:
    with pytest.raises(Unprocessable):
        apply(operation)


def test_meta_may_be_replaced_when_it_brings_no_version() -> None:
    assert apply({"op": "replace", "path": "/meta", "value": {"tag": []}})["meta"] == {"tag": []}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/status", "value": "preliminary"},
        {"op": "remove", "path": "/code"},
        {"op": "replace", "path": "/note/7", "value": {}},
        {"op": "add", "path": "/note/x", "value": {}},
        {"op": "add", "path": "/status/deeper/still", "value": {}},
        {"op": "move", "from": "/absent", "path": "/code"},
    ],
)
def test_an_operation_that_does_not_fit_is_unprocessable(operation: dict[str, Any]) -> None:
    with pytest.raises(Unprocessable, match="Operation 0"):
        apply(operation)


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        ["replace"],
        [{"op": "delete", "path": "/status"}],
        [{"op": ["add"], "path": "/status"}],
        [{"op": "add", "path": "/status"}],
        [{"op": "move", "path": "/status"}],
        [{"op": "remove", "path": 3}],
        [{"op": "remove", "path": "status"}],
        [{"op": "remove", "path": "/a~3"}],
        [{"op": "remove", "path": "/status"}] * (MOST_OPERATIONS + 1),
    ],
)
def test_a_malformed_patch_is_a_bad_request(body: Any) -> None:
    with pytest.raises(BadRequest):
        JsonPatch.of(body)


def test_copies_that_double_the_resource_again_and_again_are_stopped() -> None:
    operations = [{"op": "copy", "from": "/note", "path": "/note/-"}] * MOST_OPERATIONS
    with pytest.raises(Unprocessable, match="copies more than"):
        apply(*operations)
