"""Code tables: the value sets of R4's required bindings, expanded.

Written to `value-sets.ndjson`, one value set per line, sorted by URL: `{"url": ..., "codes": {system: [code, ...]}}`.
A set that only a syntax can decide (mime types, languages, currencies, UCUM) holds `"syntax": name` instead.
A set that the package does not carry is left out: the service does not check it and says so in its documentation.
https://hl7.org/fhir/R4/valueset.html#compositions
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts.r4.elements import base_definitions, compact

SYNTAXES = {
    "urn:ietf:bcp:13": "mime-type",
    "urn:ietf:bcp:47": "language",
    "urn:iso:std:iso:4217": "currency",
    "http://unitsofmeasure.org": "ucum",
}

Codes = dict[str, list[str]]


def write(resources: Iterable[Mapping[str, Any]], folder: Path) -> list[Path]:
    """Writes `value-sets.ndjson` under `folder`; returns its path in a list."""
    everything = list(resources)
    sets = {resource["url"]: resource for resource in everything if resource["resourceType"] == "ValueSet"}
    systems = {resource["url"]: resource for resource in everything if resource["resourceType"] == "CodeSystem"}
    urls = sorted(set(required(base_definitions(everything).values())))
    rows = [row(url, sets[url], systems) for url in urls if url in sets]
    target = folder / "value-sets.ndjson"
    target.write_text("".join(compact(entry) + "\n" for entry in rows), encoding="utf-8")
    return [target]


def required(definitions: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The value set URLs of all required bindings, without versions."""
    for definition in definitions:
        for element in definition["snapshot"]["element"]:
            binding = element.get("binding", {})
            if binding.get("strength") == "required" and "valueSet" in binding:
                yield binding["valueSet"].split("|")[0]


def row(url: str, value_set: Mapping[str, Any], systems: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The table row of one value set. Raises ValueError for a composition that this script does not understand."""
    compose = value_set["compose"]
    includes = compose["include"]
    syntax = next((SYNTAXES[include["system"]] for include in includes if bare(include) and include["system"] in SYNTAXES), None)
    if syntax:
        return {"url": url, "syntax": syntax}
    if "exclude" in compose:
        raise ValueError(f"{url} excludes codes; teach scripts/r4/codes.py to subtract them")
    codes: Codes = {}
    for include in includes:
        known = codes.setdefault(include["system"], [])
        known.extend(code for code in included(url, include, systems) if code not in known)
    return {"url": url, "codes": codes}


def bare(include: Mapping[str, Any]) -> bool:
    """Whether the include takes a whole code system."""
    return "concept" not in include and "filter" not in include and "valueSet" not in include


def included(url: str, include: Mapping[str, Any], systems: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The codes that one include contributes."""
    if "concept" in include:
        return [concept["code"] for concept in include["concept"]]
    if not bare(include) or systems[include["system"]]["content"] != "complete":
        raise ValueError(f"{url} filters {include.get('system')}; teach scripts/r4/codes.py to expand it")
    return list(concepts(systems[include["system"]]))


def concepts(node: Mapping[str, Any]) -> Iterator[str]:
    """The codes of a code system, parents before children."""
    for concept in node.get("concept", ()):
        yield concept["code"]
        yield from concepts(concept)
