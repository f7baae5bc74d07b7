"""Value sets that exist without a resource: all codes of a code system, and those that SNOMED CT and LOINC define by a URL.

They are given the form of a ValueSet resource, so that everything else treats them as any other.

    CodeSystem.valueSet                              all codes of that code system
    http://snomed.info/sct?fhir_vs                   all of SNOMED CT
    http://snomed.info/sct?fhir_vs=isa/22298006      a concept and what is below it
    http://snomed.info/sct?fhir_vs=refset/...|ecl/... a condition that only a terminology server can answer
    http://loinc.org/vs, http://loinc.org/vs/...     all of LOINC; an answer list or a group

https://hl7.org/fhir/R4/codesystem-definitions.html#CodeSystem.valueSet, https://hl7.org/fhir/R4/snomedct.html#implicit,
https://hl7.org/fhir/R4/loinc.html#implicit
"""

import re
from urllib.parse import unquote

from service.terminology.lookup import Canonical, Json, Lookup

SNOMED, LOINC = "http://snomed.info/sct", "http://loinc.org"
_SNOMED_URL = re.compile(r"http://snomed\.info/sct(?:/\d+(?:/version/\d+)?)?")
_LOINC_SETS = "http://loinc.org/vs"


def found(lookup: Lookup, name: Canonical) -> Json | None:
    """The ValueSet with that URL, stored or implicit; None when there is none."""
    tree = lookup.value_set(name.url, name.version)
    return _implicit(lookup, name) if tree is None else tree


def _implicit(lookup: Lookup, name: Canonical) -> Json | None:
    system = lookup.all_of(name.url)
    if system is not None:
        return _value_set(name, {"system": system, **({"version": name.version} if name.version else {})})
    if name.url == _LOINC_SETS:
        return _value_set(name, {"system": LOINC})
    if name.url.startswith(_LOINC_SETS + "/"):
        return _value_set(name, _condition(LOINC, name.url.removeprefix(_LOINC_SETS + "/")))
    return _of_snomed(name)


def _of_snomed(name: Canonical) -> Json | None:
    base, _, query = name.url.partition("?")
    if not _SNOMED_URL.fullmatch(base) or not (query == "fhir_vs" or query.startswith("fhir_vs=")):
        return None
    kind, _, value = unquote(query.removeprefix("fhir_vs").removeprefix("=")).partition("/")
    part = {"system": SNOMED} if base == SNOMED else {"system": SNOMED, "version": base}
    if kind == "isa":
        part = {**part, **_filter("concept", "is-a", value)}
    elif kind:
        part = {**part, **_filter("constraint", "=", f"{kind}/{value}")}
    return _value_set(name, part)


def _condition(system: str, value: str) -> Json:
    return {"system": system, **_filter("constraint", "=", value)}


def _filter(name: str, operator: str, value: str) -> Json:
    return {"filter": [{"property": name, "op": operator, "value": value}]}


def _value_set(name: Canonical, part: Json) -> Json:
    return {"resourceType": "ValueSet", "url": name.url, "status": "active", "compose": {"include": [part]}}
