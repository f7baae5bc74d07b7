"""Bodies of two megabytes whose cost would grow with the square of their size, if they were handled carelessly.

`python -m tests.faults.bombs` handles one after the other and prints their names; who runs it limits the processor time it may use.
"""

import json
from collections.abc import Callable
from contextlib import suppress

from service.errors import ServiceError
from service.fhir import definitions, rewrite
from service.fhir.document import Document, Limits, decode
from service.fhir.fhirpath_patch import FhirpathPatch
from service.fhir.patch import JsonPatch
from service.validation.check import Gate

SIZE = 2 * 1024 * 1024
_DEFINITIONS = definitions.load("")


def _names(letter: str, count: int = SIZE // 24) -> list[dict[str, str]]:
    return [{"family": f"{letter}{number}"} for number in range(count)]


def _patient(**members: object) -> Document:
    return decode(json.dumps({"resourceType": "Patient", **members}).encode(), Limits())


def _decoded(raw: bytes) -> Callable[[], object]:
    return lambda: decode(raw, Limits())


def _spliced(after: list[dict[str, str]]) -> Callable[[], object]:
    return lambda: rewrite.spliced(_patient(name=_names("a")), {"resourceType": "Patient", "name": after})


def _gated(**members: object) -> Callable[[], object]:
    return lambda: Gate(_DEFINITIONS).check(_patient(**members).tree, "Patient")


def _json_patched() -> object:
    operations = [{"op": "add", "path": "/name/0", "value": {"family": "b"}} for _ in range(100)]
    return JsonPatch.of(operations).apply(_patient(name=_names("a")).tree)


def _fhirpath_patched() -> object:
    parts = [{"name": "type", "valueCode": "delete"}, {"name": "path", "valueString": "Patient.name.where(family = 'none')"}]
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}] * 100}
    return FhirpathPatch.of(parameters, _DEFINITIONS).apply(_patient(name=_names("a", 10_000)).tree)


def _div(content: str, attributes: str = "") -> dict[str, str]:
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml"{attributes}>{content}</div>'}


_MEMBERS = ",".join(f'"a{number}":1' for number in range(SIZE // 12))

BOMBS: dict[str, Callable[[], object]] = {
    "a member that is repeated after very many others": _decoded(f'{{{_MEMBERS},"z":1,"z":1}}'.encode()),
    "very many members, each twice": _decoded(f"{{{_MEMBERS},{_MEMBERS}}}".encode()),
    "escaped quotes in a string that never ends": _decoded(b'["' + b'\\"' * (SIZE // 2)),
    "a string that never ends after a backslash": _decoded(b'["' + b'\\"' * (SIZE // 2) + b"\\"),
    "quotes": _decoded(b'"' * SIZE),
    "backslashes": _decoded(b'"' + b"\\" * SIZE),
    "openings": _decoded(b"[{" * (SIZE // 2)),
    "empty arrays": _decoded(b"[" + b"[]," * (SIZE // 3) + b"[]]"),
    "large exponents": _decoded(b"[" + b"1e999," * (SIZE // 6) + b"1]"),
    "a list whose elements are all replaced": _spliced(_names("b")),
    "a list that is turned round": _spliced(_names("a")[::-1]),
    "a list without its first": _spliced(_names("a")[1:]),
    "equal elements": _spliced([{"family": "a1"}] * (SIZE // 24)),
    "a hundred insertions": _json_patched,
    "a hundred searches": _fhirpath_patched,
    "names with ids": _gated(name=[{"id": f"a{number}"} for number in range(SIZE // 16)]),
    "contained resources": _gated(contained=[{"resourceType": "Patient", "id": f"a{number}"} for number in range(SIZE // 44)]),
    "unknown members": _gated(**{f"a{number}": 1 for number in range(SIZE // 12)}),
    "tags": _gated(text=_div("<b>" * (SIZE // 8) + "</b>" * (SIZE // 8))),
    "angle brackets": _gated(text=_div("<" * SIZE)),
    "comments in a style": _gated(text=_div("x", ' style="' + "/*" * (SIZE // 2) + '"')),
    "a reference without an end": _gated(managingOrganization={"reference": "http://a" + "/Aa" * (SIZE // 3)}),
}


def main() -> None:
    """Handle every bomb."""
    for name, handle in BOMBS.items():
        with suppress(ServiceError):
            handle()
        print(name, flush=True)


if __name__ == "__main__":
    main()
