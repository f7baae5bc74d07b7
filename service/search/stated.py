"""The search parameters that R4 and the clinic state in `fhir_profiles/`, and the keys under which the index stores them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from service.search.activation import Row
from service.search.keys import parameter_key
from service.search.sources import BESIDES
from service.search.type_plan import ROOTS

OTHER_REFERENCE = "*reference"
"""Literal references that no parameter covers."""

_CORE = "http://hl7.org/fhir/SearchParameter/"


def read(folder: Path) -> Iterator[Row]:
    """The rows of R4, then those of the clinic, which win where both define a code."""
    listed = json.loads((folder / "r4" / "search-parameters.json").read_text(encoding="utf-8"))
    yield from ({"url": _CORE + row["id"], **row} for row in listed)
    for path in sorted((folder / "clinic").glob("*.json")):
        resource = json.loads(path.read_text(encoding="utf-8"))
        if resource.get("resourceType") == "SearchParameter":
            yield resource


def keys(types: Iterable[str], rows: Iterable[Row]) -> Mapping[int, str]:
    """What each key of the index stands for. Raises ValueError that names two parameters with one key."""
    rows, seen = list(rows), dict[int, str]()
    for name in types:
        codes = [row["code"] for row in rows if name in row["base"] or any(root in row["base"] for root in ROOTS)]
        for code in (*codes, *(code + suffix for code in codes for suffix in BESIDES), OTHER_REFERENCE):
            named, key = f"{name}.{code}", parameter_key(name, code)
            if seen.setdefault(key, named) != named:
                raise ValueError(f"the search parameters {named} and {seen[key]} have the same key; rename one")
    return seen
